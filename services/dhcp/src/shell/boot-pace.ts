/** Turns the queue of machines that want to begin their boot, and measures how late this process is. Its timer runs only while there is something to turn. */
import { BootQueue, type Beginner } from '../core/boot-queue.ts';

const turnMs = 20;

export class BootPace {
  readonly #queue = new BootQueue<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = 0;

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Whether the machine may begin now; else `begin` is called when it may, unless the machine asks again before. */
  begins(machine: Beginner, begin: () => void): boolean {
    const may = this.#queue.begins(machine, begin, performance.now());
    if (this.#timer === undefined) this.#wait();
    return may;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    this.#dueAtMs = performance.now() + turnMs;
    this.#timer = setTimeout(() => this.#turn(), turnMs);
  }

  #turn(): void {
    const nowMs = performance.now();
    this.#timer = undefined;
    for (const begin of this.#queue.turn(nowMs, nowMs - this.#dueAtMs)) begin();
    if (!this.#queue.rests) this.#wait();
  }
}
