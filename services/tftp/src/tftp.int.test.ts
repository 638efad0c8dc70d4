/** The service as programs we did not write see it: tftp-hpa, atftp, busybox, curl, and the tftp2 package's client. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '@ironbus/testkit';
import { fetchFile } from './testing/client.ts';
import { boundMac, contentOf, serve, type Served } from './testing/served.ts';

const sizes = { 'empty.bin': 0, 'one.bin': 1, 'short.bin': 511, 'whole.bin': 512, 'long.bin': 513, 'blksize.bin': 1468 * 3, 'loader.efi': 1_000_003, 'big.img': 40 * 1024 * 1024 + 7 };
const contents = Object.fromEntries(Object.entries(sizes).map(([name, sizeBytes]) => [name, contentOf(sizeBytes)]));
const text = Buffer.from('set timeout=5\nlinux /vmlinuz\r\n\rend\n');

let served: Served;
before(async () => { served = await serve({ ...contents, 'grub/grub.cfg': text }); });
after(() => served[Symbol.asyncDispose]());

type Fetcher = { name: string; argv(file: string, local: string, port: string): readonly [string, ...string[]] };
const port = (): string => String(served.port);
const fetchers: readonly Fetcher[] = [
  { name: 'tftp-hpa', argv: (file, local, port) => ['tftp', '-m', 'binary', '127.0.0.1', port, '-c', 'get', file, local] },
  { name: 'atftp', argv: (file, local, port) => ['atftp', '--get', '-r', file, '-l', local, '127.0.0.1', port] },
  { name: 'atftp, blksize 1468 windowsize 8', argv: (file, local, port) => ['atftp', '--get', '--option', 'blksize 1468', '--option', 'windowsize 8', '--option', 'tsize 0', '-r', file, '-l', local, '127.0.0.1', port] },
  { name: 'busybox', argv: (file, local, port) => ['busybox', 'tftp', '-g', '-r', file, '-l', local, '127.0.0.1', port] },
  { name: 'busybox, blksize 1468', argv: (file, local, port) => ['busybox', 'tftp', '-b', '1468', '-g', '-r', file, '-l', local, '127.0.0.1', port] },
  { name: 'curl', argv: (file, local, port) => ['curl', '-sS', '--fail', '-o', local, `tftp://127.0.0.1:${port}/${file}`] },
  { name: 'curl, blksize 1468', argv: (file, local, port) => ['curl', '-sS', '--tftp-blksize', '1468', '-o', local, `tftp://127.0.0.1:${port}/${file}`] },
  { name: 'curl without options', argv: (file, local, port) => ['curl', '-sS', '--tftp-no-options', '-o', local, `tftp://127.0.0.1:${port}/${file}`] },
];

type Ran = { code: number | null; output: string };
function run([program, ...argv]: readonly [string, ...string[]]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

async function getsWhole({ argv }: Fetcher, file: string, { from, local }: { from: Served; local: string }): Promise<void> {
  const { code, output } = await run(argv(file, local, String(from.port)));
  assert.equal(code, 0, output);
  const expected = contents[file] ?? Buffer.alloc(0);
  const got = await readFile(local).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT' && expected.length === 0) return Buffer.alloc(0); throw error; });
  assert.ok(got.equals(expected), `${got.length} bytes instead of ${expected.length}, or others: ${output}`);
}

describe('every client gets every file, byte for byte', () => {
  for (const [at, fetcher] of fetchers.entries()) {
    for (const file of Object.keys(sizes)) test(`${fetcher.name}: ${file}`, () => getsWhole(fetcher, file, { from: served, local: join(served.dir, `got-${at}-${file}`) }));
  }
});

for (const [name, env] of [['without native sockets', { TFTP_NATIVE_IO: 'false' }], ['from one port', { TFTP_SINGLE_PORT: 'true' }]] as const) {
  describe(`every client gets a file ${name}`, () => {
    let other: Served;
    before(async () => { other = await serve({ 'loader.efi': contents['loader.efi'] ?? Buffer.alloc(0) }, env); });
    after(() => other[Symbol.asyncDispose]());
    for (const [at, fetcher] of fetchers.entries()) test(fetcher.name, () => getsWhole(fetcher, 'loader.efi', { from: other, local: join(other.dir, `got-${at}`) }));
  });
}

test('netascii: tftp-hpa and curl get a text file with their own line ends again', async () => {
  const local = join(served.dir, 'got-text');
  const { code, output } = await run(['tftp', '-m', 'ascii', '127.0.0.1', port(), '-c', 'get', 'grub/grub.cfg', local]);
  assert.equal(code, 0, output);
  assert.equal((await readFile(local)).toString('latin1'), text.toString('latin1'));
  const ascii = await run(['curl', '-sS', '--use-ascii', `tftp://127.0.0.1:${port()}/grub/grub.cfg`]);
  assert.equal(ascii.output, text.toString('latin1').replaceAll('\n', '\r\n').replaceAll('\r\r\n', '\r\0\r\n').replace('\n\rend', '\n\r\0end'));
});

test('the tftp2 package as client: a file of several blocks', async () => {
  type Tftp2 = (host: string, port: number) => { read(file: string, push: (data: Buffer) => Promise<void>, done: () => void): Promise<void>; close(): void };
  const tftp2 = createRequire(import.meta.url)('tftp2') as Tftp2;
  const client = tftp2('127.0.0.1', served.port);
  const parts: Buffer[] = [];
  await client.read('loader.efi', async (data) => void parts.push(data), () => undefined);
  client.close();
  assert.ok(Buffer.concat(parts).equals(contents['loader.efi'] ?? Buffer.alloc(0)));
});

test('programs say what was wrong with a refused request', async () => {
  const local = join(served.dir, 'refused');
  for (const [file, says] of [['no-such.efi', /not found|no-such-file|File not found/i], ['../manifest.json', /access violation|outside-tree/i]] as const) {
    assert.match((await run(['tftp', '-m', 'binary', '127.0.0.1', port(), '-c', 'get', file, local])).output, says);
    const { data, subject } = await waitFor(() => served.seen('tftp.refused', file)[0], { what: `tftp.refused of ${file}` });
    assert.deepEqual([subject, (data as { mac: string }).mac], [boundMac.replaceAll(':', ''), boundMac]);
  }
  const put = await run(['tftp', '-m', 'binary', '127.0.0.1', port(), '-c', 'put', join(served.dir, 'manifest.json'), 'stolen.json']);
  assert.match(put.output, /access violation|read-only/i);
  await waitFor(() => served.seen('tftp.refused', 'stolen.json').length > 0);
});

test('what happened is on the bus, with the machine that bindings name', async () => {
  await run(['curl', '-sS', '-o', join(served.dir, 'again'), '--tftp-blksize', '1024', `tftp://127.0.0.1:${port()}/grub/grub.cfg`]);
  const completed = await waitFor(() => served.seen('tftp.completed', 'grub/grub.cfg').find((event) => (event.data as { blockBytes: number }).blockBytes === 1024));
  assert.deepEqual([completed.nodeid, completed.bootid, completed.source], ['k7x2mp', 'boot-1', completed.source]);
  const { seconds, ...data } = completed.data as { seconds: number };
  assert.deepEqual(data, { address: '127.0.0.1', mac: boundMac, file: 'grub/grub.cfg', bytes: text.length, blockBytes: 1024, windowBlocks: 1, retransmitted: 0 });
  assert.ok(seconds > 0 && seconds < 10);
  const asked = served.seen('tftp.rrq', 'grub/grub.cfg').map((event) => (event.data as { options: Record<string, string> }).options);
  assert.ok(asked.some((options) => options['blksize'] === '1024'));
});

test('two hundred clients at once', async () => {
  const expected = contents['loader.efi'] ?? Buffer.alloc(0);
  const got = await Promise.all(Array.from({ length: 200 }, () => fetchFile(served.port, { file: 'loader.efi', options: { blksize: 1468, windowsize: 4 } })));
  assert.equal(got.filter((bytes) => bytes.equals(expected)).length, 200);
  await waitFor(() => served.service.running() === 0);
});
