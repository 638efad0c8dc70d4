/**
 * Our side, run inside the server's namespace: a nats-server and a redis-server of its own as on a rack, the dhcp service as a process of
 * its own. Says `{"ready":…}` on its standard output; a line `finish` on its standard input is answered by the aftermath; it ends with its input.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { openBus } from '../../libs/bus/src/index.ts';
import { networksBucket, type Network } from '../../libs/contracts/src/index.ts';
import { openStore, readOutboxStats } from '../../libs/store/src/index.ts';
import { freePort } from '../../libs/testkit/src/redis.ts';
import { startNats, startRedis } from '../../libs/testkit/src/index.ts';
import { residentMegabytes } from './processes.ts';
import { addresses } from './place.ts';
import type { Aftermath } from './server.ts';

const device = process.argv[2] ?? '';
const nodeFlags = process.argv.slice(3);
const drainMs = 120_000;
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error };

const [nats, redis] = await Promise.all([startNats(), startRedis({ appendonly: 'everysec' })]);
const healthPort = await freePort();
const dhcp = spawn(process.execPath, [...nodeFlags, new URL('../../services/dhcp/src/main.ts', import.meta.url).pathname], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, NATS_URL: nats.url, REDIS_URL: redis.url, RACK_ID: 'rack1', INSTANCE_ID: 'bench', DHCP_HEALTH_PORT: String(healthPort), LOG_LEVEL: 'warn' },
});
const bus = openBus({ servers: nats.url, origin: { service: 'api', rack: 'rack1', instance: 'bench' }, log: silent });
const store = openStore({ url: redis.url, prefix: 'dhcp', log: silent });
const raw = await connect({ servers: nats.url });
const jsm = await jetstreamManager(raw);

const network = {
  id: 'bench', rack: 'rack1', interface: device, cidr: addresses.clients, mode: 'authoritative', serverAddress: addresses.server, baseUrl: `http://${addresses.server}:5248`,
  relayed: true, dynamicRanges: [{ from: addresses.firstLease, to: addresses.lastLease }], reservations: [], gateway: addresses.relay, dnsServers: [], ntpServers: [],
  domain: null, leaseSeconds: 3_600, mtu: null, unknownMachines: 'local-disk', afterEnlist: 'wait', probeAddresses: false, force: true,
} as unknown as Network;

async function whenReady(): Promise<void> {
  await Promise.all([bus.whenReady(), store.whenReady()]);
  for (const deadline = Date.now() + 20_000; ; await pause(50)) {
    const ready = await fetch(`http://127.0.0.1:${healthPort}/readyz`).then((answer) => answer.ok, () => false);
    if (ready) break;
    if (Date.now() > deadline || dhcp.exitCode !== null) throw new Error('the dhcp service does not become ready');
  }
  await bus.kv(networksBucket).put('bench', network);
  await pause(1_000); // sockets open as soon as the network is heard
}

/** How many messages each stream has ever got; what the service wrote, and what that cost, can be seen from it. */
async function messages(): Promise<Record<string, number>> {
  const found: [string, number][] = [];
  for await (const { config, state } of jsm.streams.list()) found.push([config.name, state.last_seq]);
  return Object.fromEntries(found.filter(([, count]) => count > 0));
}

/** Leases as Redis has them: one field per client that holds an address. */
async function leases(): Promise<number> {
  const records = await store.redis.hgetall(store.key('net', 'bench', 'mac'));
  return Object.values(records).filter((value) => value.split('|')[1] === 'l').length;
}

async function finish(): Promise<Aftermath> {
  const began = performance.now();
  const [written, outbox] = await Promise.all([messages(), readOutboxStats(store)]);
  const factsAtEnd = written['FACTS'] ?? 0;
  while ((await readOutboxStats(store)).backlog > 0 && performance.now() - began < drainMs) await pause(50);
  const drainSeconds = (performance.now() - began) / 1_000;
  const drained = await messages();
  return {
    leases: await leases(), factsAtEnd, outboxAtEnd: outbox.backlog, factsDrained: drained['FACTS'] ?? 0, drainSeconds,
    residentMegabytes: residentMegabytes(dhcp.pid ?? 0), messages: drained,
  };
}

const say = (value: unknown): void => { process.stdout.write(`bench ${JSON.stringify(value)}\n`); };
await whenReady();
say({ ready: { node: dhcp.pid, 'redis-server': redis.pid, 'nats-server': nats.pid } });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'finish') say({ aftermath: await finish() });
  if (line === 'stop') break;
}
const ended = once(dhcp, 'exit');
dhcp.kill('SIGTERM');
const timer = setTimeout(() => dhcp.kill('SIGKILL'), 5_000);
await Promise.all([ended, bus.close(), store.close(), raw.close()]);
clearTimeout(timer);
await Promise.all([nats.stop(), redis.stop()]);
process.exit(0);
