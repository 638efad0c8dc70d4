/**
 * Leases in Redis: one script, so one round trip, for each question; each writes the lease and its event together. Also a
 * copy in memory of what was seen durable: enough to renew while Redis is away, and never past the durable hold.
 * Addresses are decided by the scripts (lease-lua.ts), what a MAC may have by the pool.
 */
import { IronbusError, type Context, type Ipv4, type Mac, type Origin } from '@ironbus/contracts';
import { outboxKey, type Script, type Store } from '@ironbus/store';
import type { NakReason, RequestState } from '../core/decide.ts';
import type { Pool } from '../core/pool.ts';
import { declinedRow, grantedRow, releasedRow, renewedRow, type Subject } from './lease-events.ts';
import { confirmLua, declineLua, leaseKeys, offerLua, releaseLua } from './lease-lua.ts';
import { LeaseMemory, type KnownLease } from './lease-memory.ts';

export type LeaseTimes = { offerMs: number; graceMs: number; quarantineMs: number };
export type Who = { mac: Mac; pool: Pool; nowMs: number };
export type OfferHow = 'reserved' | 'held' | 'previous' | 'wanted' | 'free';
export type Offered = { ok: true; address: Ipv4; how: OfferHow } | { ok: false; reason: 'pool-exhausted' };
export type Confirmed =
  | { do: 'ack'; how: 'granted' | 'renewed'; sequence: number; seconds: number }
  | { do: 'nak'; reason: NakReason }
  | { do: 'ignore'; reason: 'no-record' };
export type Confirm = Who & {
  address: Ipv4; state: RequestState; allowed: boolean; client: string; hostname: string | undefined; context: Context;
};

const cursorSteps = 4_000;
const mostTries = 24;
/** Kept addresses that go with every question; more of them go only where the first answer was one of them. */
const mostSent = 32;

export class LeaseStore {
  readonly memory = new LeaseMemory();
  readonly #store: Store;
  readonly #origin: Origin;
  readonly #times: LeaseTimes;
  readonly #offer: Script;
  readonly #confirm: Script;
  readonly #release: Script;
  readonly #decline: Script;

  constructor(store: Store, origin: Origin, times: LeaseTimes) {
    this.#store = store;
    this.#origin = origin;
    this.#times = times;
    const define = (name: string, lua: string): Script => store.defineScript({ name, numberOfKeys: leaseKeys.length, lua });
    this.#offer = define('lease-offer', offerLua);
    this.#confirm = define('lease-confirm', confirmLua);
    this.#release = define('lease-release', releaseLua);
    this.#decline = define('lease-decline', declineLua);
  }

