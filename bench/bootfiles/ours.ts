/** Our bootfiles as a process of its own, with the NATS and Redis of a rack, a network, and nodes that are deployed or about to be. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ensureTopology, openBus, type Bus } from '../../libs/bus/src/index.ts';
import {
  bindingsBucket, bootPoliciesBucket, buckets, catalog, macToken, networksBucket, type Binding, type BootPolicy, type Mac, type ServiceName,
} from '../../libs/contracts/src/index.ts';
import { freePort } from '../../libs/testkit/src/redis.ts';
import { startNats, startRedis, waitFor } from '../../libs/testkit/src/index.ts';
import { stackFlags } from '../../scripts/node-flags.mjs';
import { network, policy } from '../../services/bootfiles/test/fixtures.ts';
import { untilAnswers, type Web } from './web.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error };
export const machines = 200;

/** MACs of one node, so that one address may ask for any of them: half boots the agent, half its disk. */
export const macOf = (kind: 'agent' | 'disk', n: number): Mac => `52:54:00:${kind === 'agent' ? '01' : '02'}:00:${n.toString(16).padStart(2, '0')}` as Mac;
export const scriptPath = (mac: Mac): string => `/boot/${mac.replaceAll(':', '-')}/script.ipxe`;

export type Place = { images: string; state: string; assets: string };

/** With the flags of `npm start`, and more where a profile is wanted. */
export async function startOurs({ images, state, assets }: Place, more: readonly string[] = []): Promise<Web> {
  const nodeFlags = [...stackFlags, ...more];
  const [nats, redis, port, healthPort] = await Promise.all([startNats(), startRedis({ appendonly: 'everysec' }), freePort(), freePort()]);
  const busOf = (service: ServiceName): Bus => openBus({ servers: nats.url, origin: { service, rack: 'rack1', instance: 'bench' }, log: quiet });
  const buses = { api: busOf('api'), lifecycle: busOf('lifecycle'), dhcp: busOf('dhcp') };
  await ensureTopology(buses.api, { catalog, buckets });
  await fill(buses);
  const env = {
    PATH: process.env['PATH'], NATS_URL: nats.url, REDIS_URL: redis.url, LOG_LEVEL: 'warn', BOOTFILES_HOST: '127.0.0.1', BOOTFILES_PORT: String(port), BOOTFILES_HEALTH_PORT: String(healthPort),
    BOOTFILES_ASSETS_DIR: assets, BOOTFILES_IMAGE_DIR: join(state, 'cache'), BOOTFILES_SHARED_IMAGE_DIR: images, BOOTFILES_RACK_KEY_FILE: join(state, 'rack.key'),
  };
  const child = spawn(process.execPath, [...nodeFlags, join(import.meta.dirname, '../../services/bootfiles/src/main.ts')], { env, cwd: state, stdio: ['ignore', 'ignore', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  await waitFor(() => fetch(`http://127.0.0.1:${healthPort}/readyz`).then((answer) => answer.ok, () => false), { timeoutMs: 60_000, what: 'bootfiles ready' });
  await untilAnswers(`http://127.0.0.1:${port}/`, child); // it listens once its assets are compared
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await once(child, 'exit');
    await Promise.all(Object.values(buses).map((bus) => bus.close()));
    await Promise.all([nats.stop(), redis.stop()]);
  };
  return { name: 'ironbus', version: `node ${[...nodeFlags, 'services/bootfiles/src/main.ts'].join(' ')}, LOG_LEVEL warn`, url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, stop };
}

async function fill({ api, lifecycle, dhcp }: Record<'api' | 'lifecycle' | 'dhcp', Bus>): Promise<void> {
  await Promise.all([lifecycle.whenReady(), dhcp.whenReady()]);
  await api.kv(networksBucket).put('lan1', { ...network, cidr: '127.0.0.0/8' });
  const put = (value: BootPolicy): Promise<unknown> => lifecycle.kv(bootPoliciesBucket).put(macToken(value.mac), value);
  for (let n = 0; n < machines; n += 1) {
    await put({ ...policy(), mac: macOf('agent', n) });
    await put({ ...policy({ answer: 'local', status: 'Deployed' }), operation: null, mac: macOf('disk', n) });
  }
  await dhcp.kv(bindingsBucket).put('rack1.127.0.0.1', {
    address: '127.0.0.1', mac: macOf('agent', 0), node: policy().node, network: 'lan1', bootId: 'boot-1', how: 'leased', stage: 'ipxe', at: new Date().toISOString(),
  } as Binding);
}
