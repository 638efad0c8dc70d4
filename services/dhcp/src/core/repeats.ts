/**
 * Questions that are asked again while they are being answered, or just after: on a busy network an answer takes longer than the client's
 * first wait, and each repetition would cost what the first did, at the worst of times. One under way is left alone; one just answered gets
 * the same answer again, without a lease script and without a second fact. Bounded, oldest first. Pure: time comes in.
 */
import type { Mac } from '@ironbus/contracts';

/** Beyond the first few waits of any client (iPXE asks for its lease after 0.25, 0.75, 1.75 and 3.75 s); what changed meanwhile tells the next exchange. */
const rememberMs = 3_000;
const mostKept = 4_096;
/** RFC 2131 §2: `secs` alone changes from one try to the next. */
const [secsAt, secsEnd] = [8, 10];

/** A datagram as it came: its bytes, on which device, to which port. */
export type Asking = { mac: Mac; type: number; bytes: Uint8Array; device: string; port: number };
export type Repeated<A> = { is: 'new' } | { is: 'under-way' } | { is: 'answered'; answer: A };
/** `answer` is undefined while the question is under way. */
type Kept<A> = { asking: Asking; answer: A | undefined; atMs: number };

export class Repeats<A> {
  /** The last question of each type of a machine. */
  readonly #kept = new Map<string, Kept<A>>();

  /** What is `new` has to be ended with `end`. */
  begin(asking: Asking, nowMs: number): Repeated<A> {
    const key = keyOf(asking.mac, asking.type);
    const kept = this.#kept.get(key);
    if (kept !== undefined && isSame(kept.asking, asking)) {
      if (kept.answer === undefined) return { is: 'under-way' };
      if (Math.abs(nowMs - kept.atMs) <= rememberMs) return { is: 'answered', answer: kept.answer };
    }
    this.#keep(key, { asking, answer: undefined, atMs: nowMs });
    return { is: 'new' };
  }

  /** Without an answer a repetition is new again. */
  end(asking: Asking, answer: A | undefined, nowMs: number): void {
    const key = keyOf(asking.mac, asking.type);
    if (this.#kept.get(key)?.asking !== asking) return;
    if (answer === undefined) this.#kept.delete(key);
    else this.#keep(key, { asking, answer, atMs: nowMs });
  }

  /** The machine gave its address back: what it was told does not count any more. */
  forget(mac: Mac): void {
    for (const type of leaseTypes) this.#kept.delete(keyOf(mac, type));
  }

  #keep(key: string, kept: Kept<A>): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const [oldest, { answer, atMs }] of this.#kept) {
      const isOver = answer !== undefined && Math.abs(kept.atMs - atMs) > rememberMs;
      if (this.#kept.size <= mostKept && !isOver) break;
      this.#kept.delete(oldest);
    }
  }
}

/** DISCOVER and REQUEST (RFC 2132 §9.6). */
export const leaseTypes: readonly number[] = [1, 3];

const keyOf = (mac: Mac, type: number): string => `${mac} ${type}`;

function isSame(a: Asking, b: Asking): boolean {
  return a.bytes.length === b.bytes.length && a.device === b.device && a.port === b.port
    && equal(a.bytes.subarray(0, secsAt), b.bytes.subarray(0, secsAt)) && equal(a.bytes.subarray(secsEnd), b.bytes.subarray(secsEnd));
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, at) => byte === b[at]);
