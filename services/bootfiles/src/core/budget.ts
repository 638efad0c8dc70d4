/** A token bucket: `burst` at once, then `perSecond`. Pure; time is given in milliseconds of any clock that does not go back. */
export class Budget {
  /** How many were refused since the last `settle`. */
  refused = 0;
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #at = 0;

  constructor({ burst, perSecond }: { burst: number; perSecond: number }) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#left = burst;
  }

  take(nowMs: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, nowMs - this.#at) * this.#perMs);
    this.#at = nowMs;
    const has = this.#left >= 1;
    if (has) this.#left -= 1;
    else this.refused += 1;
    return has;
  }

  /** True once half of the burst is there again: the flood is over. */
  get calm(): boolean {
    return this.#left >= this.#burst / 2;
  }

  /** Gives how many were refused, and forgets them. */
  settle(): number {
    const { refused } = this;
    this.refused = 0;
    return refused;
  }
}
