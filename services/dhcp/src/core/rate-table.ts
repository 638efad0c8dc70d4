/**
 * Token buckets by key, in a table that never grows: it is made whole, and a new key takes the place of the bucket that is
 * fullest. A bucket is one number, the time at which it will be full again: the "theoretical arrival time" of ITU-T I.371
 * annex A (GCRA). A forgotten bucket counts as full, so forgetting never holds anybody back.
 * Keys are hashed with a seed that no sender knows: nobody can choose keys that push out a bucket of his choice.
 */

/** `perSecond` tokens come back each second, up to `burst`. `perSecond` 0: no limit. */
export type Rate = { readonly perSecond: number; readonly burst: number };

/** Buckets that a key may be in: the table is an array of small sets, so that finding one is a bounded walk. */
const ways = 8;
const nobody = -1;

export class RateTable {
  readonly #keys: Float64Array;
  readonly #fullAtMs: Float64Array;
  readonly #seed: number;

  /** Room for `entries` keys, rounded up to a multiple of eight. */
  constructor({ entries, seed }: { entries: number; seed: number }) {
    const sets = Math.max(1, Math.ceil(entries / ways));
    this.#keys = new Float64Array(sets * ways).fill(nobody);
    this.#fullAtMs = new Float64Array(sets * ways);
    this.#seed = seed;
  }

  keyOf(text: string): number {
    return hash53(text, this.#seed);
  }

  /** Whether the bucket has `cost` tokens now. Takes none. */
  has(key: number, rate: Rate, cost: number, nowMs: number): boolean {
    if (rate.perSecond <= 0) return true;
    const slot = this.#find(key);
    const debtMs = slot < 0 ? 0 : debtAt(this.#fullAtMs[slot] ?? 0, rate, nowMs);
    return debtMs + cost * tokenMs(rate) <= rate.burst * tokenMs(rate);
  }

  /** Takes tokens that `has` said are there; the key is remembered. */
  take(key: number, rate: Rate, cost: number, nowMs: number): void {
    let slot = this.#find(key);
    const debtMs = slot < 0 ? 0 : debtAt(this.#fullAtMs[slot] ?? 0, rate, nowMs);
    if (slot < 0) slot = this.#fullest(key);
    this.#keys[slot] = key;
    this.#fullAtMs[slot] = nowMs + debtMs + (rate.perSecond <= 0 ? 0 : cost * tokenMs(rate));
  }

  /** Whether this key took a token after `sinceMs` and was not forgotten. */
  tookSince(key: number, sinceMs: number): boolean {
    const slot = this.#find(key);
    return slot >= 0 && (this.#fullAtMs[slot] ?? 0) >= sinceMs;
  }

  #first(key: number): number {
    return (key % (this.#keys.length / ways)) * ways;
  }

  #find(key: number): number {
    const first = this.#first(key);
    for (let slot = first; slot < first + ways; slot += 1) if (this.#keys[slot] === key) return slot;
    return -1;
  }

  #fullest(key: number): number {
    const first = this.#first(key);
    let best = first;
    for (let slot = first; slot < first + ways; slot += 1) {
      if (this.#keys[slot] === nobody) return slot;
      if ((this.#fullAtMs[slot] ?? 0) < (this.#fullAtMs[best] ?? 0)) best = slot;
    }
    return best;
  }
}

const tokenMs = (rate: Rate): number => 1_000 / rate.perSecond;

/** Milliseconds until the bucket is full; more than a whole bucket is possible only where the clock went back, and counts as none. */
function debtAt(fullAtMs: number, rate: Rate, nowMs: number): number {
  const debtMs = fullAtMs - nowMs;
  return debtMs <= 0 || rate.perSecond <= 0 || debtMs > (rate.burst + 1) * tokenMs(rate) ? 0 : debtMs;
}

/** 53 bits of a text: two multiplicative 32-bit lanes, crossed at the end (the mixing steps of MurmurHash3). */
function hash53(text: string, seed: number): number {
  let a = 0xdeadbeef ^ seed;
  let b = 0x41c6ce57 ^ seed;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (b & 0x1fffff) * 2 ** 32 + (a >>> 0);
}
