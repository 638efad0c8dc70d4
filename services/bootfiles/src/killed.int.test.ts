/** A rack killed with SIGKILL in the midst of a download: the next process goes on where it stopped, and the bytes are the right ones. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { stat, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { imagesBucket, type Image } from '@ironbus/contracts';
import { freePort, waitFor } from '@ironbus/testkit';
import { image as template } from '../test/fixtures.ts';
import { startRack, type Rack } from '../test/rack.ts';

const half = 4_000_000;
const content = randomBytes(2 * half);
const image: Image = { ...template, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };

/** The region's blob route, which knows one range. `stopAt`: no byte from there on is sent. */
const region = { asked: [] as string[], sent: 0, stopAt: half };
function answer(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  region.asked.push(request.headers.range ?? 'all');
  const part = content.subarray(from, Math.max(from, region.stopAt));
  region.sent += part.length;
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from, ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }) });
  if (region.stopAt === content.length) response.end(part);
  else response.write(part);
}

const server = createServer(answer);
let rack: Rack;
let port: number;
let child: ChildProcess;
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rack = await startRack();
  port = await freePort();
});
after(async () => {
  child.kill('SIGKILL');
  await rack[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

function startProcess(): ChildProcess {
  const { config, nats, redis } = rack;
  const env = {
    PATH: process.env['PATH'], NATS_URL: nats.url, REDIS_URL: redis.url, LOG_LEVEL: 'fatal', BOOTFILES_HOST: '127.0.0.1', BOOTFILES_PORT: String(port), BOOTFILES_HEALTH_PORT: '0',
    BOOTFILES_ASSETS_DIR: config.assetsDir, BOOTFILES_IMAGE_DIR: config.imageDir, BOOTFILES_RACK_KEY_FILE: config.rackKeyFile, BOOTFILES_IMAGE_WAIT: '20',
    BOOTFILES_REGION_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
  // without addons there is no sendfile: what the other tests send by it, is read and written here
  return spawn(process.execPath, ['--no-addons', join(import.meta.dirname, 'main.ts')], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}
const fetched = (): Promise<Response | undefined> => fetch(`http://127.0.0.1:${port}/images/${image.sha256}`).catch(() => undefined);
const part = (): string => join(rack.config.imageDir, `${image.sha256}.part`);

test('killed half-way: nothing is served, the next process fetches the other half alone', async () => {
  await rack.api.kv(imagesBucket).put(image.id, image);
  child = startProcess();
  await waitFor(async () => (await stat(part()).catch(() => undefined))?.size === half, { timeoutMs: 20_000 });
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.deepEqual(await readdir(rack.config.imageDir), [`${image.sha256}.part`]);

  region.stopAt = content.length;
  child = startProcess();
  const response = await waitFor(async () => { const got = await fetched(); return got?.status === 200 && got; }, { timeoutMs: 20_000 });
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(content));
  assert.deepEqual([region.asked, region.sent], [['all', `bytes=${half}-`], content.length]);
  assert.ok((await readFile(join(rack.config.imageDir, image.sha256))).equals(content));
});

test('a part that is damaged (a power cut) is found out and fetched anew', async () => {
  child.kill('SIGKILL');
  await once(child, 'exit');
  const other = Buffer.from(content).reverse();
  const damaged: Image = { ...image, sha256: createHash('sha256').update(other).digest('hex') };
  content.set(other);
  region.asked = [];
  await writeFile(join(rack.config.imageDir, `${damaged.sha256}.part`), Buffer.alloc(half));
  await rack.api.kv(imagesBucket).put(image.id, damaged);
  child = startProcess();
  const url = `http://127.0.0.1:${port}/images/${damaged.sha256}`;
  const response = await waitFor(async () => { const got = await fetch(url).catch(() => undefined); return got?.status === 200 && got; }, { timeoutMs: 30_000 });
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(other));
  assert.deepEqual(region.asked, [`bytes=${half}-`, 'all']);
});
