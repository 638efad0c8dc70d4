/** Values by name: at most `most` of them, none longer than `keepMs`; the oldest goes first. Pure: time in milliseconds of any clock that does not go back. */
export class Recent<Value> {
  readonly #keepMs: number;
  readonly #most: number;
  readonly #onGone: (value: Value) => void;
  /** Oldest first: every value is kept equally long. */
  readonly #values = new Map<string, { value: Value; untilMs: number }>();

  /** `onGone` hears of each value that leaves, whatever for. */
  constructor({ keepMs, most }: { keepMs: number; most: number }, onGone: (value: Value) => void = () => undefined) {
    this.#keepMs = keepMs;
    this.#most = most;
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#values.size;
  }

  keep(name: string, value: Value, nowMs: number): void {
    this.drop(name);
    this.sweep(nowMs);
    this.#values.set(name, { value, untilMs: nowMs + this.#keepMs });
    if (this.#values.size > this.#most) this.drop(this.#values.keys().next().value as string);
  }

  find(name: string, nowMs: number): Value | undefined {
    const kept = this.#values.get(name);
    return kept === undefined || kept.untilMs <= nowMs ? undefined : kept.value;
  }

  drop(name: string): void {
    const kept = this.#values.get(name);
    if (kept === undefined) return;
    this.#values.delete(name);
    this.#onGone(kept.value);
  }

  /** Lets go of what is too old. */
  sweep(nowMs: number): void {
    for (const [name, { untilMs }] of this.#values) {
      if (untilMs > nowMs) return;
      this.drop(name);
    }
  }
}
