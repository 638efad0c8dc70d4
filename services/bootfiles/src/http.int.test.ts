/** What loaders and installers want of an HTTP server, asked by curl, ab and wget, and on the socket where those are too polite. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { waitFor } from '@ironbus/testkit';
import { ofType, startRack, type Rack } from '../test/rack.ts';

const run = async (program: string, ...args: string[]): Promise<string> => (await promisify(execFile)(program, args, { maxBuffer: 1 << 26, encoding: 'latin1' })).stdout;
const curl = (...args: string[]): Promise<string> => run('curl', '-sS', '--max-time', '30', ...args);
const sha = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

const content = randomBytes(24_000_000);
const name = sha(content);
let rack: Rack;
let directory: string;
let url: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ironbus-http-'));
  await mkdir(join(directory, 'shared'));
  await writeFile(join(directory, 'shared', name), content, { flush: true });
  rack = await startRack({ BOOTFILES_SHARED_IMAGE_DIR: join(directory, 'shared') });
  await rack.start();
  url = rack.url(`/images/${name}`);
});
after(async () => {
  await rack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** Status and headers as they are written, the body as its length. */
async function ask(...args: string[]): Promise<{ status: string; header(name: string): string | undefined; bytes: number }> {
  const body = join(directory, 'body');
  const head = await curl('-D', '-', '-o', body, ...args, url);
  const header = (wanted: string): string | undefined => new RegExp(`^${wanted}: (.*)\r$`, 'm').exec(head)?.[1];
  return { status: head.split(' ')[1] ?? '', header, bytes: args.includes('-I') ? 0 : (await readFile(body).catch(() => Buffer.alloc(0))).length };
}

test('HEAD says what GET does; lengths are spelled as GRUB reads them', async () => {
  const [head, get] = [await ask('-I'), await ask()];
  for (const wanted of ['Content-Length', 'etag', 'last-modified', 'accept-ranges', 'content-type']) assert.equal(head.header(wanted), get.header(wanted), wanted);
  assert.deepEqual([head.status, head.header('Content-Length'), head.bytes, get.bytes], ['200', '24000000', 0, content.length]);
});

test('304 has its validators and no length; conditions go before ranges', async () => {
  const { header } = await ask('-I');
  const [etag, modified] = [header('etag') ?? '', header('last-modified') ?? ''];
  for (const condition of [`If-None-Match: ${etag}`, `If-None-Match: "x", W/${etag}`, `If-Modified-Since: ${modified}`]) {
    const answer = await ask('-H', condition, '-r', '0-9');
    assert.deepEqual([answer.status, answer.header('etag'), answer.header('Content-Length')], ['304', etag, undefined], condition);
  }
  assert.equal((await ask('-H', 'If-None-Match: "x"', '-H', `If-Modified-Since: ${modified}`)).status, '200');
  assert.deepEqual([(await ask('-H', 'If-Match: "x"')).status, (await ask('-H', `If-Unmodified-Since: ${modified}`)).status], ['412', '200']);
  for (const [ifRange, status] of [[etag, '206'], [modified, '206'], ['"x"', '200'], ['Thu, 01 Jan 1970 00:00:00 GMT', '200']]) assert.equal((await ask('-r', '0-9', '-H', `If-Range: ${ifRange}`)).status, status);
});

test('ranges: first, last, past the end, several, none', async () => {
  const rows = [['0-0', '206', 'bytes 0-0/24000000', 1], ['23999990-', '206', 'bytes 23999990-23999999/24000000', 10], ['-5', '206', 'bytes 23999995-23999999/24000000', 5],
    ['23999990-99999999', '206', 'bytes 23999990-23999999/24000000', 10], ['24000000-', '416', 'bytes */24000000', 0], ['0-0,5-9', '200', undefined, content.length]] as const;
  for (const [range, status, contentRange, bytes] of rows) {
    const answer = await ask('-r', range);
    assert.deepEqual([answer.status, answer.header('content-range'), answer.bytes, answer.header('Content-Length')], [status, contentRange, bytes, String(bytes)], range);
  }
});

test('one connection serves one request after the other: HTTP/1.1 by curl, HTTP/1.0 with keep-alive by ab', async () => {
  const loader = rack.url('/loaders/ipxe.efi');
  const connects = await run('curl', '-sS', '-w', '%{num_connects} %{http_code}\n', '-o', '/dev/null', '-o', '/dev/null', '-o', '/dev/null', loader, url, loader);
  assert.equal(connects, '1 200\n0 200\n0 200\n');
  const said = await run('ab', '-q', '-k', '-n', '40', '-c', '4', loader);
  assert.match(said, /Keep-Alive requests: {4}40\n/);
  assert.match(said, /Failed requests: {8}0\n/);
  const close = await curl('-0', '-D', '-', '-o', '/dev/null', loader);
  assert.match(close, /^connection: close\r$/im);
});

