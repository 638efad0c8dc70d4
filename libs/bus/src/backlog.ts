/** A queue of bounded length that forgets its oldest; constant time at both ends. */
export class Backlog<T> {
  readonly #limit: number;
  #items: T[] = [];
  #head = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Returns the item that had to go, if any. */
  push(item: T): T | undefined {
    this.#items.push(item);
    return this.length > this.#limit ? this.shift() : undefined;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    (this.#items as (T | undefined)[])[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Puts items before all others, in their order; returns those that had to go, oldest first. */
  unshift(items: readonly T[]): T[] {
    this.#items = [...items, ...this.#items.slice(this.#head)];
    this.#head = 0;
    return this.#items.splice(0, Math.max(0, this.#items.length - this.#limit));
  }
}
