/** The dhcp service as a process of its own, so that its memory is its own, with NATS and Redis in this namespace. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBus } from '@ironbus/bus';
import { bootPoliciesBucket, dhcpServersBucket, type Envelope, macToken, type BootPolicy, networksBucket, type Network } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { freePort, startNats, startRedis, waitFor } from '@ironbus/testkit';

/** Garbage is collected early: what is measured is what stays. */
const tightHeap = ['--max-semi-space-size=1', '--optimize-for-size'];

export type FloodRack = AsyncDisposable & {
  /** Events of `dhcp.flood-limited` so far. */
  limited: Envelope[];
  putNetwork(network: Network): Promise<void>;
  putPolicy(policy: BootPolicy): Promise<void>;
  /** One sample of /metrics, such as `dhcp_ignored_total{reason="malformed"}`; 0 where there is none. */
  metric(sample: string): Promise<number>;
  /** Proportional set size of the service in MB. */
  pssMb(): number;
  alive(): boolean;
};

const instance = 'flood';

export async function startFloodRack(environment: Record<string, string> = {}): Promise<FloodRack> {
  const log = createLogger({ svc: 'dhcp', level: 'silent' });
  const [nats, redis, healthPort] = await Promise.all([startNats(), startRedis({ appendonly: 'everysec' }), freePort()]);
  const child = spawn(process.execPath, [...tightHeap, join(import.meta.dirname, '../main.ts')], {
    env: {
      PATH: process.env['PATH'], NATS_URL: nats.url, REDIS_URL: redis.url, RACK_ID: 'rack1', INSTANCE_ID: instance, LOG_LEVEL: 'error',
      DHCP_HEALTH_PORT: String(healthPort), ...environment,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => { child.once('exit', () => resolve()); });
  const api = openBus({ servers: nats.url, origin: { service: 'api', rack: 'rack1', instance }, log });
  const lifecycle = openBus({ servers: nats.url, origin: { service: 'lifecycle', rack: 'rack1', instance }, log });
  await Promise.all([api.whenReady(), lifecycle.whenReady()]);
  const limited: Envelope[] = [];
  await api.tail(['dhcp.flood-limited.>'], (event) => { limited.push(event as Envelope); }).whenLive();
  const base = `http://127.0.0.1:${healthPort}`;
  await waitFor(async () => (await fetch(`${base}/readyz`)).ok, { what: 'the dhcp service to be ready', timeoutMs: 20_000 });
  return {
    limited,
    async putNetwork(network) {
      await api.kv(networksBucket).put(network.id, network);
      // Answered once nobody else was heard on its wire for four seconds.
      const served = async (): Promise<boolean> => {
        const server = await api.kv(dhcpServersBucket).get(`rack1.${instance}`);
        return server?.value.networks.some(({ network: id, state }) => id === network.id && state === 'authoritative') === true;
      };
      await waitFor(served, { what: `${network.id} to be served`, timeoutMs: 20_000, everyMs: 100 });
    },
    putPolicy: async (policy) => { await lifecycle.kv(bootPoliciesBucket).put(macToken(policy.mac), policy); },
    async metric(sample) {
      const line = (await (await fetch(`${base}/metrics`)).text()).split('\n').find((candidate) => candidate.startsWith(`${sample} `));
      return Number(line?.slice(sample.length + 1) ?? 0);
    },
    pssMb: () => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1000,
    alive: () => child.exitCode === null && child.signalCode === null,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      await Promise.all([api.close(), lifecycle.close()]);
      await Promise.all([nats.stop(), redis.stop()]);
    },
  };
}
