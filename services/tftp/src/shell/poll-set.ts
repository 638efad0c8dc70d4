/** Waits for the first of a few descriptors with poll(2). */
import { allocate, type Memory } from './memory.ts';
import type { Native } from './native.ts';

const POLLIN = 1;
const maxSpinMs = 0.1;
const minSpinMs = 0.01;
const waitsUntilNextTry = 256;
/** Longer than a look takes: another program was let run meanwhile. */
const pushedAsideMs = 1;
const rationMs = 1_000;

/**
 * Lock-step means that both ends sleep for each block, and waking an idle processor takes longer than the rest of the work. So before it
 * sleeps it looks again for a moment, as long as that is worth it: each time in vain halves the moment, down to none for some time. And not
 * where other programs want the processor: who never sleeps is let run last there.
 */
export class PollSet {
  readonly #native: Native;
  readonly #set: Memory;
  readonly #count: number;
  #spinMs = maxSpinMs;
  #waits = 0;
  #notBefore = 0;

  constructor(native: Native, descriptors: readonly number[]) {
    this.#native = native;
    this.#count = descriptors.length;
    this.#set = allocate(native, descriptors.length * 8); // pollfd: 4 bytes of descriptor, 2 of what is waited for, 2 of what came
    for (const [n, fd] of descriptors.entries()) {
      this.#set.u32[n * 2] = fd;
      this.#set.u16[n * 4 + 2] = POLLIN;
    }
  }

  /** `timeoutMs` undefined: until something comes, asleep. */
  wait(timeoutMs: number | undefined): void {
    if (timeoutMs === undefined) this.#poll(-1);
    else if (timeoutMs <= 0) this.#poll(0);
    else if (!this.#spin()) this.#poll(Math.ceil(timeoutMs));
  }

  isReady(n: number): boolean { return this.#set.u16[n * 4 + 3] !== 0; }

  /** On an error (EINTR) nothing is ready, whatever stood there. */
  #poll(timeoutMs: number): boolean {
    const ready = this.#native.poll(this.#set.at, this.#count, timeoutMs);
    if (ready < 0) for (let n = 0; n < this.#count; n++) this.#set.u16[n * 4 + 3] = 0;
    return ready > 0;
  }

  #spin(): boolean {
    if (this.#spinMs < minSpinMs) {
      this.#waits += 1;
      if (this.#waits < waitsUntilNextTry) return false;
      this.#waits = 0;
      this.#spinMs = maxSpinMs;
    }
    let now = performance.now();
    if (now < this.#notBefore) return false;
    for (const until = now + this.#spinMs; now < until;) {
      const isReady = this.#poll(0);
      const before = now;
      now = performance.now();
      if (now - before > pushedAsideMs) this.#notBefore = now + rationMs;
      if (!isReady) continue;
      this.#spinMs = maxSpinMs;
      return true;
    }
    this.#spinMs /= 2;
    return false;
  }
}
