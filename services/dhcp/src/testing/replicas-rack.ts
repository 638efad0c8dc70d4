/** Two dhcp replicas as processes of their own in their namespaces, and one NATS and one Redis that both reach. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ensureTopology, openBus, type Bus } from '@ironbus/bus';
import { buckets, catalog, dhcpServersBucket, networksBucket, parseIpv4, parseRackId, type DhcpServer, type Network } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { openStore } from '@ironbus/store';
import { freePort, startNats, startRedis, waitFor } from '@ironbus/testkit';
import type { Load, LoadEvent } from './replicas-load.ts';

const hubAddress = '10.99.0.1';
const healthPort = 5261;
const main = join(import.meta.dirname, '../main.ts');

export type Replica = {
  readonly instance: string; readonly address: string;
  /** When its process was last started; 0 before. */
  readonly startedAtMs: number;
  /** Nothing to do where it runs. */
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<void>;
  /** What it logged since the test began. */
  log(): string;
};
export type Replicas = AsyncDisposable & {
  a: Replica; b: Replica; bus: Bus;
  putNetwork(network: Network): Promise<void>;
  /** The entries of these replicas, once each was renewed after both had started: then they know each other. */
  known(...replicas: Replica[]): Promise<void>;
  /** A sibling that the others believe alive, and that answers nobody, until it is closed. */
  silentSibling(address: string, network: string): Promise<AsyncDisposable>;
  /** What Redis says: MAC → leased address. */
  leases(network: string): Promise<Map<string, string>>;
};

export async function startReplicas(namespaces: { a: string; b: string }): Promise<Replicas> {
  const port = await freePort();
  const [nats, redis] = await Promise.all([
    startNats({ port, config: `listen: "0.0.0.0:${port}"` }),
    startRedis({ appendonly: 'everysec', args: ['--bind', '0.0.0.0', '--protected-mode', 'no'] }),
  ]);
  const log = createLogger({ svc: 'dhcp', level: 'silent' });
  const bus = openBus({ servers: nats.url, origin: { service: 'api', rack: 'rack1', instance: 'test' }, log });
  await ensureTopology(bus, { catalog, buckets });
  const store = openStore({ url: redis.url, prefix: 'dhcp', log });
  await store.whenReady();
  const environment = { NATS_URL: `nats://${hubAddress}:${nats.port}`, REDIS_URL: `redis://${hubAddress}:${redis.port}`, RACK_ID: 'rack1' };
  const a = replica({ namespace: namespaces.a, instance: 'a', address: '10.77.0.2', reachedAt: '10.99.0.2' }, environment);
  const b = replica({ namespace: namespaces.b, instance: 'b', address: '10.77.0.3', reachedAt: '10.99.0.3' }, environment);
  return {
    a, b, bus,
    putNetwork: async (network) => { await bus.kv(networksBucket).put(network.id, network); },
    known: async (...replicas) => { await waitFor(() => areKnown(bus, replicas), { what: `the entries of ${replicas.map((one) => one.instance).join(' and ')} in dhcp-servers, renewed`, timeoutMs: 30_000, everyMs: 100 }); },
    silentSibling: (address, network) => silentSibling(nats.url, address, network),
    leases: async (network) => leased(await store.redis.hgetall(store.key('net', network, 'mac'))),
    async [Symbol.asyncDispose]() {
      await Promise.all([a.stop(), b.stop(), store.close(), bus.close()]);
      await Promise.all([nats.stop(), redis.stop()]);
    },
  };
}

type Where = { namespace: string; instance: string; address: string; reachedAt: string };

