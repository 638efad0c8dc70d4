/** Leases seen durable, for the time without Redis: by network and MAC, forgotten once nothing holds them any more. */
import type { Ipv4, Mac } from '@ironbus/contracts';

export type KnownLease = { address: Ipv4; expiresAtMs: number; holdUntilMs: number };

/** Below this a lease is not worth an answer: the client would be back before the answer settled. */
const leastSeconds = 10;

export class LeaseMemory {
  readonly #leases = new Map<string, KnownLease>();

  get size(): number {
    return this.#leases.size;
  }

  set(network: string, mac: Mac, lease: KnownLease): void {
    this.#leases.set(`${network}/${mac}`, lease);
  }

  get(network: string, mac: Mac): KnownLease | undefined {
    return this.#leases.get(`${network}/${mac}`);
  }

  delete(network: string, mac: Mac): void {
    this.#leases.delete(`${network}/${mac}`);
  }

  /** How long this MAC may have its address without Redis saying so: at most `leaseSeconds`, never past the durable hold. */
  extendable(network: string, mac: Mac, ask: { nowMs: number; leaseSeconds: number }): { address: Ipv4; seconds: number } | undefined {
    const lease = this.get(network, mac);
    if (lease === undefined) return undefined;
    const seconds = Math.min(ask.leaseSeconds, Math.floor((lease.holdUntilMs - ask.nowMs) / 1_000));
    return seconds >= leastSeconds ? { address: lease.address, seconds } : undefined;
  }

  /** Drops what nothing holds any more; returns how many. */
  prune(nowMs: number): number {
    let dropped = 0;
    for (const [key, lease] of this.#leases) {
      if (lease.holdUntilMs > nowMs) continue;
      this.#leases.delete(key);
      dropped += 1;
    }
    return dropped;
  }
}
