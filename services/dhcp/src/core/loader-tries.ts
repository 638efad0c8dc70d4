/**
 * How often in a row the firmware of a machine was sent to a loader that nobody heard of afterwards: Secure Boot refuses an
 * unsigned one without a word, and the machine comes back with another DISCOVER (boot.ts then names the next loader).
 * Offer and acknowledgement of one exchange get the same number. Held in memory: after a restart the first loader is tried again.
 */
import type { Mac } from '@ironbus/contracts';
import type { Stage } from './client.ts';

type Tries = { count: number; xid: number; atMs: number };
export type Exchange = { xid: number; nowMs: number };

/** A machine that was switched off meanwhile begins anew. */
const forgetMs = 3_600_000;
const most = 20_000;

export class LoaderTries {
  readonly #tries = new Map<Mac, Tries>();

  /** Failures that the answer to this exchange has to reckon with. */
  failures(mac: Mac, { xid, nowMs }: Exchange): number {
    const tries = this.#tries.get(mac);
    if (tries === undefined || nowMs - tries.atMs > forgetMs) return 0;
    return tries.xid === xid ? tries.count - 1 : tries.count;
  }

  /** An exchange came to its end; `loader` says whether the answer named one. A later stage than firmware proves the loader good. */
  acknowledged(mac: Mac, stage: Stage, { xid, nowMs, loader }: Exchange & { loader: boolean }): void {
    if (stage !== 'firmware') return void this.#tries.delete(mac);
    if (!loader || this.#tries.get(mac)?.xid === xid) return;
    const count = this.failures(mac, { xid, nowMs }) + 1;
    this.#tries.delete(mac);
    if (this.#tries.size >= most) this.#tries.delete(this.#tries.keys().next().value as Mac);
    this.#tries.set(mac, { count, xid, atMs: nowMs });
  }
}