function replica({ namespace, instance, address, reachedAt }: Where, environment: Record<string, string>): Replica {
  let child: ChildProcess | undefined;
  let [output, startedAtMs] = ['', 0];
  const running = (): ChildProcess | undefined => child?.exitCode === null && child.signalCode === null ? child : undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const process = running();
    if (process === undefined) return;
    const ended = once(process, 'exit');
    process.kill(signal);
    await ended;
  };
  return {
    instance, address, get startedAtMs() { return startedAtMs; },
    log: () => output, kill: () => end('SIGKILL'), stop: () => end('SIGTERM'),
    async start() {
      if (running() !== undefined) return;
      // `ip netns exec` becomes the program it starts, so a signal reaches the service itself.
      const env = { ...process.env, ...environment, INSTANCE_ID: instance, HEALTH_HOST: reachedAt, DHCP_HEALTH_PORT: String(healthPort), LOG_LEVEL: process.env['TEST_LOG'] ?? 'info' };
      startedAtMs = Date.now();
      child = spawn('ip', ['netns', 'exec', namespace, process.execPath, main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => { output += chunk.toString(); });
      await waitFor(async () => (await fetch(`http://${reachedAt}:${healthPort}/readyz`)).ok, { what: `replica ${instance} to be ready, it said:\n${output}`, timeoutMs: 20_000, everyMs: 100 });
    },
  };
}

async function silentSibling(url: string, address: string, network: string): Promise<AsyncDisposable> {
  const bus = openBus({ servers: url, origin: { service: 'dhcp', rack: 'rack1', instance: 'silent' }, log: createLogger({ svc: 'dhcp', level: 'silent' }) });
  await bus.whenReady();
  const startedAt = new Date().toISOString();
  const renew = async (): Promise<void> => {
    const served = { network, serverAddress: parseIpv4(address)!, state: 'authoritative' as const, why: null, others: [] };
    await bus.kv(dhcpServersBucket).put('rack1.silent', { rack: parseRackId('rack1')!, instance: 'silent', startedAt, at: new Date().toISOString(), storeReady: true, networks: [served] });
  };
  await renew();
  const timer = setInterval(() => { void renew(); }, 2_000);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await bus.kv(dhcpServersBucket).delete('rack1.silent');
      await bus.close();
    },
  };
}

async function areKnown(bus: Bus, replicas: readonly Replica[]): Promise<boolean> {
  const entries = await Promise.all(replicas.map(async ({ instance }) => (await bus.kv(dhcpServersBucket).get(`rack1.${instance}`))?.value));
  if (entries.some((entry, index) => !isAuthority(entry, replicas[index]))) return false;
  const starts = entries.map((entry) => Date.parse(entry?.startedAt ?? ''));
  // A renewal is due every 5 s, so this one came after the other was listening.
  return entries.every((entry) => entry !== undefined && Date.parse(entry.at) - Math.max(...starts) > 6_000);
}

/** Of this process, not of the one that was killed. */
const isAuthority = (entry: DhcpServer | undefined, replica: Replica | undefined): boolean =>
  entry !== undefined && replica !== undefined && Date.parse(entry.startedAt) >= replica.startedAtMs
  && entry.networks.some(({ state, serverAddress }) => state === 'authoritative' && serverAddress === replica.address);

/** `mac` of lease-lua.ts: address|state|… */
function leased(records: Record<string, string>): Map<string, string> {
  const rows = Object.entries(records).map(([mac, text]) => [mac, ...text.split('|')]);
  return new Map(rows.filter(([, , state]) => state === 'l').map(([mac = '', address = '']) => [mac, address]));
}

/** Starts the clients of a load in a namespace; `events` grows while they go on. */
export function startLoad(namespace: string, load: Load): { events: LoadEvent[]; ended: Promise<void> } {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, join(import.meta.dirname, 'replicas-load.ts'), 'lan0', JSON.stringify(load)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const events: LoadEvent[] = [];
  let [rest, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) events.push(JSON.parse(line) as LoadEvent);
  });
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString(); });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('close', (code) => { if (code === 0) resolve(); else reject(new Error(`the load ended with ${code}:\n${errors}`)); });
  });
  return { events, ended };
}
