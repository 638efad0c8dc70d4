/** One service's face to the bus. Owns the connection and everything that was started through it. */
import {
  IronbusError, makeEvent, type BucketDefinition, type Draft, type Event, type EventDefinition, type Origin,
} from '@ironbus/contracts';
import { Consumption, type Consume, type Consuming } from './consume.ts';
import { Link } from './connect.ts';
import { listDeadLetters, type DeadLetter } from './dead-letters.ts';
import { history, type History, type HistoryHandler, type HistoryOptions } from './history.ts';
import { openBucket, type Bucket } from './kv.ts';
import { Observer, observeLimits, type ObserveLimits, type ObserveState } from './observe.ts';
import { publishEvent } from './publish.ts';
import { publishBatch, type BatchEvent, type Batched } from './publish-batch.ts';
import { tail, type TailHandler } from './tail.ts';
import { applyTopology, type Topology } from './topology.ts';
import { BucketView, type View, type WatchOptions } from './watch.ts';
import type { Count, Log, Published, Ready, Subscription } from './types.ts';

export type BusOptions = {
  /** `nats://[user:password@]host:port`, one or several. */
  servers: string | readonly string[];
  credsFile?: string | undefined;
  origin: Origin;
  log: Log;
  count?: Count;
  observe?: Partial<ObserveLimits>;
};

export type Bus = AsyncDisposable & {
  readonly origin: Origin;
  ready(): Ready;
  /** Resolves at the first connection to a server that suits; rejects BUS_UNREACHABLE when the bus is closed first. */
  whenReady(): Promise<void>;
  /** Rejects EVENT_FOREIGN, EVENT_INVALID, BUS_UNREACHABLE (within 5 s; the same id again is harmless), BUS_TOO_OLD. */
  publish<D extends EventDefinition>(definition: D, draft: Draft<D>): Promise<Published>;
  publishEvent(event: Event): Promise<Published>;
  /** 2 to 1,000 events of FACTS, all stored or none, with one sync of the disk. Never rejects: where it answers no, publish each by itself. */
  publishBatch(events: readonly BatchEvent[]): Promise<Batched>;
  /** Returns at once. Throws EVENT_FOREIGN only; what the world does wrong is counted. */
  observe<D extends EventDefinition>(definition: D, draft: Draft<D>): void;
  observing(): ObserveState;
  consume<D extends EventDefinition>(options: Consume<D>): Consuming;
  tail(subjects: string | readonly string[], handler: TailHandler): Subscription & { whenLive(): Promise<void> };
  history(options: HistoryOptions, handler: HistoryHandler): History;
  kv<B extends BucketDefinition>(bucket: B): Bucket<B>;
  watch<B extends BucketDefinition>(bucket: B, options?: WatchOptions<B>): View<B>;
  /** The newest messages nobody could handle, newest first; 100 unless told. */
  deadLetters(limit?: number): Promise<(DeadLetter & { deadSequence: number })[]>;
  /** Stops consumers, sends what waits (5 s at most), closes. */
  close(): Promise<void>;
};

const links = new WeakMap<Bus, Link>();
const closeMs = 5000;

/** Returns at once; connects in the background, for ever. */
export function openBus(options: BusOptions): Bus {
  const { origin } = options;
  const count: Count = options.count ?? (() => undefined);
  const link = new Link(options);
  const observer = new Observer(link, count, { ...observeLimits, ...options.observe });
  const running = new Set<Subscription>();
  const keep = <S extends Subscription>(subscription: S): S => {
    running.add(subscription);
    const stop = subscription.stop.bind(subscription);
    subscription.stop = async () => {
      await stop();
      running.delete(subscription);
    };
    return subscription;
  };
  const publish = (event: Event): Promise<Published> => publishEvent(link, event, count);
  const bus: Bus = {
    origin,
    ready: () => link.ready(),
    whenReady: async () => { if (await link.nextSession() === undefined) link.require(); },
    publish: async (definition, draft) => publish(makeEvent(definition, origin, draft)),
    publishEvent: publish,
    publishBatch: (events) => publishBatch(link, events, count),
    observe: (definition, draft) => {
      const event = makeObservation(definition, draft, options, count);
      if (event !== undefined) observer.push(event);
    },
    observing: () => observer.state,
    consume: (consume) => keep(new Consumption(link, consume, count)),
    tail: (subjects, handler) => keep(tail(link, subjects, handler, count)),
    history: (from, handler) => keep(history(link, from, handler, count)),
    kv: (bucket) => openBucket(link, origin, bucket),
    watch: (bucket, watch = {}) => keep(new BucketView(link, bucket, watch, count)),
    deadLetters: (limit) => listDeadLetters(link, limit),
    close: () => close(link, observer, running),
    [Symbol.asyncDispose]: () => bus.close(),
  };
  links.set(bus, link);
  return bus;
}

/**
 * Creates or widens the streams and buckets, once there is a connection, and again after each reconnect: a NATS that
 * came back empty gets them anew. Rejects BUS_TOPOLOGY for what needs a person, BUS_UNREACHABLE for what needs time.
 */
export async function ensureTopology(bus: Bus, topology: Topology): Promise<void> {
  const link = links.get(bus);
  const session = await link?.nextSession();
  if (link === undefined || session === undefined) throw new IronbusError('BUS_UNREACHABLE', 'the bus was closed');
  await applyTopology(session, topology);
  link.eachSession((later) => {
    if (later === session) return;
    applyTopology(later, topology).catch((error: unknown) => link.log.error({ err: error }, 'streams and buckets could not be checked'));
  });
}

async function close(link: Link, observer: Observer, running: Set<Subscription>): Promise<void> {
  await Promise.all([...running].map((subscription) => subscription.stop()));
  running.clear();
  const patience = AbortSignal.timeout(closeMs);
  if (link.session !== undefined) await observer.drained(AbortSignal.any([patience, link.session.ended]));
  observer.stop();
  await link.close();
}

/** What arrives from a network may not satisfy a schema: that is counted, and answers go out all the same. */
function makeObservation<D extends EventDefinition>(definition: D, draft: Draft<D>, { origin, log }: BusOptions, count: Count): Event | undefined {
  try {
    return makeEvent(definition, origin, draft);
  } catch (error) {
    if (!(error instanceof IronbusError) || error.code !== 'EVENT_INVALID') throw error;
    count('observation-invalid', { type: definition.type });
    log.warn({ event: definition.type, reason: error.message }, 'an observation is invalid');
    return undefined;
  }
}
