/**
 * Work by key: what shares a key with something asked for earlier runs after it, in the order of asking; all else runs side by
 * side. `alone` shares with everything.
 */
export type Lane = readonly string[] | 'alone';

export class Lanes {
  /** The last work of each key; gone once it is done. */
  readonly #tails = new Map<string, Promise<void>>();
  #lastAlone: Promise<void> | undefined;

  /** Runs `task` after everything asked for earlier that it shares a key with. A task that rejects does not stop its followers. */
  run(lane: Lane, task: () => Promise<void>): Promise<void> {
    const before = lane === 'alone' ? [...this.#tails.values()] : lane.flatMap((key) => this.#tails.get(key) ?? []);
    const mine = Promise.all([this.#lastAlone, ...new Set(before)]).then(task);
    const tail: Promise<void> = mine.catch(() => undefined).then(() => this.#forget(lane, tail));
    if (lane === 'alone') {
      this.#tails.clear(); // whoever comes now waits for this one, and it for them
      this.#lastAlone = tail;
    } else for (const key of lane) this.#tails.set(key, tail);
    return mine;
  }

  #forget(lane: Lane, tail: Promise<void>): void {
    if (this.#lastAlone === tail) this.#lastAlone = undefined;
    if (lane === 'alone') return;
    for (const key of lane) if (this.#tails.get(key) === tail) this.#tails.delete(key);
  }

  get size(): number {
    return this.#tails.size + (this.#lastAlone === undefined ? 0 : 1);
  }

  async idle(): Promise<void> {
    while (this.size > 0) await Promise.all([this.#lastAlone, ...this.#tails.values()]);
  }
}

/** At most `limit` at a time, first come, first served. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async use<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
