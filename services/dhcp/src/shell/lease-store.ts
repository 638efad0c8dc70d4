/**
 * Leases in Redis: one script, so one round trip, for many questions at once; each lease is written together with its event.
 * Also a copy in memory of what was seen durable: a machine that has a lease is offered it from there, and renewed from there
 * while Redis is away, never past the durable hold. What memory says is settled by the script when the machine takes it.
 */
import { IronbusError, type Context, type Ipv4, type Mac, type Origin } from '@ironbus/contracts';
import { outboxKey, type Script, type Store } from '@ironbus/store';
import { parseIpv4 as numberOf } from '@ironbus/wire';
import type { NakReason, RequestState } from '../core/decide.ts';
import type { Pool } from '../core/pool.ts';
import { mayTakeLast } from '../core/pool-reserve.ts';
import { Batcher } from './batcher.ts';
import { declinedRow, grantedRow, releasedRow, renewedRow, type Halves, type Subject } from './lease-events.ts';
import { declineLua, releaseLua } from './lease-ends-lua.ts';
import { confirmLua, leaseKeys, offerLua } from './lease-lua.ts';
import { LeaseMemory, type KnownLease } from './lease-memory.ts';
import { LeaseStock, type StockOptions } from './lease-stock.ts';
import { OwnOffers } from './own-offers.ts';

/** `keptForKnown`: at most so many addresses of a network are kept for machines that are known. */
export type LeaseRules = { offerMs: number; graceMs: number; quarantineMs: number; keptForKnown: number };
/** `isAlone`: no other replica serves the network now; left out where that is not known. */
export type LeaseOptions = { store: Store; origin: Origin; rules: LeaseRules; isAlone?: (network: string) => boolean } & Pick<StockOptions, 'log' | 'probe' | 'onConflict'>;
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
type OfferAsk = Who & { wanted: Ipv4 | undefined; candidate: Ipv4 | undefined; refused: Ipv4 | undefined; dry: boolean };
type OfferAnswer = [how: OfferHow | 'need' | 'gone', address: Ipv4 | ''];
type ConfirmAsk = Confirm & { expected: 'granted' | 'renewed'; row: Halves; expiresAtMs: number; holdUntilMs: number };
type ConfirmAnswer = ['granted' | 'renewed', number] | ['nak', NakReason] | ['ignore', 'no-record'] | ['expect', 'granted' | 'renewed'];

const mostTries = 8;
const batches = { most: 64, lanes: 2 };

export class LeaseStore {
  readonly memory = new LeaseMemory();
  readonly stock: LeaseStock;
  readonly #store: Store;
  readonly #origin: Origin;
  readonly #rules: LeaseRules;
  readonly #offer: Script;
  readonly #confirm: Script;
  readonly #release: Script;
  readonly #decline: Script;
  readonly #isAlone: (network: string) => boolean;
  readonly #own = new OwnOffers();
  readonly #keys = new Map<string, string[]>();
  readonly #offers = new Map<string, Batcher<OfferAsk, OfferAnswer>>();
  readonly #confirms = new Map<string, Batcher<ConfirmAsk, ConfirmAnswer>>();

  constructor({ store, origin, rules, isAlone = () => false, log, probe, onConflict }: LeaseOptions) {
    this.#store = store;
    this.#origin = origin;
    this.#rules = rules;
    this.#isAlone = isAlone;
    const define = (name: string, lua: string): Script => store.defineScript({ name, numberOfKeys: leaseKeys.length, lua });
    this.#offer = define('lease-offer', offerLua);
    this.#confirm = define('lease-confirm', confirmLua);
    this.#release = define('lease-release', releaseLua);
    this.#decline = define('lease-decline', declineLua);
    this.stock = new LeaseStock({ store, keys: (network) => this.keys(network), instance: origin.instance, quarantineMs: rules.quarantineMs, log, probe, onConflict });
  }

