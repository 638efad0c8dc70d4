/**
 * This replica's stock of free addresses, by network: claimed in Redis and probed before anybody asks, so that a new machine
 * waits for no probe. Grows with the demand. A claim is no right: another replica that finds nothing else breaks it.
 */
import type { Ipv4, Mac, Network } from '@ironbus/contracts';
import type { Logger } from '@ironbus/runtime';
import type { Script, Store } from '@ironbus/store';
import type { Pool } from '../core/pool.ts';
import { leaseKeys } from './lease-lua.ts';
import { prolongLua, stockLua, unclaimLua } from './lease-stock-lua.ts';

/** Who answers on addresses that should be free; undefined where the network can not or shall not be probed. */
export type ProbeAddresses = (network: Network, addresses: readonly Ipv4[]) => Promise<ReadonlyMap<Ipv4, { mac: Mac | null }>> | undefined;
/** Whether the machine that asks may take this address. */
export type May = (address: Ipv4) => boolean;
export type Conflict = { network: Network; address: Ipv4; usedBy: Mac | null; quarantinedUntilMs: number };
export type StockOptions = {
  store: Store; keys: (network: string) => string[]; instance: string; quarantineMs: number; log: Logger;
  probe: ProbeAddresses; onConflict: (conflict: Conflict) => void;
};
type Shelf = { ready: Ipv4[]; target: number; refilledAtMs: number; prolongedAtMs: number; refilling: Promise<void> | undefined; pool: Pool; empty: boolean; waiting: number };

const claimMs = 600_000;
const prolongEveryMs = 240_000;
/** A rack full of machines: those beyond it wait for a probe, which takes half a second. */
const fewest = 64;
const most = 4_096;
/** One replica claims at most this part of a pool. */
const share = 16;
const cursorSteps = 8_000;

export class LeaseStock {
  readonly #options: StockOptions;
  readonly #mark: string;
  readonly #shelves = new Map<string, Shelf>();
  readonly #claim: Script;
  readonly #prolong: Script;
  readonly #unclaim: Script;

  constructor(options: StockOptions) {
    this.#options = options;
    this.#mark = `~${options.instance}`;
    const define = (name: string, lua: string): Script => options.store.defineScript({ name, numberOfKeys: leaseKeys.length, lua });
    this.#claim = define('lease-stock', stockLua);
    this.#prolong = define('lease-stock-prolong', prolongLua);
    this.#unclaim = define('lease-stock-unclaim', unclaimLua);
  }

  /** What the scripts know this replica's claims by. */
  get mark(): string {
    return this.#mark;
  }

  /** An address that is ready now and that `may` allows; the caller uses it or puts it back. Refills in the background where little is left. */
  take(pool: Pool, nowMs: number, may: May): Ipv4 | undefined {
    const shelf = this.#shelf(pool);
    const address = pop(shelf, may);
    if (shelf.ready.length <= shelf.target / 2 && !(shelf.empty && nowMs - shelf.refilledAtMs < 1_000)) {
      this.#refill(shelf, nowMs).catch((error: unknown) => this.#options.log.debug({ network: pool.network.id, reason: String(error) }, 'stock not refilled'));
    }
    return address;
  }

  /** An address once there is one, undefined where the pool has none. Rejects STORE_UNREACHABLE. */
  async wait(pool: Pool, nowMs: number, may: May): Promise<Ipv4 | undefined> {
    const shelf = this.#shelf(pool);
    shelf.waiting += 1;
    try {
      for (;;) {
        const address = pop(shelf, may);
        if (address !== undefined) return address;
        await this.#refill(shelf, nowMs);
        if (shelf.empty) return pop(shelf, may);
      }
    } finally {
      shelf.waiting -= 1;
    }
  }

  putBack(pool: Pool, address: Ipv4): void {
    this.#shelf(pool).ready.unshift(address);
  }

  /** The first address that a new machine would get; claims nothing. Rejects STORE_UNREACHABLE. */
  async peek(pool: Pool, nowMs: number): Promise<Ipv4 | undefined> {
    const found = await this.#ask(pool, { nowMs, count: 1, dry: true });
    return found[0];
  }

