/**
 * Questions that are asked again while they are being answered, or just after: on a busy network an answer takes longer than the client's
 * first wait, and each repetition would cost what the first did, at the worst of times. One under way is left alone; one just answered gets
 * the same answer again, without a lease script and without a second fact. Bounded, oldest first. Pure: time comes in.
 */
import type { Mac } from '@ironbus/contracts';

/** Beyond the first few waits of any client (iPXE asks for its lease after 0.25, 0.75, 1.75 and 3.75 s); what changed meanwhile tells the next exchange. */
const rememberMs = 3_000;
const mostKept = 2_048;
/** RFC 2131 §2: `secs` alone changes from one try to the next. */
const [secsAt, secsEnd] = [8, 10];

/** `text` is the same for each repetition of a question, and for nothing else. */
export type Asking = { mac: Mac; type: number; text: string };
export type Repeated<A> = { is: 'new' } | { is: 'under-way' } | { is: 'answered'; answer: A };
type Kept<A> = { text: string; answer: A; atMs: number };

export class Repeats<A> {
  readonly #underWay = new Set<string>();
  /** The last answer to each type of question of a machine. */
  readonly #answered = new Map<string, Kept<A>>();

  /** What is `new` has to be ended with `end`. */
  begin(asking: Asking, nowMs: number): Repeated<A> {
    if (this.#underWay.has(asking.text)) return { is: 'under-way' };
    const kept = this.#answered.get(keyOf(asking));
    if (kept?.text === asking.text && Math.abs(nowMs - kept.atMs) <= rememberMs) return { is: 'answered', answer: kept.answer };
    this.#underWay.add(asking.text);
    return { is: 'new' };
  }

  /** Without an answer a repetition is new again. */
  end(asking: Asking, answer: A | undefined, nowMs: number): void {
    this.#underWay.delete(asking.text);
    this.#answered.delete(keyOf(asking));
    if (answer !== undefined) this.#answered.set(keyOf(asking), { text: asking.text, answer, atMs: nowMs });
    for (const [oldest, { atMs }] of this.#answered) {
      if (this.#answered.size <= mostKept && Math.abs(nowMs - atMs) <= rememberMs) break;
      this.#answered.delete(oldest);
    }
  }

  /** The machine gave its address back: what it was told does not count any more. */
  forget(mac: Mac): void {
    for (const type of leaseTypes) this.#answered.delete(`${mac} ${type}`);
  }
}

/** DISCOVER and REQUEST (RFC 2132 §9.6). */
export const leaseTypes: readonly number[] = [1, 3];

const keyOf = ({ mac, type }: Asking): string => `${mac} ${type}`;

export const askingOf = (mac: Mac, type: number, { bytes, device, port }: { bytes: Buffer; device: string; port: number }): Asking =>
  ({ mac, type, text: `${device} ${port} ${bytes.toString('latin1', 0, secsAt)}${bytes.toString('latin1', secsEnd)}` });
