/**
 * The messages a consumer holds: delivered, not yet acknowledged. Each is kept alive, a second delivery of one only
 * renews where its ack goes, and a late second delivery of a finished one is acknowledged without running again.
 * The verdicts of one turn of the event loop go out together, in one write.
 */
import type { Link } from './connect.ts';
import type { Pulled } from './pull.ts';
import { seconds } from './types.ts';

export const Verdict = { ack: '+ACK', nak: '-NAK', working: '+WPI', term: '+TERM' } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

const remembered = 4096;

export class Held {
  readonly #link: Link;
  readonly #messages = new Map<string, Pulled>();
  readonly #finished = new Set<string>();
  readonly #keepAlive: NodeJS.Timeout;
  readonly #unsaid: { subject: string; verdict: string }[] = [];

  /** `ackWaitMs` is the consumer's: each held message is renewed three times within it. */
  constructor(link: Link, ackWaitMs: number) {
    this.#link = link;
    this.#keepAlive = setInterval(() => this.#renewAll(), ackWaitMs / 3);
  }

  get size(): number {
    return this.#messages.size;
  }

  /** True where the message is new and the caller must handle it. */
  take(message: Pulled): boolean {
    const name = nameOf(message);
    if (this.#finished.has(name)) {
      this.#send(message, Verdict.ack);
      return false;
    }
    const isNew = !this.#messages.has(name);
    this.#messages.set(name, message);
    return isNew;
  }

  /** Says the verdict where the latest delivery wants it, and lets go. A lost verdict leads to a redelivery. */
  release(message: Pulled, verdict: Exclude<Verdict, '+WPI'>): void {
    const name = nameOf(message);
    this.#send(this.#messages.get(name) ?? message, verdict);
    this.#messages.delete(name);
    if (verdict === Verdict.nak) return;
    this.#finished.add(name);
    if (this.#finished.size > remembered) this.#finished.delete(this.#finished.values().next().value ?? name);
  }

  /** Lets go of a message for another replica, or for this one after `delayMs`. */
  giveBack(message: Pulled, delayMs: number): void {
    this.#messages.delete(nameOf(message));
    this.#send(message, `-NAK {"delay": ${seconds(delayMs / 1000)}}`);
  }

  close(): void {
    clearInterval(this.#keepAlive);
    this.#say();
  }

  #renewAll(): void {
    for (const message of this.#messages.values()) this.#send(message, Verdict.working);
  }

  #send(message: Pulled, verdict: Verdict | `-NAK {${string}}`): void {
    if (this.#unsaid.push({ subject: message.ackSubject, verdict }) === 1) setImmediate(() => this.#say());
  }

  #say(): void {
    const nc = this.#link.session?.nc;
    const unsaid = this.#unsaid.splice(0);
    if (nc === undefined || nc.isClosed()) return;
    for (const { subject, verdict } of unsaid) nc.publish(subject, verdict);
  }
}

/** The sequence alone would name another message once the stream was made anew. */
const nameOf = (message: Pulled): string => `${message.streamSequence}@${message.timestampNanos}`;
