/** What has to happen now and then: ending leases, keeping the stock, and reading the durable leases into memory once Redis is there. */
import type { Network } from '@ironbus/contracts';
import type { Store } from '@ironbus/store';
import type { Logger } from '@ironbus/runtime';
import type { Bindings } from './bindings.ts';
import type { LeaseExpiry } from './lease-expiry.ts';
import { isStoreAway, type LeaseStore } from './lease-store.ts';
import type { Networks } from './networks.ts';

export type UpkeepParts = { store: Store; leases: LeaseStore; expiry: LeaseExpiry; networks: Networks; bindings: Bindings; log: Logger; now: () => number;
  /** Whether this replica answers there: only then it needs a stock of addresses. */
  answers: (network: Network) => boolean;
};

const tickMs = 1_000;
const pruneEvery = 60;
const forgetBootMs = 24 * 3_600_000;

export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #loaded = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #working: Promise<void> | undefined;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => { this.#working ??= this.tick().finally(() => { this.#working = undefined; }); }, tickMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
    this.#parts.leases.endOffers();
    await this.#parts.leases.stock.close();
  }

  /** Never rejects: while Redis is away there is nothing to end, as nothing new is given out. */
  async tick(): Promise<void> {
    const { store, networks, leases, bindings, log, now } = this.#parts;
    this.#ticks += 1;
    leases.endOffers(now());
    if (this.#ticks % pruneEvery === 0) {
      leases.memory.prune(now());
      bindings.prune(now() - forgetBootMs);
    }
    if (!store.ready().ready) return;
    try {
      for (const network of networks.list()) if (network.mode === 'authoritative') await this.#keep(network);
    } catch (error) {
      if (isStoreAway(error)) log.debug({ reason: String(error) }, 'leases can not be ended now');
      else log.error({ err: error }, 'leases could not be ended');
    }
  }

  async #keep(served: Network): Promise<void> {
    const { id: network, leaseSeconds } = served;
    const { leases, expiry, networks, bindings, log, now, answers } = this.#parts;
    if (leases.mustLoad(network) || !this.#loaded.has(network)) {
      const known = await leases.loadKnown(network);
      this.#loaded.add(network);
      if (known > 0) log.info({ network, known }, 'leases read into memory');
    }
    if (answers(served)) await leases.stock.keep(networks.pool(served), now());
    const ended = await expiry.run({ network, leaseSeconds, nowMs: now(), nodeOf: (mac) => networks.policies.policyOf(mac)?.node });
    for (const { mac, address } of ended) {
      log.info({ mac, address, network }, 'lease expired');
      await bindings.drop(mac, address);
    }
  }
}
