/** The whole service for tests: real NATS, an assets folder of their own, a free port, and everything it published. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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

/** Starts all of it; `env` is added to the service's environment. */
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
  const service = await startService({ NATS_URL: nats.url, TFTP_ASSETS_DIR: dir, TFTP_HOST: '127.0.0.1', TFTP_PORT: '0', ...env });
  return {
    service, port: service.port(), dir, events,
    seen: (type, file) => events.filter((event) => event.type === type && (file === undefined || (event.data as { file: string }).file === file)),
    [Symbol.asyncDispose]: async () => {
      await service.stop();
      await Promise.all(buses.map((bus) => bus.close()));
      await nats.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
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
  const listed = Object.entries(files).map(([name, bytes]) => ({ path: `loaders/${name}`, sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length }));
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(dir, 'loaders', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  await writeFile(join(dir, 'manifest.json'), JSON.stringify({ suite: 'test', recipe: 'test', packages: {}, files: listed }));
}
