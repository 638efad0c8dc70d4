/**
 * Offers out of this replica's own stock, which Redis does not hear of: the claim on the address is durable there, and whom it was
 * offered to need not be (RFC 2131 §3.1 lets a server offer without reserving). Only for machines that have no record in Redis, so
 * it is kept here which ones do; while that is not known, or a sibling answers as well, offers go through the script.
 */
import type { Ipv4, Mac } from '@ironbus/contracts';
import type { Pool } from '../core/pool.ts';

export type OwnOffer = { pool: Pool; mac: Mac; address: Ipv4; untilMs: number };

export class OwnOffers {
  /** In the order in which they end, as each lasts equally long. */
  readonly #offers = new Map<string, OwnOffer>();
  /** By network: machines with a record, all of them where the network is in `#complete`. */
  readonly #recorded = new Map<string, Set<Mac>>();
  readonly #complete = new Set<string>();

  /** Records are being read, and noted where they are made meanwhile. */
  begin(network: string): void {
    if (!this.#recorded.has(network)) this.#recorded.set(network, new Set());
  }

  /** All were read. */
  complete(network: string): void {
    if (this.#recorded.has(network)) this.#complete.add(network);
  }

  /** Somebody else makes records too. */
  forgetRecords(network: string): void {
    this.#recorded.delete(network);
    this.#complete.delete(network);
  }

  knowsRecords(network: string): boolean {
    return this.#complete.has(network);
  }

  noteRecord(network: string, mac: Mac): void {
    this.#recorded.get(network)?.add(mac);
  }

  /** Whether it is certain that Redis knows nothing of this machine. */
  isNew(network: string, mac: Mac): boolean {
    return this.#complete.has(network) && this.#recorded.get(network)?.has(mac) === false;
  }

  get(network: string, mac: Mac, nowMs: number): OwnOffer | undefined {
    const offer = this.#offers.get(`${network}/${mac}`);
    return offer !== undefined && offer.untilMs > nowMs ? offer : undefined;
  }

  set(offer: OwnOffer): void {
    const key = `${offer.pool.network.id}/${offer.mac}`;
    this.#offers.delete(key);
    this.#offers.set(key, offer);
  }

  /** Ends the offer to this machine, and returns it. */
  take(network: string, mac: Mac): OwnOffer | undefined {
    const key = `${network}/${mac}`;
    const offer = this.#offers.get(key);
    this.#offers.delete(key);
    return offer;
  }

  /** Ends what nobody took in time, or everything, and returns it. */
  end(nowMs = Number.POSITIVE_INFINITY): OwnOffer[] {
    const ended: OwnOffer[] = [];
    for (const [key, offer] of this.#offers) {
      if (offer.untilMs > nowMs) break;
      this.#offers.delete(key);
      ended.push(offer);
    }
    return ended;
  }
}