test('pipelined requests are answered whole and in order, large ones too', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: rack\r\n${more}\r\n`;
  const image = `/images/${name}`;
  socket.write(get(image, 'Range: bytes=0-19999999\r\n') + get('/loaders/ipxe.efi') + get(image) + `HEAD ${image} HTTP/1.1\r\nHost: rack\r\n\r\n` + get(image, 'Range: bytes=-3\r\nConnection: close\r\n'));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  let rest = Buffer.concat(chunks);
  const next = (hasBody = true): Buffer => {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const length = hasBody ? Number(/Content-Length: (\d+)/.exec(rest.subarray(0, end).toString('latin1'))?.[1]) : 0;
    const body = rest.subarray(end, end + length);
    rest = rest.subarray(end + length);
    return body;
  };
  assert.ok(next().equals(content.subarray(0, 20_000_000)));
  assert.match(next().toString(), /^bytes of loaders\/ipxe\.efi/);
  assert.ok(next().equals(content));
  assert.equal(next(false).length, 0);
  assert.ok(next().equals(content.subarray(-3)));
  assert.equal(rest.length, 0);
});

/** All that comes back for these bytes; `end` says with FIN that no more of them will. */
async function exchange(request: string, { end }: { end: boolean }): Promise<Buffer> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
  if (end) socket.end(request);
  else socket.write(request);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('who closes its half after the request gets the whole answer, of two requests both', async () => {
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: rack\r\n\r\n`;
  const image = await exchange(get(`/images/${name}`), { end: true });
  assert.ok(image.subarray(-content.length).equals(content));
  assert.match(image.toString('latin1', 0, 20), /^HTTP\/1\.1 200 OK/);
  const two = await exchange(get(`/images/${name}`) + get('/loaders/ipxe.efi'), { end: true });
  assert.ok(two.indexOf(content.subarray(0, 1000)) > 0);
  assert.match(two.toString('latin1').slice(-30), /bytes of loaders\/ipxe\.efi $/);
});

test('what is no request is told why, in the shape of every other error', async () => {
  const rows = [['\x16\x03\x01\x02\x00\x01', '400', /http, not https/], ['GET / HTTP/1.1\nHost: rack\n\n', '400', /CR LF/], ['BREW / HTTP/1.1\r\n\r\n', '400', /method/],
    [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\n`, '431', /16 KiB/], ['GET /loaders/ipxe.efi HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', '400', /two hosts/],
    ['GET /loaders/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', '400', /%zz/]] as const;
  for (const [request, status, why] of rows) {
    const [head = '', body = ''] = (await exchange(request, { end: false })).toString().split('\r\n\r\n');
    assert.equal(head.split(' ')[1], status, request.slice(0, 40));
    assert.equal(/^Content-Length: (\d+)$/m.exec(head)?.[1], String(Buffer.byteLength(body)));
    const { error } = JSON.parse(body) as { error: { code: string; message: string } };
    assert.equal(error.code, 'REQUEST_INVALID');
    assert.match(error.message, why);
  }
});

test('nonsense behind a request, while its answer is on the way: nothing comes between the bytes of the file', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(`GET /images/${name} HTTP/1.1\r\nHost: rack\r\n\r\n`);
  await once(socket, 'readable');
  socket.write('nonsense\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const answer = Buffer.concat(chunks);
  const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
  assert.match(answer.toString('latin1', 0, 20), /^HTTP\/1\.1 200 OK/);
  assert.ok(content.subarray(0, body.length).equals(body), `${body.length} bytes of the file came, and nothing else`);
});

test('what is there and only to be read is 405 for other methods, with those that it is for', async () => {
  for (const path of [`/images/${name}`, `/images/${name}/tree/x`, '/loaders/ipxe.efi', '/boot/52-54-00-77-00-01/script.ipxe', '/profiles/x/initrd']) {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await fetch(rack.url(path), { method, ...(method === 'POST' && { body: '<xml/>', headers: { 'content-type': 'text/xml' } }) });
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD'], `${method} ${path}`);
    }
  }
  assert.equal((await fetch(rack.url('/nothing'), { method: 'POST' })).status, 404);
});

const openFiles = async (): Promise<number> => {
  const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return links.filter((link) => link.endsWith(name) || link.startsWith('socket:')).length;
};

test('who goes away half-way, or is killed, leaves no open file and no socket, and it is told', async () => {
  await curl('-o', '/dev/null', url);
  const before = await openFiles();
  rack.observations.length = 0;
  const slow = Array.from({ length: 8 }, () => spawn('curl', ['-sS', '--limit-rate', '100k', '-o', '/dev/null', url], { stdio: 'ignore' }));
  await waitFor(async () => await openFiles() >= before + 16);
  for (const [index, child] of slow.entries()) child.kill(index % 2 === 0 ? 'SIGKILL' : 'SIGINT');
  await Promise.all(slow.map((child) => once(child, 'exit')));
  await waitFor(async () => await openFiles() <= before);
  await waitFor(() => ofType(rack.observations, 'boot.file-served').filter((event) => {
    const { complete, bytes } = event.data as { complete: boolean; bytes: number };
    return !complete && bytes > 0 && bytes < content.length;
  }).length === 8);
});

test('requests that wait on one connection have no open files, and who sends on and on without taking an answer is cut off', async () => {
  const before = await openFiles();
  const request = `GET /images/${name} HTTP/1.1\r\nHost: rack\r\n\r\n`;
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
  socket.write(request.repeat(200));
  await waitFor(async () => await openFiles() > before + 2);
  await curl('-o', '/dev/null', url);
  assert.ok(await openFiles() <= before + 6, 'two ends of a connection or two, and a file each');
  socket.on('error', () => undefined).write(request.repeat(1000));
  await waitFor(async () => await openFiles() <= before + 1, { what: 'only this end is left' });
  socket.destroy();
});

test('twenty machines at once get the same bytes from one read of the disk', async () => {
  await run('dd', `if=${join(directory, 'shared', name)}`, 'iflag=nocache', 'count=0', 'status=none'); // the kernel forgets the file
  const readBytes = async (): Promise<number> => Number(/^read_bytes: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
  const before = await readBytes();
  const sums = await Promise.all(Array.from({ length: 20 }, (_, n) => run('sh', '-c', `curl -sS ${url}?${n} | sha256sum`)));
  assert.deepEqual(new Set(sums.map((sum) => sum.slice(0, 64))), new Set([name]));
  assert.ok(await readBytes() - before < 1.5 * content.length);
});
