/** The whole service for tests: real NATS, an assets folder of their own, a free port, and everything it published. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureTopology, openBus, type Bus } from '@ironbus/bus';
import { bindingsBucket, buckets, catalog, type Event, type ServiceName } from '@ironbus/contracts';
import { createLogger, readConfig } from '@ironbus/runtime';
import { startNats } from '@ironbus/testkit';
import { configSpec } from '../config.ts';
import { create, type TftpService } from '../service.ts';

export type Served = AsyncDisposable & {
  readonly service: TftpService; readonly port: number; readonly dir: string; readonly events: Event[];
  /** What bootfiles says to each request, in place of 404 to all; `asked` are the requests it saw, with who they were for. */
  rack: { answer: (request: IncomingMessage, response: ServerResponse) => void; readonly asked: string[]; stop(): Promise<void> };
  /** What was published of one type, of the file named last in its path. */
  seen(type: string, file?: string): Event[];
};

/** Bytes that differ from block to block, so that a swapped or repeated block is noticed. */
export function contentOf(sizeBytes: number): Buffer {
  const content = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 4 <= sizeBytes; at += 4) content.writeUInt32LE((Math.imul(at, 2_654_435_761) ^ sizeBytes) >>> 0, at);
  return content;
}

/** The MAC that `bindings` names for 127.0.0.1. */
export const boundMac = '52:54:00:77:00:01';

/** Starts all of it; `env` is added to the service's environment. A file's name is a path of the assets, or a loader's. */
export async function serve(files: Record<string, Uint8Array>, env: Record<string, string> = {}): Promise<Served> {
  const dir = await mkdtemp(join(tmpdir(), 'ironbus-tftp-'));
  await writeAssets(dir, files);
  const nats = await startNats();
  const buses = (['dhcp', 'api'] as const).map((service) => openTestBus(nats.url, service));
  const [dhcp, api] = buses as [Bus, Bus];
  await ensureTopology(api, { catalog, buckets });
  await dhcp.kv(bindingsBucket).put('rack1.127.0.0.1', {
    address: '127.0.0.1', mac: boundMac, node: 'k7x2mp', network: 'lan1', bootId: 'boot-1', how: 'leased', stage: 'firmware', at: new Date().toISOString(),
  } as never);
  const events: Event[] = [];
  api.history({ stream: 'OBSERVATIONS' }, (event) => void events.push(event));
  const rack = await openRack();
  const service = await startService({ NATS_URL: nats.url, TFTP_ASSETS_DIR: dir, TFTP_HOST: '127.0.0.1', TFTP_PORT: '0', TFTP_BOOTFILES_URL: rack.url, ...env });
  return {
    service, port: service.port(), dir, events, rack,
    seen: (type, file) => events.filter((event) => event.type === type && (file === undefined || (event.data as { file: string }).file === file)),
    [Symbol.asyncDispose]: async () => {
      await service.stop();
      await rack.stop();
      await Promise.all(buses.map((bus) => bus.close()));
      await nats.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The other end of TFTP_BOOTFILES_URL, which says what a test wants said: the real one is in tests/integration/virtual-files.test.ts. */
async function openRack(): Promise<Served['rack'] & { url: string }> {
  const rack: Served['rack'] = {
    answer: (_request, response) => { response.writeHead(404).end(); }, asked: [],
    async stop() { if (!server.listening) return; server.closeAllConnections(); const closed = once(server, 'close'); server.close(); await closed; },
  };
  const server = createServer((request, response) => {
    rack.asked.push(`${request.headers.forwarded} ${request.url}`);
    rack.answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(rack, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function startService(env: Record<string, string>): Promise<TftpService> {
  const read = readConfig(configSpec, { HEALTH_HOST: '127.0.0.1', TFTP_HEALTH_PORT: '0', LOG_LEVEL: 'fatal', ...env });
  if (!read.ok) throw new Error(JSON.stringify(read.violations));
  const service = create(read.config, { log: createLogger({ svc: 'tftp', level: 'fatal', rack: 'rack1' }) });
  await service.start();
  return service;
}

function openTestBus(url: string, service: ServiceName): Bus {
  return openBus({ servers: url, origin: { service, rack: 'rack1', instance: 'test' }, log: createLogger({ svc: service, level: 'fatal', rack: 'rack1' }) });
}

async function writeAssets(dir: string, files: Record<string, Uint8Array>): Promise<void> {
  const pathOf = (name: string): string => /^(agent|pi)\//.test(name) ? name : `loaders/${name}`;
  const listed = Object.entries(files).filter(([name]) => !name.startsWith('pi/')).map(([name, bytes]) => ({ path: pathOf(name), sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length }));
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(dir, pathOf(name));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  await writeFile(join(dir, 'manifest.json'), JSON.stringify({ suite: 'test', recipe: 'test', packages: {}, files: listed }));
}
