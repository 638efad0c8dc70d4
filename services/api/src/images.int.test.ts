import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { imagesBucket } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { errorOf, fakeLifecycle, startRegion, type Fake, type Region } from './testing/region.ts';

let region: Region;
let lifecycle: Fake;
before(async () => {
  region = await startRegion();
  await region.startApi();
  lifecycle = await fakeLifecycle(region.nats);
});
after(async () => {
  await lifecycle[Symbol.asyncDispose]();
  await region.stop();
});

const chunk = Buffer.alloc(1024 * 1024, 'ironbus!');
const sha = (...parts: Uint8Array[]): string => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');
const files = (): Promise<string[]> => readdir(join(region.dataDir, 'images'));
/** As many megabytes as asked for, one at a time. */
const megabytes = (count: number): ReadableStream => ReadableStream.from((function* () { for (let n = 0; n < count; n += 1) yield chunk; })());

test('50 MB are streamed in, hashed, listed, and come out again whole and in parts', async () => {
  const expected = sha(...Array.from({ length: 50 }, () => chunk));
  const rssBefore = process.memoryUsage().rss;
  const added = await region.call('POST', `/api/v1/images?name=Big%20One&format=raw&os=debian&release=12&sha256=${expected}`, { body: megabytes(50) });
  assert.deepEqual([added.status, added.body['id'], added.body['sha256'], added.body['sizeBytes'], added.body['compression']], [201, 'big-one', expected, 50 * chunk.length, 'none']);
  assert.ok(process.memoryUsage().rss - rssBefore < 150e6, 'it is not gathered in memory');
  assert.deepEqual((await region.call('GET', '/api/v1/images')).body, [added.body]);
  await waitFor(async () => (await lifecycle.bus.kv(imagesBucket).get('big-one'))?.value.sha256 === expected);
  assert.deepEqual(await files(), [expected]);

  const blob = await fetch(`${region.url}/api/v1/images/big-one/blob`, { headers: { authorization: `Bearer ${region.firstKey()}` } });
  const hash = createHash('sha256');
  for await (const part of blob.body!) hash.update(part as Uint8Array);
  assert.equal(hash.digest('hex'), expected);
  assert.equal(blob.headers.get('etag'), `"${expected}"`);
  const part = await region.call('GET', '/api/v1/images/big-one/blob', { headers: { range: 'bytes=1048570-1048581' } });
  assert.deepEqual([part.status, part.text, part.headers.get('content-range')], [206, 'onbus!ironbu', `bytes 1048570-1048581/${50 * chunk.length}`]);
  assert.equal((await region.call('GET', '/api/v1/images/big-one/blob', { headers: { range: `bytes=${50 * chunk.length}-` } })).status, 416);
  const head = await region.call('HEAD', '/api/v1/images/big-one/blob');
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(50 * chunk.length)]);
});

test('the same image again is the same image; another one under its id is refused', async () => {
  const [known] = (await region.call('GET', '/api/v1/images')).body as unknown as { sha256: string }[];
  const again = await region.call('POST', `/api/v1/images?name=Big%20One&format=raw&sha256=${known!.sha256}`, { body: megabytes(2) });
  assert.equal(again.status, 200);
  assert.match(errorOf(await region.call('POST', '/api/v1/images?name=Big%20One&format=raw', { body: megabytes(2) })).message, /there is an image big-one already/);
});

