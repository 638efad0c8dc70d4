/**
 * The stack in parts, each service a process of its own in the prov namespace: the region (api and lifecycle) can go away while the rack
 * (dhcp, tftp, bootfiles, power) and the machines go on. NATS and Redis stay, as they do on a rack's own host.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { joinRack } from '@ironbus/cli';
import { ensureNats } from '../../scripts/fetch-nats.mjs';
import { createClient } from './client.ts';
import type { Lab } from './harness/lab.ts';
import { startDaemon, waitUntil, type Daemon } from './harness/run.ts';
import { answers, cacheDir, labNetwork, labTimes, projectRoot, stopInOrder, type Stack } from './stack.ts';

const regionServices = ['api', 'lifecycle'] as const;
const rackServices = ['dhcp', 'tftp', 'bootfiles', 'power'] as const;
const ports = { dhcp: 5261, tftp: 5262, bootfiles: 5263, power: 5264, lifecycle: 5265, api: 5266 } as const;
type Name = keyof typeof ports;
type Env = Record<string, string>;

/** One line of the log of bootfiles, which is what a rack without a region says. */
export type Said = { msg: string; mac?: string; step?: string; claim?: number; answer?: string; rule?: string };
export type ApartStack = Stack & {
  readonly region: { stop(): Promise<void>; start(): Promise<void> };
  /** What bootfiles said so far. */
  rackSaid(): Said[];
};

export async function startApart(lab: Lab, more: Env): Promise<ApartStack> {
  const dataDir = join(lab.dir, 'data');
  const rackDir = join(dataDir, 'rack');
  const key = `ib_${randomBytes(32).toString('base64url')}`;
  const token = `ibjoin_${randomBytes(24).toString('base64url')}`;
  const client = createClient(`http://${lab.addresses.provHost}:5240`, key);
  const env = { ...environmentOf(lab, dataDir), ...labTimes, API_ADMIN_KEY: key, API_JOIN_TOKEN: token, ...more };
  const daemons = new Map<Name, Daemon>();
  const start = async (names: readonly Name[]): Promise<void> => {
    for (const name of names) daemons.set(name, await startDaemon(lab, { name, where: 'prov', cwd: projectRoot, argv: [process.execPath, `services/${name}/src/main.ts`], env }));
    await waitUntil(`${names.join(', ')} to be ready`, async () => (await Promise.all(names.map((name) => isReady(lab, name)))).every(Boolean), { timeoutMs: 60_000, everyMs: 100 });
  };
  const stop = async (names: readonly Name[]): Promise<void> => { await Promise.all(names.map((name) => stopInOrder(daemons.get(name)))); };
  const region = { start: () => start(regionServices), stop: () => stop(regionServices) };
  const servers = await startServers(lab, dataDir);
  await start(['api']);
  await waitUntil('the API to answer', () => answers(client), { timeoutMs: 20_000 });
  await joinRack({ region: client.base, token, rack: 'rack1', dir: rackDir });
  await start(['lifecycle', ...rackServices]);
  const logOf = (name: string): string => join(lab.dir, 'logs', `${name}.log`);
  return {
    client, dataDir, region, logPath: logOf('bootfiles'), pid: daemons.get('bootfiles')?.pid ?? 0,
    start: () => start([...regionServices, ...rackServices]),
    stop: async () => {
      await stop([...regionServices, ...rackServices]);
      for (const server of servers) await server.stop();
    },
    log: () => readFileSync(logOf('bootfiles'), 'utf8'),
    rackSaid: () => readFileSync(logOf('bootfiles'), 'utf8').split('\n').slice(0, -1).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Said),
  };
}

function environmentOf(lab: Lab, dataDir: string): Env {
  const { prov, provHost } = lab.addresses;
  const rack = join(dataDir, 'rack');
  const assets = join(cacheDir, 'assets');
  return {
    PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/root', RACK_ID: 'rack1', HEALTH_HOST: provHost, NATS_URL: 'nats://127.0.0.1:4222', REDIS_URL: 'redis://127.0.0.1:6380/0',
    API_DATA_DIR: join(dataDir, 'api'), API_NETWORKS: JSON.stringify([labNetwork(lab)]), TFTP_ASSETS_DIR: assets, TFTP_BOOTFILES_URL: 'http://127.0.0.1:5248',
    BOOTFILES_ASSETS_DIR: assets, BOOTFILES_IMAGE_DIR: join(dataDir, 'bootfiles/images'), BOOTFILES_TRUSTED_PROXIES: `127.0.0.1,${prov}`, BOOTFILES_REGION_URL: 'http://127.0.0.1:5240',
    BOOTFILES_REGION_KEY_FILE: join(rack, 'region.key'), BOOTFILES_RACK_KEY_FILE: join(rack, 'rack.key'), POWER_RACK_KEY_FILE: join(rack, 'rack.key'),
  };
}

const isReady = (lab: Lab, name: Name): Promise<boolean> =>
  fetch(`http://${lab.addresses.provHost}:${ports[name]}/readyz`).then(({ status }) => status === 200, () => false);

async function startServers(lab: Lab, dataDir: string): Promise<Daemon[]> {
  const [natsDir, redisDir] = [join(dataDir, 'nats'), join(dataDir, 'redis')];
  for (const dir of [natsDir, redisDir]) mkdirSync(dir, { recursive: true });
  const config = join(natsDir, 'nats.conf');
  writeFileSync(config, `listen: "127.0.0.1:4222"\nmax_payload: 2MB\njetstream { store_dir: ${JSON.stringify(natsDir)}, sync_interval: always }\n`);
  const redis = ['redis-server', '--bind', '127.0.0.1', '--port', '6380', '--dir', redisDir, '--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  return [
    await startDaemon(lab, { name: 'nats-server', where: 'prov', argv: [await ensureNats(cacheDir), '--config', config] }),
    await startDaemon(lab, { name: 'redis-server', where: 'prov', argv: redis }),
  ];
}
