/**
 * Durable consumption: each event is handled at least once, acknowledged last, in order per key within this process.
 * An event whose handler failed is tried again *here*, with its followers of the same key waiting behind it: a nak would
 * let them pass, or hand the event to another replica. After `maxDeliver` tries it goes to DEAD; an event whose
 * handler can not reach the store or the bus is tried for ever, because that is not the event's fault.
 */
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { IronbusError, type ErrorCode, type EventDefinition, type StreamName, type Violation } from '@ironbus/contracts';
import { backOffMs, pause, standardBackOff, type BackOff } from './back-off.ts';
import { publishDeadLetter, type Burial } from './dead-letters.ts';
import { Held, Verdict } from './held.ts';
import { Puller } from './keep-pulling.ts';
import { Lanes, Slots, type Lane } from './lanes.ts';
import { decodeEvent } from './messages.ts';
import type { Link, Session } from './connect.ts';
import type { Pulled, Target } from './pull.ts';
import { seconds, type Count, type EventOf, type Log, type Subscription } from './types.ts';

export type Meta = {
  sequence: number;
  /** The handler may have seen this event before. */
  redelivered: boolean;
};

export type Consume<D extends EventDefinition> = {
  /** `<service>-<what it does>`: replicas with the same durable share the work. */
  durable: string;
  definitions: readonly D[];
  handler: (event: EventOf<D>, meta: Meta) => Promise<void> | void;
  /** Tries before an event goes to DEAD; 5 unless told. */
  maxDeliver?: number;
  /**
   * What an event may not overtake: earlier events with a key in common; `alone`: every earlier one, and no later one overtakes
   * it. Its node or key unless told.
   */
  laneOf?: (event: EventOf<D>) => Lane;
  /** Handlers at a time; 16 unless told. */
  concurrency?: number;
  /** After this long without a sign of life another replica gets the event; 30 s unless told. */
  ackWaitMs?: number;
  backOff?: BackOff;
};

/** Not the event's fault: tried for ever. */
const worldIsAway: ReadonlySet<ErrorCode> = new Set(['BUS_UNREACHABLE', 'STORE_UNREACHABLE', 'NOT_READY']);
const drainMs = 10_000;
/** The rest of what waited went to other replicas of the durable. */
const quietMs = 5_000;
const unknownDelayMs = 1000;
const unknownDeliveries = 60;
const stopped = Symbol('stopped');

/** `caughtUp`: what waited when the connection was made has been taken. */
export type Consuming = Subscription & { caughtUp(): boolean };

export class Consumption<D extends EventDefinition> implements Consuming {
  readonly #link: Link;
  readonly #count: Count;
  readonly #log: Log;
  readonly #of: Required<Consume<D>>;
  readonly #target: Target;
  readonly #held: Held;
  readonly #lanes = new Lanes();
  readonly #slots: Slots;
  readonly #puller: Puller;
  readonly #stopping = new AbortController();
  readonly #capacity: number;
  /** What waits of that which waited when this session's first message came; undefined before that. */
  #behind: number | undefined;
  #lastMessageAt = 0;

