/** A dhcp service with its own NATS and Redis in the namespace this process runs in, and what happened as a list. */
import { openBus, type Bus } from '@ironbus/bus';
import { bootPoliciesBucket, macToken, networksBucket, bindingsBucket, type BootPolicy, type Envelope, type Network } from '@ironbus/contracts';
import { createLogger, readConfig, type Logger } from '@ironbus/runtime';
import { startNats, startRedis, waitFor } from '@ironbus/testkit';
import { configSpec } from '../config.ts';
import { create, type DhcpService } from '../service.ts';

export type Rack = AsyncDisposable & {
  service: DhcpService; nats: Awaited<ReturnType<typeof startNats>>; redis: Awaited<ReturnType<typeof startRedis>>; events: Envelope[]; bus: Bus; log: Logger;
  putNetwork(network: Network): Promise<void>;
  putPolicy(policy: BootPolicy): Promise<void>;
  binding(address: string): Promise<{ mac: string; bootId: string; stage: string; node: string | null } | undefined>;
  /** Waits for an event of this type and MAC, and gives its data. */
  heard(type: string, mac: string, after?: number): Promise<Record<string, unknown>>;
};

export async function startRack(environment: Record<string, string> = {}): Promise<Rack> {
  const log = createLogger({ svc: 'dhcp', level: process.env['TEST_LOG'] === undefined ? 'silent' : 'debug' });
  const [nats, redis] = await Promise.all([startNats(), startRedis({ appendonly: 'everysec' })]);
  const read = readConfig(configSpec, { NATS_URL: nats.url, REDIS_URL: redis.url, RACK_ID: 'rack1', INSTANCE_ID: 'test', DHCP_HEALTH_PORT: '0', ...environment });
  if (!read.ok) throw new Error(JSON.stringify(read.violations));
  const service = create(read.config, { log });
  await service.start();
  const api = openBus({ servers: nats.url, origin: { service: 'api', rack: 'rack1', instance: 'test' }, log });
  const lifecycle = openBus({ servers: nats.url, origin: { service: 'lifecycle', rack: 'rack1', instance: 'test' }, log });
  await Promise.all([api.whenReady(), lifecycle.whenReady()]);
  const events: Envelope[] = [];
  await api.tail(['lease.>', 'dhcp.>'], (event) => { events.push(event as Envelope); }).whenLive();
  await waitFor(async () => (await fetch(`http://127.0.0.1:${service.healthPort()}/readyz`)).ok, { what: 'the dhcp service to be ready' });
  return {
    service, nats, redis, events, bus: api, log,
    async putNetwork(network) {
      await api.kv(networksBucket).put(network.id, network);
      // An authoritative network is answered once nobody else was heard on its wire for four seconds.
      const served = (): boolean => network.mode === 'authoritative' ? service.answers(network.id) : service.devices().includes(network.interface);
      await waitFor(() => network.mode === 'off' || served(), { what: `${network.interface} to be served`, timeoutMs: 10_000 });
    },
    putPolicy: async (policy) => { await lifecycle.kv(bootPoliciesBucket).put(macToken(policy.mac), policy); },
    binding: async (address) => (await api.kv(bindingsBucket).get(`rack1.${address}`))?.value,
    heard: async (type, mac, after = 0) => {
      const event = await waitFor(() => events.slice(after).find((candidate) => candidate.type === type && candidate.subject === mac.replaceAll(':', '')), { what: `${type} of ${mac}` });
      return event.data as Record<string, unknown>;
    },
    async [Symbol.asyncDispose]() {
      await service.stop();
      await Promise.all([api.close(), lifecycle.close()]);
      await Promise.all([nats.stop(), redis.stop()]);
    },
  };
}