  /** KEYS of the lease scripts for one network. */
  keys(network: string): string[] {
    const known = this.#keys.get(network);
    if (known !== undefined) return known;
    const keys = leaseKeys.map((name) => {
      if (name === 'outbox') return outboxKey(this.#store);
      return name === 'seq' ? this.#store.key('seq') : this.#store.key('net', network, name);
    });
    this.#keys.set(network, keys);
    return keys;
  }

  /**
   * Finds an address and keeps it for this MAC for a minute; `dry` only looks. From memory for a machine that has one, else one
   * round trip, and more where what was found is kept for somebody else. Rejects STORE_UNREACHABLE.
   */
  async offer(who: Who, options: { wanted: Ipv4 | undefined; dry: boolean; known?: boolean }): Promise<Offered> {
    const held = options.dry ? undefined : this.#heldBy(who);
    if (held !== undefined) return { ok: true, address: held, how: 'held' };
    const may = this.#mayTake(who, options.known === true);
    const { dry } = options;
    const own = dry ? undefined : this.#offerOwn(who, options.wanted, may);
    if (own !== undefined) return own;
    const wanted = options.wanted !== undefined && may(options.wanted) ? options.wanted : undefined;
    const ask: OfferAsk = { ...who, wanted, dry, candidate: dry ? undefined : this.stock.take(who.pool, who.nowMs, may), refused: undefined };
    for (let tries = 0; tries < mostTries; tries += 1) {
      const [how, address] = await this.#askOffer(ask);
      if (how === 'gone') ask.candidate = undefined;
      if (how === 'need' || how === 'gone') {
        ask.candidate = await (ask.dry ? this.stock.peek(who.pool, who.nowMs) : this.stock.wait(who.pool, who.nowMs, may));
        if (ask.candidate === undefined) return { ok: false, reason: 'pool-exhausted' };
        continue;
      }
      if (address === '') break;
      if (who.pool.allows(who.mac, address)) {
        this.#putBack(ask, how);
        if (!dry) this.#recorded(who, address);
        return { ok: true, address, how };
      }
      ask.refused = address;
      if (how === 'wanted') ask.wanted = undefined;
      if (how === 'free') ask.candidate = undefined;
    }
    this.#putBack(ask, 'held');
    return { ok: false, reason: 'pool-exhausted' };
  }

  /** Grants or extends an address. The lease is in Redis, with its event, when this resolves. Rejects STORE_UNREACHABLE. */
  async confirm(ask: Confirm): Promise<Confirmed> {
    const { mac, pool, nowMs, address } = ask;
    const seconds = pool.network.leaseSeconds;
    const expiresAtMs = nowMs + seconds * 1_000;
    const holdUntilMs = expiresAtMs + this.#rules.graceMs;
    let expected: 'granted' | 'renewed' = this.memory.get(pool.network.id, mac)?.address === address ? 'renewed' : 'granted';
    for (let tries = 0; tries < mostTries; tries += 1) {
      const row = this.#row(ask, expected, expiresAtMs);
      const [outcome, detail] = await this.#confirming(pool.network.id).ask({ ...ask, expected, row, expiresAtMs, holdUntilMs });
      if (outcome === 'expect') {
        expected = detail;
        continue;
      }
      if (outcome === 'nak') {
        this.memory.delete(pool.network.id, mac);
        this.#own.noteRecord(pool.network.id, mac); // so that the next offer is what Redis says
        this.#own.take(pool.network.id, mac); // its claim may be broken: if not, that ends by itself
        return { do: 'nak', reason: detail };
      }
      if (outcome === 'ignore') return { do: 'ignore', reason: 'no-record' };
      this.#store.rowsAdded();
      this.#recorded(ask, address);
      this.memory.set(pool.network.id, mac, { address, expiresAtMs, holdUntilMs });
      return { do: 'ack', how: outcome, sequence: Number(detail), seconds };
    }
    throw new Error(`the lease of ${mac} changed ${mostTries} times while it was confirmed`);
  }

  /** Whether the MAC had the address. */
  async release(who: Who, address: Ipv4, context: Context): Promise<boolean> {
    const row = releasedRow(this.#origin, this.#subject(who, { address, context }));
    return this.#end(who, await this.#release(this.keys(who.pool.network.id), [who.mac, who.nowMs, address, ...row]));
  }

  /** Takes the address out of use for a while; whether the MAC had it. */
  async decline(who: Who, address: Ipv4, context: Context): Promise<boolean> {
    const untilMs = who.nowMs + this.#rules.quarantineMs;
    const row = declinedRow(this.#origin, this.#subject(who, { address, context }), new Date(untilMs).toISOString());
    return this.#end(who, await this.#decline(this.keys(who.pool.network.id), [who.mac, who.nowMs, address, untilMs, ...row]));
  }

  /** Puts addresses back that nobody took within the minute; at the end all of them. */
  endOffers(nowMs?: number): void {
    for (const { pool, address } of this.#own.end(nowMs)) this.stock.putBack(pool, address);
  }

  /** Whether `loadKnown` is due before offers can be made without Redis. Asked every second, so that a sibling that comes is noticed and heeded. */
  mustLoad(network: string): boolean {
    if (!this.#isAlone(network)) this.#own.forgetRecords(network);
    return this.#isAlone(network) && !this.#own.knowsRecords(network);
  }

  /** Reads the durable leases of a network into memory; returns how many there are. Rejects STORE_UNREACHABLE. */
  async loadKnown(network: string): Promise<number> {
    const key = this.#store.key('net', network, 'mac');
    this.#own.begin(network);
    let cursor = '0';
    let count = 0;
    do {
      const [next, fields] = await this.#store.redis.hscan(key, cursor, 'COUNT', 1_000);
      for (let i = 0; i + 1 < fields.length; i += 2) {
        this.#own.noteRecord(network, fields[i] as Mac);
        const lease = parseRecord(fields[i + 1] ?? '');
        if (lease === undefined) continue;
        this.memory.set(network, fields[i] as Mac, lease);
        count += 1;
      }
      cursor = next;
    } while (cursor !== '0');
    this.#own.complete(network);
    return count;
  }

  /** Without a word to Redis: an address of the stock, for a machine that nothing is known of and that wants none in particular. */
  #offerOwn({ mac, pool, nowMs }: Who, wanted: Ipv4 | undefined, may: (address: Ipv4) => boolean): Offered | undefined {
    const network = pool.network.id;
    const isOurs = this.#own.isNew(network, mac) && this.#isAlone(network) && this.#store.ready().ready;
    if (!isOurs || pool.reservedFor(mac) !== undefined) return undefined;
    const before = this.#own.get(network, mac, nowMs);
    if (wanted !== undefined && wanted !== before?.address) return undefined;
    const address = before !== undefined && pool.allows(mac, before.address) ? before.address : this.stock.take(pool, nowMs, may);
    if (address === undefined) return undefined;
    if (before !== undefined && before.address !== address) this.stock.putBack(before.pool, before.address);
    this.#own.set({ pool, mac, address, untilMs: nowMs + this.#rules.offerMs });
    return { ok: true, address, how: before === undefined ? 'free' : 'held' };
  }

  /** Redis has a record of the machine now; what it was offered besides is free again. */
  #recorded({ mac, pool }: Who, address: Ipv4): void {
    this.#own.noteRecord(pool.network.id, mac);
    const own = this.#own.take(pool.network.id, mac);
    if (own !== undefined && own.address !== address) this.stock.putBack(own.pool, own.address);
  }

  /** The address that a machine has for longer than an offer lasts, where nothing is reserved for it elsewhere. */
  #heldBy({ mac, pool, nowMs }: Who): Ipv4 | undefined {
    const lease = this.memory.get(pool.network.id, mac);
    if (lease === undefined || lease.holdUntilMs < nowMs + this.#rules.offerMs || !pool.allows(mac, lease.address)) return undefined;
    const reserved = pool.reservedFor(mac);
    return reserved === undefined || reserved === lease.address ? lease.address : undefined;
  }

  /** A machine that nobody knows leaves the last addresses to those that somebody does. */
  #mayTake({ pool }: Who, known: boolean): (address: Ipv4) => boolean {
    const reserve = { most: this.#rules.keptForKnown };
    return (address) => known || mayTakeLast({ known, address: numberOf(address) ?? 0, ranges: pool.ranges, reserve });
  }

  #putBack({ candidate, dry, pool }: OfferAsk, how: OfferHow): void {
    if (candidate !== undefined && how !== 'free' && !dry) this.stock.putBack(pool, candidate);
  }

  #askOffer(ask: OfferAsk): Promise<OfferAnswer> {
    const key = `${ask.pool.network.id}/${ask.dry ? 'dry' : ''}`;
    let batcher = this.#offers.get(key);
    if (batcher === undefined) {
      batcher = new Batcher((asks) => this.#callOffer(asks), batches);
      this.#offers.set(key, batcher);
    }
    return batcher.ask(ask);
  }

  async #callOffer(asks: readonly OfferAsk[]): Promise<OfferAnswer[]> {
    const [first] = asks;
    if (first === undefined) return [];
    const nowMs = asks.reduce((latest, ask) => Math.max(latest, ask.nowMs), 0);
    const args: (string | number)[] = [nowMs, nowMs + this.#rules.offerMs, this.stock.mark, first.dry ? 1 : 0];
    for (const { mac, pool, wanted, candidate, refused } of asks) args.push(mac, pool.reservedFor(mac) ?? '', wanted ?? '', candidate ?? '', refused ?? '');
    return pairs<OfferAnswer>(await this.#offer(this.keys(first.pool.network.id), args));
  }

  #confirming(network: string): Batcher<ConfirmAsk, ConfirmAnswer> {
    const known = this.#confirms.get(network);
    if (known !== undefined) return known;
    const batcher = new Batcher<ConfirmAsk, ConfirmAnswer>((asks) => this.#callConfirm(network, asks), batches);
    this.#confirms.set(network, batcher);
    return batcher;
  }

  async #callConfirm(network: string, asks: readonly ConfirmAsk[]): Promise<ConfirmAnswer[]> {
    const args: (string | number)[] = [asks.reduce((latest, ask) => Math.max(latest, ask.nowMs), 0)];
    for (const { mac, address, state, allowed, pool, expiresAtMs, holdUntilMs, expected, row } of asks) {
      args.push(mac, address, state, allowed ? 1 : 0, pool.reservedFor(mac) ?? '', expiresAtMs, holdUntilMs, expected, row[0], row[1]);
    }
    return pairs<ConfirmAnswer>(await this.#confirm(this.keys(network), args));
  }

  #row(ask: Confirm, expected: 'granted' | 'renewed', expiresAtMs: number): Halves {
    const held = { expiresAt: new Date(expiresAtMs).toISOString(), client: ask.client };
    return (expected === 'granted' ? grantedRow : renewedRow)(this.#origin, this.#subject(ask, ask), held);
  }

  #end(who: Who, sequence: unknown): boolean {
    const ended = Number(sequence) > 0;
    if (!ended) return false;
    this.#store.rowsAdded();
    this.memory.delete(who.pool.network.id, who.mac);
    return true;
  }

  #subject({ mac, pool }: Who, rest: { address: Ipv4; hostname?: string | undefined; context: Context }): Subject {
    return { ...rest.context, mac, address: rest.address, network: pool.network.id, leaseSeconds: pool.network.leaseSeconds, hostname: rest.hostname };
  }
}

/** Whether an error only means that Redis is not there. */
export const isStoreAway = (error: unknown): boolean => error instanceof IronbusError && error.code === 'STORE_UNREACHABLE';

function pairs<P>(flat: unknown): P[] {
  const values = flat as unknown[];
  const found: P[] = [];
  for (let i = 0; i + 1 < values.length; i += 2) found.push([values[i], values[i + 1]] as P);
  return found;
}

/** A record of `mac` (lease-lua.ts) that is a lease. */
function parseRecord(text: string): KnownLease | undefined {
  const [address, state, until, hold] = text.split('|');
  return state === 'l' ? { address: address as Ipv4, expiresAtMs: Number(until), holdUntilMs: Number(hold) } : undefined;
}
