/** A rack for the tests: real NATS and Redis, small boot assets, and everybody who writes to the buckets. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureTopology, openBus, type Bus } from '@ironbus/bus';
import {
  bindingsBucket, bootPoliciesBucket, buckets, catalog, macToken, networksBucket, type Binding, type BootPolicy, type Envelope, type Mac, type Network, type RackId, type ServiceName,
} from '@ironbus/contracts';
import { createLogger, readConfig } from '@ironbus/runtime';
import { startNats, startRedis, waitFor } from '@ironbus/testkit';
import { requiredAssets } from '../src/core/assets.ts';
import { configSpec, create, type BootfilesConfig } from '../src/index.ts';
import { mac, network, otherMac, policy } from './fixtures.ts';

export const log = createLogger({ svc: 'test', level: 'fatal' });
export type Rack = Awaited<ReturnType<typeof startRack>>;

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

export async function writeAssets(directory: string, more: readonly string[] = []): Promise<void> {
  const files = [...requiredAssets, ...more].map((path) => ({ path, content: `bytes of ${path} `.repeat(1000) }));
  for (const { path, content } of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  await writeFile(join(directory, 'manifest.json'), JSON.stringify({ files: files.map(({ path, content }) => ({ path, sha256: sha256(content), sizeBytes: content.length })) }));
}

function configOf(directory: string, environment: Record<string, string>): BootfilesConfig {
  const read = readConfig(configSpec, {
    BOOTFILES_HOST: '127.0.0.1', BOOTFILES_PORT: '0', BOOTFILES_HEALTH_PORT: '0', BOOTFILES_ASSETS_DIR: join(directory, 'assets'),
    BOOTFILES_IMAGE_DIR: join(directory, 'images'), BOOTFILES_RACK_KEY_FILE: join(directory, 'rack.key'), BOOTFILES_REGION_URL: 'http://127.0.0.1:9', ...environment,
  });
  if (!read.ok) throw new Error(JSON.stringify(read.violations));
  return read.config;
}

/** Buckets exist and are empty. `moreAssets` are paths besides those that every rack needs. */
export async function startRack(environment: Record<string, string> = {}, moreAssets: readonly string[] = []) {
  const [nats, redis, directory] = await Promise.all([startNats(), startRedis(), mkdtemp(join(tmpdir(), 'ironbus-bootfiles-'))]);
  await writeAssets(join(directory, 'assets'), moreAssets);
  const busOf = (service: ServiceName): Bus => openBus({ servers: nats.url, origin: { service, rack: 'rack1', instance: 'test' }, log });
  const [api, lifecycle, dhcp] = [busOf('api'), busOf('lifecycle'), busOf('dhcp')];
  await ensureTopology(api, { catalog, buckets });
  await Promise.all([lifecycle.whenReady(), dhcp.whenReady()]);
  const events: Envelope[] = [];
  api.history({ stream: 'FACTS' }, (event) => { events.push(event as Envelope); });
  const observations: Envelope[] = [];
  api.history({ stream: 'OBSERVATIONS' }, (event) => { observations.push(event as Envelope); });

  const config = configOf(directory, { NATS_URL: nats.url, REDIS_URL: redis.url, ...environment });
  let service: ReturnType<typeof create> | undefined;
  const rack = {
    nats, redis, directory, api, lifecycle, dhcp, events, observations, config,
    url: (path: string): string => `http://127.0.0.1:${service?.port()}${path}`,
    async start(): Promise<void> {
      service = create(config, { log });
      await service.start();
      await waitFor(() => service?.health.readiness().ready, { what: 'bootfiles ready' });
    },
    async stop(): Promise<void> {
      await service?.stop();
      service = undefined;
    },
    putNetwork: (changes: Partial<Network> = {}) => api.kv(networksBucket).put('lan1', { ...network, cidr: '127.0.0.0/8', ...changes }),
    putPolicy: (value: BootPolicy) => lifecycle.kv(bootPoliciesBucket).put(macToken(value.mac), value),
    bind: (address: string, mac: Mac, { node = null, bootId = 'boot-1' }: { node?: string | null; bootId?: string } = {}) => dhcp.kv(bindingsBucket).put(`rack1.${address}`, {
      address, mac, node, network: 'lan1', bootId, how: 'leased', stage: 'ipxe', at: '2026-11-20T10:00:00.000Z',
    } as Binding),
    unbind: (address: string) => dhcp.kv(bindingsBucket).delete(`rack1.${address}`),
    async [Symbol.asyncDispose](): Promise<void> {
      await rack.stop();
      await Promise.all([api.close(), lifecycle.close(), dhcp.close()]);
      await Promise.all([nats.stop(), redis.stop()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
  return rack;
}

/** A rack that serves, with two machines whose addresses are bound. */
export async function startRackOfTwo(): Promise<Rack> {
  const rack = await startRack();
  await Promise.all([rack.putNetwork(), rack.bind('127.0.0.1', mac), rack.bind('127.0.0.2', otherMac)]);
  await rack.start();
  return rack;
}

export const ofType = (events: readonly Envelope[], type: string): Envelope[] => events.filter((event) => event.type === type);
export const rackId = 'rack1' as RackId;
export { policy };
