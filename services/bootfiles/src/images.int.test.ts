import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { imagesBucket, type Image } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { image as template, mac, policy, deploySteps } from '../test/fixtures.ts';
import { startRack, type Rack } from '../test/rack.ts';

/** The region's blob route: holds an answer back until told, and counts. */
function startRegion() {
  const asked: string[] = [];
  const held: ServerResponse[] = [];
  const blobs = new Map<string, Buffer>();
  let hold = false;
  let away = false;
  const server = createServer((request, response) => {
    const id = /^\/api\/v1\/images\/([a-z0-9-]+)\/blob$/.exec(request.url ?? '')?.[1] ?? '';
    if (away) return void request.socket.destroy();
    asked.push(`${id} ${request.headers.authorization}`);
    const blob = blobs.get(id);
    if (blob === undefined) return void response.writeHead(404).end();
    if (!hold) return void response.end(blob);
    response.write(blob.subarray(0, 10));
    held.push(response);
  });
  return {
    asked, blobs, server,
    hold: () => { hold = true; },
    setAway: (value: boolean) => { away = value; },
    release: (rest: Buffer) => { hold = false; for (const response of held.splice(0)) response.end(rest); },
  };
}

const region = startRegion();
const bytes = randomBytes(300_000);
const imageOf = (id: string, content: Buffer): Image => ({ ...template, id, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
let rack: Rack;
let sharedDirectory: string;
const cached = (): Promise<string[]> => readdir(rack.config.imageDir);
const fetchImage = (sha256: string): Promise<Response> => fetch(rack.url(`/images/${sha256}`));

before(async () => {
  region.server.listen(0, '127.0.0.1');
  await once(region.server, 'listening');
  sharedDirectory = await mkdtemp(join(tmpdir(), 'ironbus-shared-'));
  rack = await startRack({
    BOOTFILES_REGION_URL: `http://127.0.0.1:${(region.server.address() as AddressInfo).port}`, BOOTFILES_REGION_KEY: 'ib_test', BOOTFILES_IMAGE_WAIT: '5',
    BOOTFILES_SHARED_IMAGE_DIR: sharedDirectory,
  });
  await mkdir(rack.config.imageDir, { recursive: true });
  await writeFile(join(rack.config.imageDir, `${'b'.repeat(64)}.part`), 'half');
  await writeFile(join(rack.config.imageDir, 'c'.repeat(64)), 'nobody needs me');
  await rack.start();
});
after(async () => {
  await rack[Symbol.asyncDispose]();
  region.server.closeAllConnections();
  region.server.close();
  await rm(sharedDirectory, { recursive: true });
});

test('what killed downloads left and what nobody needs is gone after a start', async () => {
  await waitFor(async () => (await cached()).length === 0);
});

test('a machine that asks early waits for the one download and gets the bytes', async () => {
  const image = imageOf('early', bytes);
  region.blobs.set(image.id, bytes);
  region.hold();
  await rack.api.kv(imagesBucket).put(image.id, image);
  await waitFor(() => region.asked.length > 0);
  const machines = [fetchImage(image.sha256), fetchImage(image.sha256)];
  region.release(bytes.subarray(10));
  for (const response of await Promise.all(machines)) assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
  assert.deepEqual(region.asked, ['early Bearer ib_test']);
  assert.deepEqual(await cached(), [image.sha256]);
});

test('bytes that are not the announced ones are never kept or served', async () => {
  const image = imageOf('forged', randomBytes(1000));
  region.blobs.set(image.id, randomBytes(1000));
  await rack.api.kv(imagesBucket).put(image.id, image);
  await waitFor(() => region.asked.some((line) => line.startsWith('forged')));
  assert.equal((await fetchImage(image.sha256)).status, 404);
  assert.ok(!(await cached()).includes(image.sha256));
  await rack.api.kv(imagesBucket).delete(image.id);
});

test('while the region is away a machine is told to ask again, and gets the image once it is back', async () => {
  const content = randomBytes(2000);
  const image = imageOf('late', content);
  region.blobs.set(image.id, content);
  region.setAway(true);
  await rack.api.kv(imagesBucket).put(image.id, image);
  const early = await waitFor(async () => { const answer = await fetchImage(image.sha256); return answer.status !== 404 && answer; }, { what: 'the rack to hear of the image', timeoutMs: 10_000 });
  assert.equal(early.status, 503);
  region.setAway(false);
  const response = await fetchImage(image.sha256);
  assert.deepEqual([response.status, Buffer.from(await response.arrayBuffer())], [200, content]);
  await rack.api.kv(imagesBucket).delete(image.id);
});

test('an image that the region does not have is unknown at once', async () => {
  const image = imageOf('gone', randomBytes(1000));
  await rack.api.kv(imagesBucket).put(image.id, image);
  const started = performance.now();
  await waitFor(() => region.asked.some((line) => line.startsWith('gone')));
  assert.equal((await fetchImage(image.sha256)).status, 404);
  assert.ok(performance.now() - started < 4000);
  await rack.api.kv(imagesBucket).delete(image.id);
});

test('a removed image stays as long as an attempt needs it', async () => {
  const image = imageOf('early', bytes);
  const steps = deploySteps.map((step) => step.id === 'write-image' ? { ...step, parameters: { ...step.parameters, image } } : step);
  await rack.putPolicy(policy({ mac, steps }));
  await rack.api.kv(imagesBucket).delete(image.id);
  const other = imageOf('other', randomBytes(10));
  region.blobs.set(other.id, randomBytes(0));
  await rack.api.kv(imagesBucket).put(other.id, other);
  await waitFor(() => region.asked.some((line) => line.startsWith('other')));
  assert.ok((await cached()).includes(image.sha256));
  assert.equal((await fetchImage(image.sha256)).status, 200);
  await rack.putPolicy(policy({ answer: 'local', status: 'Deployed', operation: null }));
  await waitFor(async () => !(await cached()).includes(image.sha256));
});

test('an image in the region’s own directory is served from there and not copied; a damaged one is not', async () => {
  const content = randomBytes(5000);
  const image = imageOf('shared', content);
  await writeFile(join(sharedDirectory, image.sha256), content);
  await rack.api.kv(imagesBucket).put(image.id, image);
  const response = await waitFor(async () => { const answer = await fetchImage(image.sha256); return answer.status === 200 && answer; });
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), content);
  assert.ok(!region.asked.some((line) => line.startsWith('shared')));
  assert.ok(!(await cached()).includes(image.sha256));
  const damaged = createHash('sha256').update('other').digest('hex');
  await writeFile(join(sharedDirectory, damaged), 'damaged');
  assert.equal((await fetchImage(damaged)).status, 404);
});