  constructor(link: Link, consume: Consume<D>, count: Count) {
    this.#link = link;
    this.#count = count;
    this.#log = link.log;
    this.#of = { maxDeliver: 5, concurrency: 16, ackWaitMs: 30_000, laneOf: (event) => [event.nodeid ?? event.subject], backOff: standardBackOff, ...consume };
    this.#target = { stream: streamOf(consume.definitions), consumer: consume.durable };
    this.#held = new Held(link, this.#of.ackWaitMs);
    this.#slots = new Slots(this.#of.concurrency);
    this.#capacity = Math.max(64, this.#of.concurrency * 4);
    this.#puller = new Puller({
      link, what: consume.durable, room: () => this.#room(),
      prepare: (session) => this.#ensureDurable(session), onMessage: (message) => this.#onMessage(message),
    });
  }

  caughtUp(): boolean {
    return (this.#behind ?? 0) <= 0 || performance.now() - this.#lastMessageAt > quietMs;
  }

  /** Takes no more events, waits up to 10 s for running handlers, and gives the others back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#puller.stop();
    const patience = new AbortController();
    await Promise.race([this.#lanes.idle(), pause(drainMs, patience.signal)]);
    patience.abort();
    this.#held.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Asks in halves, so that a request is not made for every single message. */
  #room(): number {
    const free = this.#capacity - this.#held.size;
    return free >= this.#capacity / 2 ? free : 0;
  }

  async #ensureDurable({ jsm }: Session): Promise<Target> {
    this.#behind = undefined;
    const { stream, consumer } = this.#target;
    const settings = {
      filter_subjects: this.#of.definitions.map((definition) => `${definition.type}.*.*`).sort(),
      ack_wait: seconds(this.#of.ackWaitMs / 1000), max_deliver: -1, max_ack_pending: Math.max(1000, this.#capacity * 4),
    };
    const wanted = { ...settings, durable_name: consumer, ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All };
    try {
      await jsm.consumers.add(stream, wanted);
    } catch (error) {
      if (!/already (exists|in use)/.test((error as Error).message)) throw error;
      await jsm.consumers.update(stream, consumer, settings);
    }
    return this.#target;
  }

  #onMessage(message: Pulled): void {
    this.#behind = Math.min((this.#behind ?? Infinity) - 1, message.pending);
    this.#lastMessageAt = performance.now();
    if (!this.#held.take(message)) return;
    if (this.#isUnknown(message)) {
      this.#held.giveBack(message, unknownDelayMs);
      this.#puller.more();
      return;
    }
    const decoded = decodeEvent(message.msg, this.#of.definitions);
    const lane = decoded.ok ? this.#of.laneOf(decoded.event as EventOf<D>) : [message.msg.subject.split('.').at(-1) ?? ''];
    const work = decoded.ok ? () => this.#handle(message, decoded.event as EventOf<D>) : () => this.#refuse(message, decoded.why);
    void this.#lanes.run(lane, work).catch((error: unknown) => {
      this.#held.release(message, Verdict.nak);
      this.#log.error({ durable: this.#target.consumer, sequence: message.streamSequence, err: error }, 'an event was given back');
    }).then(() => this.#puller.more());
  }

  /** A type that a newer replica of this durable reads: left to it, unless nobody took it for long. */
  #isUnknown({ msg, deliveries }: Pulled): boolean {
    const type = msg.subject.split('.').slice(0, 2).join('.');
    return deliveries <= unknownDeliveries && !this.#of.definitions.some((definition) => definition.type === type);
  }

  async #handle(message: Pulled, event: EventOf<D>): Promise<void> {
    const labels = { durable: this.#target.consumer, type: event.type };
    for (let tries = 0, counted = 0; !this.#stopping.signal.aborted; tries++) {
      const error = await this.#try(event, { sequence: message.streamSequence, redelivered: tries > 0 || message.deliveries > 1 });
      if (error === stopped) break;
      if (error === undefined) {
        this.#count('handled', labels);
        return this.#held.release(message, Verdict.ack);
      }
      this.#count('handler-failed', labels);
      counted += error instanceof IronbusError && worldIsAway.has(error.code) ? 0 : 1;
      this.#log.warn({ ...labels, eventId: event.id, try: tries + 1, err: error }, 'an event was not handled');
      if (counted >= this.#of.maxDeliver) {
        const text = error instanceof IronbusError ? `${error.code}: ${error.message}` : String(error);
        return this.#bury(message, { reason: 'exhausted', violations: [], error: text.slice(0, 2000), deliveries: message.deliveries + tries });
      }
      await pause(backOffMs(tries + 1, this.#of.backOff), this.#stopping.signal);
    }
    this.#held.release(message, Verdict.nak);
  }

  /** What the handler threw; undefined where it did not. */
  async #try(event: EventOf<D>, meta: Meta): Promise<unknown> {
    return this.#slots.use(async () => {
      if (this.#stopping.signal.aborted) return stopped;
      try {
        await this.#of.handler(event, meta);
        return undefined;
      } catch (error) {
        return error ?? new Error('the handler threw nothing');
      }
    });
  }

  async #refuse(message: Pulled, violations: Violation[]): Promise<void> {
    const { subject } = message.msg;
    this.#count('message-invalid', { durable: this.#target.consumer });
    this.#log.warn({ durable: this.#target.consumer, subject, sequence: message.streamSequence, violations }, 'a message is invalid');
    await this.#bury(message, { reason: 'invalid', violations, deliveries: message.deliveries });
  }

  /** Terms the message only once DEAD has it; until then it stays held. */
  async #bury(message: Pulled, burial: Burial): Promise<void> {
    for (let failures = 0; !this.#stopping.signal.aborted;) {
      try {
        await publishDeadLetter(this.#link, message, this.#target, burial);
        this.#count('dead-lettered', { durable: this.#target.consumer, reason: burial.reason });
        return this.#held.release(message, Verdict.term);
      } catch (error) {
        failures++;
        this.#log.warn({ durable: this.#target.consumer, sequence: message.streamSequence, err: error }, 'a message could not be buried yet');
        await pause(backOffMs(failures), this.#stopping.signal);
      }
    }
    this.#held.release(message, Verdict.nak);
  }
}

function streamOf(definitions: readonly EventDefinition[]): StreamName {
  const streams = [...new Set(definitions.map((definition) => definition.stream))];
  const [stream] = streams;
  if (stream === undefined || streams.length > 1) throw new Error(`a consumer reads one stream, not ${streams.length}: ${streams.join(', ')}`);
  return stream;
}
