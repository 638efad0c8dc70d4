/**
 * Whether a thread looks again for a moment before it sleeps. In lock-step both ends sleep for each block, and waking an idle processor
 * takes longer than the rest of the work; looking in vain takes processor time from others. So it looks as long as most looks find
 * something, and not where other programs want the processor: who never sleeps is let run last there. Pure; times in ms.
 */
const mostCredit = 8;
const costInVain = 2;
const waitsUntilNextTry = 256;
const shortestRestMs = 10;
const longestRestMs = 1_000;

export class BusyWait {
  #credit = mostCredit;
  #waits = 0;
  #restMs = shortestRestMs;
  #restsUntil = Number.NEGATIVE_INFINITY;

  /** Asked before each wait. */
  pays(now: number): boolean {
    if (now < this.#restsUntil) return false;
    if (this.#credit > 0) return true;
    this.#waits += 1;
    if (this.#waits < waitsUntilNextTry) return false;
    this.#waits = 0;
    this.#credit = 1;
    return true;
  }

  looked(found: boolean): void { this.#credit = found ? Math.min(mostCredit, this.#credit + 1) : this.#credit - costInVain; }

  /** Another program was let run in the middle of a look: once is chance, again and again is a busy machine. */
  pushedAside(now: number): void {
    this.#restMs = now - this.#restsUntil > longestRestMs ? shortestRestMs : Math.min(2 * this.#restMs, longestRestMs);
    this.#restsUntil = now + this.#restMs;
  }
}
