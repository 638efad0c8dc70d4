/** Wires the state machine: one consumer, the deadlines, the relay, and what is done now and then. */
import { ensureTopology, openBus, relayFace } from '@ironbus/bus';
import { bootPoliciesBucket, buckets, catalog, regionToken } from '@ironbus/contracts';
import { composeParts, createHealth, createPart, orAborted, retryForever, systemClock, wait, type Clock, type Logger, type Service } from '@ironbus/runtime';
import { openStore, startRelay } from '@ironbus/store';
import { settingsOf, type LifecycleConfig } from './config.ts';
import { laneOf } from './core/lane.ts';
import type { LifecycleEvent } from './core/record.ts';
import { advanceNode } from './manifest.ts';
import { createPatience, watchDeadlines } from './shell/deadlines.ts';
import type { Hands } from './shell/hands.ts';
import { onEvent } from './shell/on-event.ts';
import { reconcilePolicies } from './shell/reconcile.ts';
import { snapshotDaily } from './shell/snapshots.ts';

export type Kit = { log: Logger; clock?: Clock };
const hourMs = 3_600_000;

export function create(config: LifecycleConfig, { log, clock = systemClock }: Kit): Service {
  const origin = { service: 'lifecycle' as const, rack: regionToken, instance: config.instanceId };
  const bus = openBus({ servers: config.natsServers, credsFile: config.natsCredsFile, origin, log });
  const store = openStore({ url: config.redisUrl, prefix: 'lifecycle', log });
  const health = createHealth({ host: config.healthHost, port: config.healthPort, log });
  let works = false;
  health.check('nats', () => bus.ready());
  health.check('redis', () => store.ready());
  health.check('state machine', () => works ? { ready: true } : { ready: false, why: 'it waits for NATS and Redis' });
  const hands: Hands = { bus, store, log, clock, settings: settingsOf(config) };
  const stopping = new AbortController();
  let running: Promise<() => Promise<void>> | undefined;
  const run = async (): Promise<() => Promise<void>> => {
    await retryForever(log, 'waiting for NATS and Redis', async () => {
      await orAborted(Promise.all([bus.whenReady(), store.whenReady()]), stopping.signal);
      await orAborted(ensureTopology(bus, { catalog, buckets }), stopping.signal);
    }, { signal: stopping.signal });
    works = true;
    return startWork(hands, config, stopping.signal);
  };
  const stop = async (): Promise<void> => {
    stopping.abort(new Error('lifecycle stops'));
    const end = await running?.catch(() => undefined);
    await end?.();
  };
  return composeParts(log, [
    createPart({ name: 'nats', stop: () => bus.close() }),
    createPart({ name: 'redis', stop: () => store.close() }),
    { name: 'health', start: health.start, stop: health.stop },
    createPart({ name: 'state machine', start: async () => { running = run(); await running; }, stop }),
  ], { startMs: hourMs });
}

/** The consumer takes no events before the policies are compared: a lost bucket would show old answers to a machine that is cycled now. */
async function startWork(hands: Hands, config: LifecycleConfig, signal: AbortSignal): Promise<() => Promise<void>> {
  const { bus, store, log } = hands;
  const relay = startRelay({ store, bus: relayFace(bus, buckets), log });
  const policies = bus.watch(bootPoliciesBucket);
  const ends = [() => relay.stop(), () => policies.stop()];
  const end = async (): Promise<void> => { for (const stop of ends.toReversed()) await stop(); };
  try {
    await Promise.race([policies.whenSynced(), aborted(signal)]);
    await retryForever(log, 'comparing boot policies', () => reconcilePolicies(hands, policies), { signal });
  } catch (error) {
    await end();
    throw error;
  }
  const consumer = bus.consume({
    durable: advanceNode.durable, definitions: advanceNode.events, concurrency: 32,
    laneOf: (event) => laneOf(event as LifecycleEvent), handler: (event) => onEvent(hands, event as LifecycleEvent),
  });
  const hears = (): boolean => bus.ready().ready && store.ready().ready && consumer.caughtUp();
  const mayPass = createPatience({ clock: hands.clock, graceMs: config.graceSeconds * 1000, hears });
  const loops = Promise.all([watchDeadlines(hands, { pollMs: config.pollMs, mayPass, signal }), housekeep(hands, policies, signal)]);
  ends.push(async () => { await loops; }, () => consumer.stop());
  return end;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => { if (signal.aborted) resolve(); else signal.addEventListener('abort', () => resolve(), { once: true }); });

/** Once an hour: snapshots, where the day has none yet, and policies that were lost since. */
async function housekeep(hands: Hands, policies: Parameters<typeof reconcilePolicies>[1], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await retryForever(hands.log, 'daily snapshots', () => snapshotDaily(hands), { signal });
      await wait(hands.clock, hourMs, signal);
      await retryForever(hands.log, 'comparing boot policies', () => reconcilePolicies(hands, policies), { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
