/** Waits for the first of a few descriptors with poll(2). */
import { BusyWait } from '../core/busy-wait.ts';
import { allocate, type Memory } from './memory.ts';
import type { Native } from './native.ts';

const POLLIN = 1;
const lookMs = 0.1;
/** Longer than a look takes: another program was let run meanwhile. */
const pushedAsideMs = 1;

export class PollSet {
  readonly #native: Native;
  readonly #set: Memory;
  readonly #count: number;
  readonly #busyWait = new BusyWait();

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
    else if (!this.#look()) this.#poll(Math.ceil(timeoutMs));
  }

  isReady(n: number): boolean { return this.#set.u16[n * 4 + 3] !== 0; }

  /** On an error (EINTR) nothing is ready, whatever stood there. */
  #poll(timeoutMs: number): boolean {
    const ready = this.#native.poll(this.#set.at, this.#count, timeoutMs);
    if (ready < 0) for (let n = 0; n < this.#count; n++) this.#set.u16[n * 4 + 3] = 0;
    return ready > 0;
  }

  /** Looks again for a moment, where that pays. */
  #look(): boolean {
    let now = performance.now();
    if (!this.#busyWait.pays(now)) return false;
    for (const until = now + lookMs; now < until;) {
      const isReady = this.#poll(0);
      const before = now;
      now = performance.now();
      if (now - before > pushedAsideMs) this.#busyWait.pushedAside(now);
      if (!isReady) continue;
      this.#busyWait.looked(true);
      return true;
    }
    this.#busyWait.looked(false);
    return false;
  }
}
