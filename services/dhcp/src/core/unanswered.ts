/**
 * How often a client asked and was left to a sibling: what says, without any message between replicas, that the sibling
 * does not answer. `secs` alone would not do: EDK2 counts it (0, 4, 12, 28), iPXE writes something else, GRUB and many
 * BIOS ROMs leave it 0. Bounded, oldest first, so that a flood of unknown clients costs memory once. Pure: time comes in.
 */
import type { Mac } from '@ironbus/contracts';
import { duty, type Asked, type Duty, type DutyQuestion } from './replica-duty.ts';

export type Try = { mac: Mac; asked: Asked; xid: number; /** Of a clock that goes forward; where it is set back a try may count that should not. */ atMs: number };
type Left = { times: number; xid: number; atMs: number };

/** Beyond the longest wait of a client: 64 s, give or take one (RFC 2131 §4.1). */
const forgetMs = 90_000;
/** Two relays on one wire bring the same try twice; no client asks again this soon (U-Boot, after 250 ms, is the quickest known). */
const sameTryMs = 200;
const mostKept = 65_536;

export class Unanswered {
  readonly #left = new Map<string, Left>();
  readonly #most: number;

  constructor(most: number = mostKept) {
    this.#most = most;
  }

  get size(): number {
    return this.#left.size;
  }

  /** How many tries before this one were left to others. */
  before(one: Try): number {
    const left = this.#left.get(keyOf(one));
    if (left === undefined || one.atMs - left.atMs > forgetMs) return 0;
    return isSameTry(left, one) ? left.times - 1 : left.times;
  }

  leave(one: Try): void {
    const key = keyOf(one);
    const known = this.#left.get(key);
    if (known !== undefined && isSameTry(known, one)) return;
    const times = this.before(one) + 1;
    this.#left.delete(key);
    this.#left.set(key, { times, xid: one.xid, atMs: one.atMs });
    const [oldest] = this.#left.keys();
    if (this.#left.size > this.#most && oldest !== undefined) this.#left.delete(oldest);
  }

  /** Somebody answered this client. */
  forget(mac: Mac): void {
    for (const asked of waited) this.#left.delete(`${mac} ${asked}`);
  }
}

/** What a client waits for an answer to, from whoever gives it. */
const waited: readonly Asked[] = ['discover', 'select', 'reboot', 'extend', 'inform', 'bootp'];

const keyOf = ({ mac, asked }: Try): string => `${mac} ${asked}`;
const isSameTry = (left: Left, one: Try): boolean => left.xid === one.xid && Math.abs(one.atMs - left.atMs) < sameTryMs;

/** Whether to answer a packet, and what is remembered of it. */
export function takeTurn(tries: Unanswered, question: Omit<DutyQuestion, 'unanswered'> & Try): Duty {
  if (question.siblings.length === 0) return duty({ ...question, unanswered: 0 });
  const decided = duty({ ...question, unanswered: tries.before(question) });
  // A client that selects somebody's offer got one: its DISCOVER was answered.
  const chosen = question.asked === 'select' && question.named !== question.shared;
  if (decided === 'answer' || chosen) tries.forget(question.mac);
  else if (waited.includes(question.asked)) tries.leave(question);
  return decided;
}