  /** Fills the stock of a network before anybody asks, and keeps its claims alive. Rejects STORE_UNREACHABLE. */
  async keep(pool: Pool, nowMs: number): Promise<void> {
    const shelf = this.#shelf(pool);
    if (shelf.refilledAtMs === 0) return this.#refill(shelf, nowMs);
    if (nowMs - shelf.prolongedAtMs < prolongEveryMs || shelf.ready.length === 0) return;
    shelf.prolongedAtMs = nowMs;
    const claimed = shelf.ready.splice(0);
    const kept = await this.#prolong(this.#options.keys(pool.network.id), [nowMs + claimMs, this.#mark, ...claimed]) as Ipv4[];
    shelf.ready.push(...await this.#unused(shelf, kept, nowMs));
  }

  /** Gives every claim back, first in the line: nobody had them. Never rejects: claims end by themselves. */
  async close(): Promise<void> {
    for (const { pool, ready } of this.#shelves.values()) {
      const addresses = ready.splice(0);
      if (addresses.length === 0) continue;
      await this.#unclaim(this.#options.keys(pool.network.id), [0, this.#mark, '', ...addresses])
        .catch((error: unknown) => this.#options.log.debug({ network: pool.network.id, reason: String(error) }, 'claims left to end by themselves'));
    }
    this.#shelves.clear();
  }

  #shelf(pool: Pool): Shelf {
    const known = this.#shelves.get(pool.network.id);
    if (known !== undefined) {
      known.pool = pool;
      return known;
    }
    const shelf: Shelf = { ready: [], target: fewest, refilledAtMs: 0, prolongedAtMs: 0, refilling: undefined, pool, empty: false, waiting: 0 };
    this.#shelves.set(pool.network.id, shelf);
    return shelf;
  }

  #refill(shelf: Shelf, nowMs: number): Promise<void> {
    shelf.refilling ??= this.#fill(shelf, nowMs).finally(() => { shelf.refilling = undefined; });
    return shelf.refilling;
  }

  async #fill(shelf: Shelf, nowMs: number): Promise<void> {
    const { pool } = shelf;
    shelf.target = nextTarget(shelf, nowMs);
    if (shelf.refilledAtMs === 0) shelf.prolongedAtMs = nowMs;
    shelf.refilledAtMs = nowMs;
    const found = await this.#ask(pool, { nowMs, count: Math.max(1, shelf.target - shelf.ready.length, shelf.waiting), dry: false });
    shelf.empty = found.length === 0;
    shelf.ready.push(...await this.#unused(shelf, found, nowMs));
  }

  async #ask(pool: Pool, { nowMs, count, dry }: { nowMs: number; count: number; dry: boolean }): Promise<Ipv4[]> {
    const { network, ranges, signature } = pool;
    const args = [nowMs, nowMs + claimMs, this.#mark, count, dry ? 1 : 0, signature, cursorSteps, ranges.map(([from, to]) => `${from}-${to}`).join(','), ...pool.keptInRanges()];
    for (let round = 0; round < 64; round += 1) {
      const found = await this.#claim(this.#options.keys(network.id), args) as (Ipv4 | 'again')[];
      if (found[0] !== 'again') return found as Ipv4[];
    }
    return [];
  }

  /** Those that nobody answers on; the others are quarantined and told of. */
  async #unused(shelf: Shelf, addresses: readonly Ipv4[], nowMs: number): Promise<Ipv4[]> {
    const { probe, log, onConflict, quarantineMs, keys } = this.#options;
    const { network } = shelf.pool;
    if (addresses.length === 0) return [];
    const asked = probe(network, addresses);
    if (asked === undefined) return [...addresses];
    const used = await asked.catch((error: unknown) => {
      log.warn({ network: network.id, reason: String(error) }, 'free addresses could not be probed');
      return new Map<Ipv4, { mac: Mac | null }>();
    });
    if (used.size === 0) return [...addresses];
    const quarantinedUntilMs = nowMs + quarantineMs;
    await this.#unclaim(keys(network.id), [nowMs, this.#mark, quarantinedUntilMs, ...used.keys()]);
    for (const [address, { mac }] of used) onConflict({ network, address, usedBy: mac, quarantinedUntilMs });
    return addresses.filter((address) => !used.has(address));
  }
}

/** The next one that the network's reservations still allow to strangers. */
function pop(shelf: Shelf, may: May): Ipv4 | undefined {
  const at = shelf.ready.findIndex((address) => isOpen(shelf.pool, address) && may(address));
  // The first one is nearly always it, and `shift` moves nothing.
  if (at === 0) return shelf.ready.shift();
  return at < 0 ? undefined : shelf.ready.splice(at, 1)[0];
}

const isOpen = (pool: Pool, address: Ipv4): boolean => pool.ownerOf(address) === undefined && pool.inRanges(address);

/** Twice as much where the last refill was used up within a second, half where it lasted a minute. */
function nextTarget({ target, refilledAtMs, pool }: Shelf, nowMs: number): number {
  const size = pool.ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  const age = nowMs - refilledAtMs;
  const wanted = refilledAtMs === 0 ? fewest : age < 1_000 ? target * 2 : age > 60_000 ? target / 2 : target;
  return Math.max(1, Math.min(Math.max(wanted, fewest), most, Math.floor(size / share)));
}
