/** The rack's image cache on a disk that does not take images, and beside a region that has another one than it said. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Image } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { image as template } from '../../test/fixtures.ts';
import { log } from '../../test/rack.ts';
import { ImageCache } from './image-cache.ts';
import { openImageFiles, writeAll, type ImageFiles } from './image-files.ts';

const content = randomBytes(300_000);
const asked: string[] = [];
const region = createServer((request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  asked.push(`${request.url} ${from}`);
  if (from >= content.length) return void response.writeHead(416).end();
  response.writeHead(from > 0 ? 206 : 200, { ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }) }).end(content.subarray(from));
});
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ironbus-cache-'));
  region.listen(0, '127.0.0.1');
  await once(region, 'listening');
});
after(async () => {
  region.closeAllConnections();
  region.close();
  await rm(directory, { recursive: true });
});

const imageOf = (id: string, changes: Partial<Image> = {}): Image => ({ ...template, id, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex'), ...changes });

async function openCache(images: Image[], changes: Partial<ImageFiles> = {}): Promise<ImageCache & AsyncDisposable> {
  const files = { ...openImageFiles(directory, undefined), ...changes };
  const regionUrl = `http://127.0.0.1:${(region.address() as AddressInfo).port}`;
  const cache = new ImageCache({ files, regionUrl, regionKey: undefined, log, index: () => images, heard: () => true, needed: () => new Set() });
  await cache.start();
  return Object.assign(cache, { [Symbol.asyncDispose]: () => cache.stop() });
}

test('an image that does not fit: nothing is fetched, and that the disk is the reason is known', async () => {
  const image = imageOf('huge', { sizeBytes: 2 ** 52, sha256: 'd'.repeat(64) });
  await using cache = await openCache([image]);
  assert.equal(await cache.await(image.sha256, 200), 'unkept');
  assert.deepEqual([asked.filter((line) => line.includes('/huge/')), await readdir(directory)], [[], []]);
});

test('a directory that could not be swept once does not end the fetching of images', async () => {
  const images: Image[] = [];
  let sweeps = 0;
  const sweep = (): Promise<string[]> => {
    sweeps += 1;
    return sweeps === 1 ? Promise.reject(Object.assign(new Error('EROFS: read-only file system, unlink'), { code: 'EROFS' })) : Promise.resolve([]);
  };
  await using cache = await openCache(images, { sweep });
  await waitFor(() => sweeps === 1);
  images.push(imageOf('later'));
  cache.kick();
  await waitFor(async () => (await readFile(join(directory, imageOf('later').sha256)).catch(() => undefined))?.equals(content));
});

test('a part that is longer than what the region has is given up, not asked for the rest of for ever', async () => {
  const image = imageOf('short', { sizeBytes: content.length + 100, sha256: 'e'.repeat(64) });
  await writeFile(join(directory, `${image.sha256}.part`), Buffer.concat([content, Buffer.alloc(10)]));
  await using cache = await openCache([image]);
  await waitFor(() => asked.includes('/api/v1/images/short/blob 0'));
  assert.equal(await cache.await(image.sha256, 50), 'absent');
});

test('every byte is written where a disk takes them a few at a time', async () => {
  const kept = Buffer.alloc(1000);
  const handle = { write: (bytes: Uint8Array, at: number, length: number, position: number) => Promise.resolve({ bytesWritten: Buffer.from(bytes).copy(kept, position, at, at + Math.min(length, 7)) }) };
  await writeAll(handle, content.subarray(0, 900), 100);
  assert.ok(kept.subarray(100).equals(content.subarray(0, 900)));
});
