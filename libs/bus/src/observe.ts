/**
 * Observations: many small events, each acknowledged by JetStream, none waited for. At most `window` are in flight and
 * `queue` wait; beyond that the oldest waiting is dropped and counted. What was in flight when the connection broke is
 * sent again with the same id. (`js.publish` takes about ten times the CPU for each message: it waits for each.)
 * What one turn of the event loop has to tell goes out together: under load NATS then costs one write for many, not one each.
 */
import type { Msg } from '@nats-io/transport-node';
import type { Event } from '@ironbus/contracts';
import type { Link, Session } from './connect.ts';
import { encodeEvent } from './messages.ts';
import { Backlog } from './backlog.ts';
import type { Count } from './types.ts';

export type ObserveLimits = { window: number; queue: number; ackTimeoutMs: number };
export const observeLimits: ObserveLimits = { window: 512, queue: 10_000, ackTimeoutMs: 5000 };

export type ObserveState = { queued: number; inFlight: number };

/** So many do not wait for the end of the turn. */
const atOnce = 64;

type InFlight = { event: Event; sentAt: number };

export class Observer {
  readonly #link: Link;
  readonly #count: Count;
  readonly #limits: ObserveLimits;
  readonly #waiting: Backlog<Event>;
  readonly #inFlight = new Map<number, InFlight>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #off: () => void;
  #session: { session: Session; inbox: string } | undefined;
  #number = 0;
  #sendsSoon = false;

  constructor(link: Link, count: Count, limits: ObserveLimits = observeLimits) {
    this.#link = link;
    this.#count = count;
    this.#limits = limits;
    this.#waiting = new Backlog(limits.queue);
    this.#off = link.eachSession((session) => this.#begin(session));
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(1000, limits.ackTimeoutMs));
  }

  get state(): ObserveState {
    return { queued: this.#waiting.length, inFlight: this.#inFlight.size };
  }

  /** Takes the event and returns at once. Never throws. */
  push(event: Event): void {
    const dropped = this.#waiting.push(event);
    if (dropped !== undefined) this.#drop(dropped);
    if (this.#waiting.length >= atOnce) this.#send();
    else this.#sendSoon();
  }

  /** Waits until everything is acknowledged, or `signal` aborts. */
  async drained(signal: AbortSignal): Promise<void> {
    while (this.#waiting.length + this.#inFlight.size > 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#onProgress = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  #onProgress: (() => void) | undefined;

  stop(): void {
    this.#off();
    clearInterval(this.#sweeper);
    for (const { event } of this.#inFlight.values()) this.#count('observation-unacked', { type: event.type });
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) this.#drop(event);
    this.#inFlight.clear();
  }

  #begin(session: Session): void {
    const inbox = session.newInbox();
    const mine = { session, inbox };
    this.#requeue();
    session.nc.subscribe(`${inbox}.*`, { callback: (error, msg) => { if (error === null) this.#onAck(msg); } });
    session.ended.addEventListener('abort', () => { if (this.#session === mine) this.#session = undefined; });
    this.#session = mine;
    this.#send();
  }

  /** In-flight ones of the last session go first again. */
  #requeue(): void {
    const again = [...this.#inFlight.values()].map(({ event }) => event);
    this.#inFlight.clear();
    for (const event of this.#waiting.unshift(again)) this.#drop(event);
  }

  #sendSoon(): void {
    if (this.#sendsSoon) return;
    this.#sendsSoon = true;
    setImmediate(() => {
      this.#sendsSoon = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#session !== undefined && this.#inFlight.size < this.#limits.window) {
      const event = this.#waiting.shift();
      if (event === undefined) return;
      this.#sendOne(this.#session, event);
    }
  }

  #sendOne({ session, inbox }: { session: Session; inbox: string }, event: Event): void {
    try {
      const { subject, payload, headers } = encodeEvent(event);
      const reply = `${inbox}.${++this.#number}`;
      session.nc.publish(subject, payload, { headers, reply });
      this.#inFlight.set(this.#number, { event, sentAt: Date.now() });
    } catch (error) {
      this.#link.log.warn({ event: event.type, err: error }, 'an observation could not be sent');
      this.#drop(event);
    }
  }

  #onAck(msg: Msg): void {
    const number = Number(msg.subject.slice(msg.subject.lastIndexOf('.') + 1));
    const sent = this.#inFlight.get(number);
    if (sent === undefined) return;
    this.#inFlight.delete(number);
    const stored = msg.headers?.code !== 503 && !msg.string().includes('"error"');
    this.#count(stored ? 'observation-sent' : 'observation-unacked', { type: sent.event.type });
    if (this.#waiting.length > 0) this.#sendSoon();
    this.#onProgress?.();
  }

  /** Gives up on acks that never came; insertion order is age. */
  #sweep(): void {
    const oldest = Date.now() - this.#limits.ackTimeoutMs;
    for (const [number, { event, sentAt }] of this.#inFlight) {
      if (sentAt > oldest || this.#session === undefined) break;
      this.#inFlight.delete(number);
      this.#count('observation-unacked', { type: event.type });
    }
    this.#send();
    this.#onProgress?.();
  }

  #drop(event: Event): void {
    this.#count('observation-dropped', { type: event.type });
  }
}