const refused: [what: string, query: string, body: () => unknown, headers: Record<string, string>, says: RegExp][] = [
  ['a wrong hash', `sha256=${'0'.repeat(64)}`, () => Buffer.from('x'), {}, /have SHA-256 2d711642.* not 0000/],
  ['a qcow2 file, in the midst of sending it', '', () => ReadableStream.from([Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'), ...Array.from({ length: 30 }, () => chunk)]), {}, /qemu-img convert -O raw/],
  ['no body', '', () => undefined, {}, /no body of type application\/octet-stream/],
  ['an empty body', '', () => Buffer.alloc(0), {}, /no body/],
  ['a body of another type', '', () => ({ a: 1 }), {}, /application\/octet-stream/],
];
for (const [what, query, body, headers, says] of refused) {
  test(`refused, and nothing kept: ${what}`, async () => {
    const before = await files();
    const answer = await region.call('POST', `/api/v1/images?name=Bad&format=raw&${query}`, { body: body(), headers });
    assert.equal(answer.status, 422, answer.text);
    assert.match(errorOf(answer).message, says);
    assert.deepEqual(await files(), before);
  });
}

test('a disc (iso) is kept where its files can be served; what is no disc, is cut off or compressed is refused with the reason', async () => {
  const place = await mkdtemp(join(tmpdir(), 'ironbus-disc-'));
  await mkdir(join(place, 'tree'));
  await writeFile(join(place, 'tree', 'vmlinuz'), 'kernel');
  await promisify(execFile)('genisoimage', ['-quiet', '-R', '-o', join(place, 'disc.iso'), join(place, 'tree')]);
  const disc = await readFile(join(place, 'disc.iso'));
  await rm(place, { recursive: true });
  const add = (name: string, body: Buffer) => region.call('POST', `/api/v1/images?name=${name}&format=iso`, { body });
  const kept = await add('installer', disc);
  assert.deepEqual([kept.status, kept.body['format'], kept.body['sizeBytes']], [201, 'iso', disc.length], kept.text);
  const before = await files();
  for (const [body, says] of [
    [Buffer.alloc(100_000), /no ISO 9660 or UDF volume/], [disc.subarray(0, 50_000), /the image is cut off/], [gzipSync(disc), /compressed with gzip: decompress it first/],
  ] as const) {
    const refusal = await add('bad', body);
    assert.equal(refusal.status, 422);
    assert.match(errorOf(refusal).message, says);
  }
  assert.deepEqual(await files(), before);
});

test('without a key an upload is 401, also where the client is still sending', async () => {
  assert.equal((await region.call('POST', '/api/v1/images?name=Big&format=raw', { key: null, body: megabytes(8) })).status, 401);
});

/** An upload that has sent one megabyte and goes no further. */
async function startUpload(): Promise<ReturnType<typeof request>> {
  const before = (await files()).length;
  const upload = request(`${region.url}/api/v1/images?name=Half&format=raw`, { method: 'POST', headers: { authorization: `Bearer ${region.firstKey()}`, 'content-type': 'application/octet-stream' } });
  upload.on('error', () => undefined);
  upload.write(chunk);
  await waitFor(async () => (await files()).length === before + 1);
  return upload;
}

test('an upload whose client goes away leaves nothing', async () => {
  const before = await files();
  (await startUpload()).destroy();
  await waitFor(async () => (await files()).length === before.length);
  assert.equal((await region.call('GET', '/api/v1/images/half')).status, 404);
  assert.ok(!region.logged.join('').includes('request failed'));
});

test('what a killed api left of an upload is gone after its restart, another instance’s is not', async () => {
  const before = await files();
  for (const name of ['upload-api-1-dead', 'upload-api-2-alive']) await writeFile(join(region.dataDir, 'images', name), 'x');
  await region.stopApi();
  await region.startApi();
  assert.deepEqual(await files(), [...before, 'upload-api-2-alive'].toSorted());
  await rm(join(region.dataDir, 'images', 'upload-api-2-alive'));
});

test('bytes that two images share stay until the second is removed', async () => {
  const add = (name: string) => region.call('POST', `/api/v1/images?name=${name}&format=rootfs`, { body: Buffer.from('shared') });
  assert.deepEqual([(await add('one')).status, (await add('two')).status], [201, 201]);
  const file = sha(Buffer.from('shared'));
  assert.equal((await region.call('DELETE', '/api/v1/images/one')).status, 204);
  assert.ok((await files()).includes(file));
  assert.equal((await region.call('DELETE', '/api/v1/images/two')).status, 204);
  assert.ok(!(await files()).includes(file));
});

test('bytes that vanished from the disk are said to be gone', async () => {
  const added = await region.call('POST', '/api/v1/images?name=gone&format=raw', { body: Buffer.from('going') });
  await rm(join(region.dataDir, 'images', String(added.body['sha256'])));
  assert.deepEqual(errorOf(await region.call('GET', '/api/v1/images/gone/blob')).code, 'FILE_UNKNOWN');
});
