/**
 * When a machine that was just switched on may begin its boot: at once, or in its turn where so many came together that this process is
 * late with all of them. Firmware asks for a minute (4, 8, 16, 32 s: PXE 2.1 §2.2.2), the loader after it for 15 s, its first REQUEST for
 * a quarter of a second: who waits is best let wait here, so that those who began get through (docs/adr/0018-boot-storms.md).
 * Known machines come before strangers, so that a flood of these keeps none of them waiting; else first come first served, and a machine
 * that asks again keeps its place. Bounded. Pure: time and lateness come in.
 */
import type { Mac, Network } from '@ironbus/contracts';
import { MessageType } from '@ironbus/wire';
import type { Client } from './client.ts';

export type QueueLimits = {
  /** So many begin at once after a rest. */
  burst: number;
  /** And so many in each turn. */
  perTurn: number;
  /** While the process is later than this nobody begins. */
  busyMs: number;
  /** Who waited so long begins all the same: the firmware asks once more, then gives up. */
  patienceMs: number;
  /** Who was not heard of for so long has given up. */
  forgetMs: number;
  most: number;
};

export const queueLimits: QueueLimits = { burst: 1_024, perTurn: 4, busyMs: 100, patienceMs: 28_000, forgetMs: 36_000, most: 20_000 };

/** `known`: it has a lease, a reservation or a boot policy. */
export type Beginner = { mac: Mac; known: boolean };
type Waiting<T> = { item: T; sinceMs: number; heardMs: number };

export type FirstQuestion = { type: number | undefined; client: Pick<Client, 'stage' | 'kind'>; mode: Network['mode']; siblings: number };

/** Firmware's first question, in a network that nobody else answers: it asks for a minute, and may be answered within that. */
export const mayWait = ({ type, client, mode, siblings }: FirstQuestion): boolean =>
  type === MessageType.discover && client.stage === 'firmware' && /^(pxe|http)-/.test(client.kind) && mode === 'authoritative' && siblings === 0;

export class BootQueue<T> {
  readonly #limits: QueueLimits;
  readonly #known = new Map<Mac, Waiting<T>>();
  readonly #strangers = new Map<Mac, Waiting<T>>();
  #free: number;

  constructor(limits: QueueLimits = queueLimits) {
    this.#limits = limits;
    this.#free = limits.burst;
  }

  get waiting(): number {
    return this.#known.size + this.#strangers.size;
  }

  /** Nobody waits, and a full burst may come. */
  get rests(): boolean {
    return this.waiting === 0 && this.#free === this.#limits.burst;
  }

  /** Whether the machine may begin at once; else `item` is given back by a later `turn`, in place of what it asked before. */
  begins({ mac, known }: Beginner, item: T, nowMs: number): boolean {
    const queue = known ? this.#known : this.#strangers;
    const before = queue.get(mac);
    if (before === undefined && this.#free > 0 && (known ? queue.size : this.waiting) === 0) {
      this.#free -= 1;
      return true;
    }
    if (before !== undefined) queue.set(mac, { ...before, item, heardMs: nowMs });
    else if (queue.size < this.#limits.most) queue.set(mac, { item, sinceMs: nowMs, heardMs: nowMs });
    return false;
  }

  /** Who begins now. `lateMs`: how late this turn is. */
  turn(nowMs: number, lateMs: number): T[] {
    const { perTurn, busyMs, burst } = this.#limits;
    const begun: T[] = [];
    for (const queue of [this.#known, this.#strangers]) this.#take(queue, begun, { nowMs, isBusy: lateMs > busyMs });
    if (lateMs <= busyMs) this.#free = Math.min(burst, this.#free + perTurn - begun.length);
    return begun;
  }

  #take(queue: Map<Mac, Waiting<T>>, begun: T[], { nowMs, isBusy }: { nowMs: number; isBusy: boolean }): void {
    const { perTurn, patienceMs, forgetMs } = this.#limits;
    for (const [mac, { item, sinceMs, heardMs }] of queue) {
      if (begun.length >= perTurn) return;
      const hasGivenUp = nowMs - heardMs > forgetMs;
      if (!hasGivenUp && isBusy && nowMs - sinceMs < patienceMs) return;
      queue.delete(mac);
      if (!hasGivenUp) begun.push(item);
    }
  }
}