  /** KEYS of the lease scripts for one network. */
  keys(network: string): string[] {
    return leaseKeys.map((name) => {
      if (name === 'outbox') return outboxKey(this.#store);
      return name === 'seq' ? this.#store.key('seq') : this.#store.key('net', network, name);
    });
  }

  /**
   * Finds an address and keeps it for this MAC for a minute; `dry` only looks. One round trip, and a second one where the
   * first hit an address that is kept for somebody else. Rejects STORE_UNREACHABLE.
   */
  async offer({ mac, pool, nowMs }: Who, options: { wanted: Ipv4 | undefined; dry: boolean }): Promise<Offered> {
    const { network, ranges, signature } = pool;
    const args = [
      mac, nowMs, nowMs + this.#times.offerMs, pool.reservedFor(mac) ?? '', options.wanted ?? '', options.dry ? 1 : 0,
      signature, cursorSteps, ranges.map(([from, to]) => `${from}-${to}`).join(','),
    ];
    const owned = pool.reservedFor(mac);
    const kept = pool.keptInRanges();
    let barred = kept.length <= mostSent ? kept.filter((one) => one !== owned) : [];
    for (let tries = 0; tries < mostTries; tries += 1) {
      const [how, address] = await this.#offer(this.keys(network.id), [...args, ...barred]) as [OfferHow | 'exhausted' | 'again', Ipv4 | ''];
      if (how === 'exhausted') return { ok: false, reason: 'pool-exhausted' };
      if (how === 'again' || address === '') continue;
      if (pool.allows(mac, address)) return { ok: true, address, how };
      barred = kept.filter((one) => one !== owned);
    }
    return { ok: false, reason: 'pool-exhausted' };
  }

  /** Grants or extends an address. The lease is in Redis, with its event, when this resolves. Rejects STORE_UNREACHABLE. */
  async confirm(ask: Confirm): Promise<Confirmed> {
    const { mac, pool, nowMs, address } = ask;
    const seconds = pool.network.leaseSeconds;
    const expiresAtMs = nowMs + seconds * 1_000;
    const holdUntilMs = expiresAtMs + this.#times.graceMs;
    const held = { expiresAt: new Date(expiresAtMs).toISOString(), client: ask.client };
    const subject = this.#subject(ask, ask);
    const [outcome, detail] = await this.#confirm(this.keys(pool.network.id), [
      mac, nowMs, address, expiresAtMs, holdUntilMs, ask.state, ask.allowed ? 1 : 0, pool.reservedFor(mac) ?? '',
      ...grantedRow(this.#origin, subject, held), ...renewedRow(this.#origin, subject, held),
    ]) as ['granted' | 'renewed', number] | ['nak', NakReason] | ['ignore', 'no-record'];
    if (outcome === 'nak') return { do: 'nak', reason: detail as NakReason };
    if (outcome === 'ignore') return { do: 'ignore', reason: 'no-record' };
    this.#store.rowsAdded();
    this.memory.set(pool.network.id, mac, { address, expiresAtMs, holdUntilMs });
    return { do: 'ack', how: outcome, sequence: Number(detail), seconds };
  }

  /** Whether the MAC had the address. */
  async release(who: Who, address: Ipv4, context: Context): Promise<boolean> {
    const row = releasedRow(this.#origin, this.#subject(who, { address, context }));
    return this.#end(who, await this.#release(this.keys(who.pool.network.id), [who.mac, who.nowMs, address, ...row]));
  }

  /** Takes the address out of use for a while; whether the MAC had it. */
  async decline(who: Who, address: Ipv4, context: Context): Promise<boolean> {
    const untilMs = who.nowMs + this.#times.quarantineMs;
    const row = declinedRow(this.#origin, this.#subject(who, { address, context }), new Date(untilMs).toISOString());
    return this.#end(who, await this.#decline(this.keys(who.pool.network.id), [who.mac, who.nowMs, address, untilMs, ...row]));
  }

  /** Reads the durable leases of a network into memory; returns how many there are. Rejects STORE_UNREACHABLE. */
  async loadKnown(network: string): Promise<number> {
    const key = this.#store.key('net', network, 'mac');
    let cursor = '0';
    let count = 0;
    do {
      const [next, fields] = await this.#store.redis.hscan(key, cursor, 'COUNT', 1_000);
      for (let i = 0; i + 1 < fields.length; i += 2) {
        const lease = parseRecord(fields[i + 1] ?? '');
        if (lease === undefined) continue;
        this.memory.set(network, fields[i] as Mac, lease);
        count += 1;
      }
      cursor = next;
    } while (cursor !== '0');
    return count;
  }

  #end(who: Who, sequence: unknown): boolean {
    const ended = Number(sequence) > 0;
    if (ended) this.#store.rowsAdded();
    if (ended) this.memory.delete(who.pool.network.id, who.mac);
    return ended;
  }

  #subject({ mac, pool }: Who, rest: { address: Ipv4; hostname?: string | undefined; context: Context }): Subject {
    return { ...rest.context, mac, address: rest.address, network: pool.network.id, leaseSeconds: pool.network.leaseSeconds, hostname: rest.hostname };
  }
}

/** Whether an error only means that Redis is not there. */
export const isStoreAway = (error: unknown): boolean => error instanceof IronbusError && error.code === 'STORE_UNREACHABLE';

/** A record of `mac` (lease-lua.ts) that is a lease. */
function parseRecord(text: string): KnownLease | undefined {
  const [address, state, until, hold] = text.split('|');
  return state === 'l' ? { address: address as Ipv4, expiresAtMs: Number(until), holdUntilMs: Number(hold) } : undefined;
}
