/** Wires the api: the region's HTTP face, its records and its copy of every node. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureTopology, openBus, relayFace } from '@ironbus/bus';
import { buckets, catalog, dhcpServersBucket, IronbusError, nodeRemoved, type DataOf } from '@ironbus/contracts';
import { createHealth, createPart, composeParts, orAborted, retryForever, type Logger, type Service } from '@ironbus/runtime';
import { openStore, startRelay } from '@ironbus/store';
import { Value } from 'typebox/value';
import type { ApiConfig } from './config.ts';
import { NetworkInput } from './core/networks.ts';
import { projectLeases, projectNodes } from './manifest.ts';
import type { AnyEvent, Context } from './shell/context.ts';
import { openCloudConfigSchema } from './shell/cloud-config-schema.ts';
import { createImageStore } from './shell/image-store.ts';
import { createKeyStore } from './shell/key-store.ts';
import { createLeaseView } from './shell/lease-view.ts';
import { createNodeView } from './shell/node-view.ts';
import { createRecords } from './shell/records.ts';
import { startRepublishing } from './shell/republish.ts';
import { rememberOutcome } from './shell/requests.ts';
import { saveNetwork } from './shell/save-network.ts';
import { openSecrets } from './shell/secrets.ts';
import { createServer } from './shell/server.ts';
import { createWaiters } from './shell/waiters.ts';

export type Kit = {
  log: Logger;
  /** Shows the first administrator's key, the only time it exists in clear text. */
  printOnce?: (text: string) => void;
};

export function create(config: ApiConfig, { log, printOnce = (text) => process.stdout.write(`${text}\n`) }: Kit): Service {
  const origin = { service: 'api' as const, rack: config.rackId, instance: config.instanceId };
  const bus = openBus({ servers: config.natsServers, credsFile: config.natsCredsFile, origin, log });
  const store = openStore({ url: config.redisUrl, prefix: 'api', log });
  const health = createHealth({ host: config.healthHost, port: config.healthPort, log });
  health.check('nats', () => bus.ready());
  health.check('redis', () => store.ready());
  let running: Service | undefined;
  health.check('api', () => running === undefined ? { ready: false, why: 'waiting for NATS and Redis' } : { ready: true });
  const aborted = new AbortController();

  const region = createPart({
    name: 'region',
    start: async () => {
      await retryForever(log, 'waiting for NATS and Redis', async () => {
        await orAborted(Promise.all([bus.whenReady(), store.whenReady()]), aborted.signal);
        await orAborted(ensureTopology(bus, { catalog, buckets }), aborted.signal);
      }, { signal: aborted.signal });
      aborted.signal.throwIfAborted();
      running = await openRegion({ config, log, origin, bus, store }, printOnce);
    },
    stop: async () => { await running?.stop(); },
  });
  let starting: Promise<void> = Promise.resolve();
  return composeParts(log, [
    createPart({ name: 'nats', stop: () => bus.close() }),
    createPart({ name: 'redis', stop: () => store.close() }),
    { name: 'health', start: health.start, stop: health.stop },
    createPart({
      name: 'api',
      start: () => { starting = region.start(); return starting; },
      stop: async () => { aborted.abort(new Error('api stops')); await starting.catch(() => undefined); await region.stop(); },
    }),
  ], { startMs: longestTimerMs });
}

/** The region may be away for days. */
const longestTimerMs = 2 ** 31 - 1;
/** How long a request that is being answered may hold up the end. */
const drainMs = 2_000;

type Base = Pick<Context, 'config' | 'log' | 'origin' | 'bus' | 'store'>;

async function openRegion(base: Base, printOnce: (text: string) => void): Promise<Service> {
  const { config, log, origin, bus, store } = base;
  const images = createImageStore(join(config.dataDir, 'images'), config.instanceId);
  await images.open();
  const context: Context = {
    ...base, images, keys: createKeyStore(store), nodes: createNodeView(store, bus), leases: createLeaseView(store), records: createRecords(store, origin),
    secrets: await openSecrets(store, bus, join(config.dataDir, 'master.key')), waiters: createWaiters(bus),
    cloudConfig: openCloudConfigSchema(config.cloudConfigSchema, log),
    dhcpServers: bus.watch(dhcpServersBucket),
  };
  const relay = startRelay({ store, bus: relayFace(bus, buckets), log });
  await context.waiters.whenLive();
  const projection = bus.consume({ durable: projectNodes.durable, definitions: projectNodes.events, handler: (event) => onFact(context, event as AnyEvent) });
  const leases = bus.consume({ durable: projectLeases.durable, definitions: projectLeases.events, handler: (event) =>
    context.leases.apply(event as AnyEvent) });
  await firstStart(context, printOnce);
  const republishing = startRepublishing(context);
  const app = await createServer(context, productVersion());
  await listen(app, config);
  log.info({ port: config.port }, 'api listening');
  return {
    start: async () => undefined,
    stop: async () => {
      const impatience = setTimeout(() => app.server.closeAllConnections(), drainMs);
      await app.close();
      clearTimeout(impatience);
      await Promise.all([projection.stop(), leases.stop(), context.dhcpServers.stop(), context.waiters.stop(), republishing.stop()]);
      await relay.stop();
    },
  };
}

async function onFact(context: Context, event: AnyEvent): Promise<void> {
  await context.nodes.apply(event);
  if (event.type === nodeRemoved.type) await context.secrets.removeBmc((event.data as DataOf<typeof nodeRemoved>).id);
  await rememberOutcome(context, event);
}

async function listen(app: Awaited<ReturnType<typeof createServer>>, { host, port }: ApiConfig): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw new IronbusError('PORT_UNAVAILABLE', `the API can not listen on ${host}:${port}: choose another API_PORT, or stop what uses it`, { cause });
  }
}

/** The administrator's key, the join token of a one-host installation, and the networks named in the environment. */
async function firstStart(context: Context, printOnce: (text: string) => void): Promise<void> {
  const { config, keys, records, log } = context;
  const key = await keys.firstAdmin(config.adminKey);
  if (key !== undefined) printOnce(`\n  The administrator's API key, shown this once:\n\n    ${key}\n`);
  if (config.joinToken !== undefined) await keys.joinToken(config.joinToken);
  for (const network of config.networks) {
    if (!Value.Check(NetworkInput, network)) {
      const why = Value.Errors(NetworkInput, network).map((error) => `${error.instancePath || '/'} ${error.message}`).join('; ');
      throw new IronbusError('CONFIG_INVALID', `API_NETWORKS: ${why}`);
    }
    if (await records.networks.read(network.id) !== undefined) continue;
    await saveNetwork(context, network, { expected: undefined });
    log.info({ network: network.id, mode: network.mode ?? 'off' }, 'network made from API_NETWORKS');
  }
}

const productVersion = (): string => (JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }).version;
