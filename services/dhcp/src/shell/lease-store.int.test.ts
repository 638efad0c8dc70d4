/** The lease scripts against a real Redis: named cases, and random interleavings of two replicas. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Ipv4, Mac, Origin } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { openStore, outboxKey, type Store } from '@ironbus/store';
import { startRedis } from '@ironbus/testkit';
import { PolicyIndex } from '../core/policy-index.ts';
import { makePool, type Pool } from '../core/pool.ts';
import { sampleNetwork } from '../testing/samples.ts';
import { LeaseExpiry } from './lease-expiry.ts';
import { LeaseStore, type Confirmed, type LeaseOptions } from './lease-store.ts';

const log = createLogger({ svc: 'dhcp', level: 'silent' });
const origin: Origin = { service: 'dhcp', rack: 'rack1', instance: 'test' };
const times = { offerMs: 60_000, graceMs: 600_000, quarantineMs: 3_600_000, keptForKnown: 0 };
const leaseMs = 3_600_000;
const macOf = (n: number): Mac => `52:54:00:00:00:${n.toString(16).padStart(2, '0')}` as Mac;
const [a, b, c] = [macOf(1), macOf(2), macOf(3)];
const ip = (n: number): Ipv4 => `10.77.0.${n}` as Ipv4;

let redis: Awaited<ReturnType<typeof startRedis>>;
let store: Store;
let leases: LeaseStore;
let expiry: LeaseExpiry;
let run = 0;
let pool: Pool;

const poolOf = (changes: object = {}): Pool => makePool(
  sampleNetwork({ id: `lan${run}`, dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.102' }], ...changes }), new PolicyIndex());
const offer = async (mac: Mac, nowMs = 0, wanted?: Ipv4) => {
  const offered = await leases.offer({ mac, pool, nowMs }, { wanted, dry: false });
  return offered.ok ? `${offered.how} ${offered.address}` : offered.reason;
};
const confirm = async (mac: Mac, address: Ipv4, state: 'selecting' | 'init-reboot' | 'extending' = 'selecting', nowMs = 0): Promise<Confirmed> =>
  leases.confirm({ mac, pool, nowMs, address, state, allowed: pool.allows(mac, address), client: 'plain', hostname: undefined, context: {} });
const said = (confirmed: Confirmed): string => confirmed.do === 'ack' ? `${confirmed.how} ${confirmed.sequence}` : `${confirmed.do} ${confirmed.reason}`;
const expire = (nowMs: number) => expiry.run({ network: pool.network.id, leaseSeconds: 3_600, nowMs, nodeOf: () => undefined });
const told = async (): Promise<{ type: string; data: Record<string, unknown> }[]> => {
  const rows = await store.redis.xrange(outboxKey(store), '-', '+');
  return rows.map(([, fields]) => (JSON.parse(fields[fields.indexOf('row') + 1] ?? '') as { event: { type: string; data: Record<string, unknown> } }).event)
    .filter((event) => event.data['network'] === pool.network.id);
};

const openLeases = (one: Store, instance = 'test', more: Partial<LeaseOptions> = {}): LeaseStore =>
  new LeaseStore({ store: one, origin: { ...origin, instance }, rules: times, log, probe: () => undefined, onConflict: () => assert.fail('no address is in use'), ...more });

before(async () => {
  redis = await startRedis({ appendonly: 'off' });
  store = openStore({ url: redis.url, prefix: 'dhcp', log });
  await store.whenReady();
  leases = openLeases(store);
  expiry = new LeaseExpiry(store, leases, origin);
});
after(async () => { await store.close(); await redis.stop(); });
beforeEach(async () => { run += 1; pool = poolOf(); leases = openLeases(store); await store.redis.del('dhcp:seq'); });

test('addresses are offered in order, kept for a minute, and not twice', async () => {
  assert.deepEqual([await offer(a), await offer(b), await offer(a), await offer(c)], ['free 10.77.0.100', 'free 10.77.0.101', 'held 10.77.0.100', 'free 10.77.0.102']);
  assert.equal(await offer(macOf(4)), 'pool-exhausted');
  await expire(60_001);
  assert.match(await offer(macOf(4), 60_001), /^free/);
});

test('the order of RFC 2131 §4.3.1: reserved, held, previous, wanted, free', async () => {
  pool = poolOf({ reservations: [{ mac: b, address: '10.77.0.20' }] });
  assert.equal(await offer(a, 0, ip(102)), 'wanted 10.77.0.102');
  assert.equal(said(await confirm(a, ip(102))), 'granted 1');
  assert.equal(await offer(a, 1), 'held 10.77.0.102');
  assert.equal(await leases.release({ mac: a, pool, nowMs: 2 }, ip(102), {}), true);
  assert.equal(await offer(a, 3), 'previous 10.77.0.102');
  assert.equal(await offer(b, 3), 'reserved 10.77.0.20');
});

test('what is kept for somebody is skipped, and given out again when it is no longer kept', async () => {
  pool = poolOf({ reservations: [{ mac: b, address: '10.77.0.100' }, { mac: c, address: '10.77.0.101' }] });
  assert.deepEqual([await offer(a), await offer(macOf(4))], ['free 10.77.0.102', 'pool-exhausted']);
  pool = poolOf();
  assert.deepEqual([await offer(macOf(4)), await offer(macOf(5))], ['free 10.77.0.100', 'free 10.77.0.101']);
});

test('more kept addresses than go with a question are skipped too, and stay free for their machine', async () => {
  const reservations = Array.from({ length: 50 }, (_, n) => ({ mac: macOf(n + 50), address: ip(100 + n) }));
  pool = poolOf({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.150' }], reservations });
  assert.deepEqual([await offer(a), await offer(b), await offer(macOf(50))], ['free 10.77.0.150', 'pool-exhausted', 'reserved 10.77.0.100']);
});

test('a lease is renewed, held through its grace, then told as expired and free', async () => {
  await offer(a);
  assert.equal(said(await confirm(a, ip(100))), 'granted 1');
  assert.equal(said(await confirm(a, ip(100), 'extending', 10)), 'renewed 2');
  assert.deepEqual(await expire(10 + leaseMs + times.graceMs - 1), []);
  assert.equal(said(await confirm(b, ip(100), 'selecting', 20 + leaseMs)), 'nak address-taken');
  assert.deepEqual(await expire(10 + leaseMs + times.graceMs), [{ mac: a, address: ip(100) }]);
  assert.deepEqual((await told()).map(({ type, data }) => `${type} ${String(data['sequence'])}`), ['lease.granted 1', 'lease.renewed 2', 'lease.expired 3']);
  assert.equal(await offer(a, 2 * leaseMs + times.graceMs), 'previous 10.77.0.100');
});

test('the answers to a REQUEST that differs from what is known', async () => {
  await offer(a);
  await confirm(a, ip(100));
  const rows: [string, Promise<Confirmed>][] = [
    ['nak address-taken', confirm(b, ip(100))],
    ['ignore no-record', confirm(b, ip(100), 'init-reboot')],
    ['ignore no-record', confirm(b, ip(101), 'init-reboot')],
    ['nak address-taken', confirm(b, ip(100), 'extending')],
    ['nak other-address', confirm(a, ip(101), 'init-reboot')],
    ['nak other-address', confirm(a, ip(101), 'extending')],
    ['nak address-not-available', confirm(b, ip(50))],
    ['ignore no-record', confirm(b, ip(50), 'extending')],
    ['nak address-not-available', confirm(a, ip(50), 'extending')],
    ['granted 1', confirm(c, ip(102), 'extending')],
  ];
  for (const [expected, outcome] of rows) assert.equal(said(await outcome), expected);
});

test('a reservation moves a machine at its next REQUEST, once its address is free', async () => {
  await offer(a);
  await confirm(a, ip(100));
  await offer(b);
  await confirm(b, ip(101));
  pool = poolOf({ reservations: [{ mac: a, address: '10.77.0.101' }] });
  assert.equal(said(await confirm(a, ip(100), 'extending', 1)), 'renewed 2', 'b still has the address');
  await leases.release({ mac: b, pool, nowMs: 2 }, ip(101), {});
  assert.equal(said(await confirm(a, ip(100), 'extending', 3)), 'nak reserved-elsewhere');
  assert.equal(await offer(a, 4), 'reserved 10.77.0.101');
  assert.equal(said(await confirm(a, ip(101), 'selecting', 5)), 'granted 3');
});

test('a lease that a reservation took its machine from ends with an event too, unless the new address was granted', async () => {
  await offer(a);
  await confirm(a, ip(100));
  pool = poolOf({ reservations: [{ mac: a, address: '10.77.0.20' }] });
  assert.equal(await offer(a, 1), 'reserved 10.77.0.20');
  await expire(60_002);
  assert.deepEqual(await expire(leaseMs + times.graceMs), [{ mac: a, address: ip(100) }]);
  assert.deepEqual((await told()).map(({ type }) => type), ['lease.granted', 'lease.expired']);
});

test('a declined address is not given out until its quarantine ends; only its holder may decline or release', async () => {
  pool = poolOf({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.101' }] });
  await offer(a);
  await confirm(a, ip(100));
  assert.equal(await leases.decline({ mac: b, pool, nowMs: 1 }, ip(100), {}), false);
  assert.equal(await leases.release({ mac: b, pool, nowMs: 1 }, ip(100), {}), false);
  assert.equal(await leases.decline({ mac: a, pool, nowMs: 1 }, ip(100), {}), true);
  assert.deepEqual([await offer(a, 2), await offer(b, 2)], ['free 10.77.0.101', 'pool-exhausted']);
  await expire(1 + times.quarantineMs);
  assert.match(await offer(c, 2 + times.quarantineMs), /^free/);
});

test('dry looks and changes nothing', async () => {
  const dry = () => leases.offer({ mac: a, pool, nowMs: 0 }, { wanted: undefined, dry: true });
  assert.deepEqual([await dry(), await dry()], Array(2).fill({ ok: true, address: ip(100), how: 'free' }));
  assert.equal(await offer(b), 'free 10.77.0.100');
});

test('a large pool is handed out whole, without a scan', async () => {
  pool = poolOf({ cidr: '10.0.0.0/16', dynamicRanges: [{ from: '10.0.16.0', to: '10.0.19.255' }] });
  const offers = await Promise.all(Array.from({ length: 1024 }, (_, n) => offer(`02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}` as Mac)));
  assert.equal(new Set(offers).size, 1024);
  assert.equal(await offer(a), 'pool-exhausted');
});

test('leases are read back into memory, and extended from it no longer than they are held', async () => {
  await offer(a);
  await confirm(a, ip(100));
  const second = openLeases(store, 'second');
  assert.equal(await second.loadKnown(pool.network.id), 1);
  const extend = (nowMs: number) => second.memory.extendable(pool.network.id, a, { nowMs, leaseSeconds: 3_600 });
  assert.deepEqual(extend(1_000), { address: ip(100), seconds: 3_600 });
  assert.deepEqual(extend(leaseMs), { address: ip(100), seconds: 600 });
  assert.equal(extend(leaseMs + times.graceMs - 5_000), undefined);
});

/** mulberry32. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

for (const isAlone of [false, true]) test(`two replicas${isAlone ? ' that each think they are alone' : ''}, any interleaving: never one address to two MACs, and every change is told in order`, async (t) => {
  const seed = Number(process.env['SEED'] ?? (Date.now() % 1_000_000));
  t.diagnostic(`SEED=${seed}`);
  const roll = dice(seed);
  const stores = [store, openStore({ url: redis.url, prefix: 'dhcp', log })];
  t.after(() => stores[1]?.close());
  await stores[1]?.whenReady();
  const replicas = stores.map((one, i) => openLeases(one, `replica${i}`, { isAlone: () => isAlone }));
  const expiries = stores.map((one, i) => new LeaseExpiry(one, replicas[i] ?? leases, origin));
  pool = poolOf({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.105' }], reservations: [{ mac: a, address: '10.77.0.103' }, { mac: b, address: '10.77.0.20' }] });
  const has = new Map<Mac, Ipv4>();
  let now = 0;

  const step = async (): Promise<void> => {
    const which = roll(2);
    const [mac, lease, nowMs] = [macOf(roll(10) + 1), replicas[which] ?? leases, now + which * 40];
    const who = { mac, pool, nowMs };
    const address = roll(4) === 0 ? ip(100 + roll(7)) : (has.get(mac) ?? ip(100 + roll(7)));
    const kind = roll(20);
    if (kind < 8) {
      const offered = await lease.offer(who, { wanted: roll(2) === 0 ? address : undefined, dry: false });
      if (offered.ok) has.set(mac, offered.address);
    } else if (kind < 16) {
      const state = (['selecting', 'init-reboot', 'extending'] as const)[roll(3)] ?? 'selecting';
      const outcome = await lease.confirm({ ...who, address, state, allowed: pool.allows(mac, address), client: 'plain', hostname: undefined, context: {} });
      if (outcome.do === 'ack') has.set(mac, address);
    } else if (kind === 16) await lease.release(who, address, {});
    else if (kind === 17) await lease.decline(who, address, {});
    else if (kind === 18) {
      lease.endOffers(nowMs);
      if (lease.mustLoad(pool.network.id)) await lease.loadKnown(pool.network.id);
    }
    else await expiries[which]?.run({ network: pool.network.id, leaseSeconds: 3_600, nowMs, nodeOf: () => undefined });
  };
  for (let round = 0; round < 120; round += 1) {
    await Promise.all(Array.from({ length: 16 }, step));
    now += [100, 61_000, 600_000, leaseMs + times.graceMs][roll(4)] ?? 0;
  }
  assertHistory(await told());
});

/** The outbox is in the order in which Redis ran the scripts: replaying it shows what any client could have seen. */
function assertHistory(events: readonly { type: string; data: Record<string, unknown> }[]): void {
  const holder = new Map<unknown, unknown>();
  const sequences = new Map<unknown, number>();
  for (const { type, data } of events) {
    const { mac, address, sequence } = data;
    const line = `${type} ${String(mac)} ${String(address)} ${String(sequence)}`;
    assert.equal(sequence, (sequences.get(mac) ?? 0) + 1, `sequence of ${line}`);
    sequences.set(mac, Number(sequence));
    if (type === 'lease.granted') {
      assert.ok(holder.get(address) === undefined || holder.get(address) === mac, `${line} while ${String(holder.get(address))} has it`);
      for (const [held, by] of holder) if (by === mac) holder.delete(held);
      holder.set(address, mac);
    } else {
      if (type === 'lease.renewed') assert.equal(holder.get(address), mac, line);
      if (type !== 'lease.renewed' && holder.get(address) === mac) holder.delete(address);
    }
  }
  assert.ok(events.length > 100, `only ${events.length} events`);
}

test('alone: a new machine is offered an address without a word to Redis, which hears of it with the REQUEST', async () => {
  pool = poolOf({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.147' }] }); // a stock of three
  leases = openLeases(store, 'alone', { isAlone: () => true });
  assert.equal(leases.mustLoad(pool.network.id), true);
  await leases.loadKnown(pool.network.id);
  const records = (): Promise<number> => store.redis.hlen(store.key('net', pool.network.id, 'mac'));
  await leases.stock.keep(pool, 0);
  assert.deepEqual([await offer(a), await offer(b), await offer(a, 1), await offer(a, 2, ip(100)), await records()],
    ['free 10.77.0.100', 'free 10.77.0.101', 'held 10.77.0.100', 'held 10.77.0.100', 0]);
  assert.deepEqual([said(await confirm(a, ip(100))), await records()], ['granted 1', 1]);
  leases.endOffers(60_001);
  assert.equal(await offer(c, 60_002), 'free 10.77.0.101', 'the address that b did not take');
  assert.equal(await leases.release({ mac: a, pool, nowMs: 60_005 }, ip(100), {}), true);
  assert.equal(await offer(a, 60_006), 'previous 10.77.0.100', 'who has a record gets what Redis says');
});

test('alone, wrongly: what another replica did meanwhile is found out with the REQUEST, and heeded from then on', async () => {
  pool = poolOf({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.147' }] });
  const [mine, other] = [openLeases(store, 'mine', { isAlone: () => true }), openLeases(store, 'other')];
  await mine.loadKnown(pool.network.id);
  await mine.stock.keep(pool, 0);
  leases = other;
  assert.match(await offer(a), /^free/);
  const theirs = (await other.offer({ mac: a, pool, nowMs: 1 }, { wanted: undefined, dry: false }));
  assert.ok(theirs.ok);
  assert.equal(said(await confirm(a, theirs.address)), 'granted 1');
  leases = mine;
  const ours = await mine.offer({ mac: a, pool, nowMs: 2 }, { wanted: undefined, dry: false });
  assert.ok(ours.ok && ours.address !== theirs.address);
  assert.equal(said(await confirm(a, ours.address, 'selecting', 3)), 'nak other-address');
  assert.equal(await offer(a, 4), `held ${theirs.address}`);
});

test('an address that answers a probe is quarantined and told of, and the machine gets the next', async () => {
  const conflicts: string[] = [];
  const asked: string[] = [];
  leases = openLeases(store, 'prober', {
    probe: (_, addresses) => {
      asked.push(...addresses);
      return Promise.resolve(new Map(addresses.filter((address) => address === ip(100)).map((address) => [address, { mac: b }])));
    },
    onConflict: ({ address, usedBy }) => conflicts.push(`${address} ${String(usedBy)}`),
  });
  assert.equal(await offer(a), 'free 10.77.0.101');
  assert.deepEqual([conflicts, asked.slice(0, 2)], [[`10.77.0.100 ${b}`], [ip(100), ip(101)]]);
  assert.equal(await offer(a, 1), 'held 10.77.0.101', 'its own address is not probed again');
  assert.deepEqual([await offer(b, 2), await offer(c, 3)], ['free 10.77.0.102', 'pool-exhausted']);
  await expire(times.quarantineMs);
  assert.match(await offer(c, times.quarantineMs + 1), /^free/);
});

test('a stock is a claim: another replica that has nothing else breaks it, and the owner finds out', async () => {
  pool = poolOf({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.131' }] });
  const [first, second] = [openLeases(store, 'first'), openLeases(store, 'second')];
  const ask = (from: LeaseStore, n: number) => from.offer({ mac: macOf(n), pool, nowMs: 0 }, { wanted: undefined, dry: false });
  await first.stock.keep(pool, 0);
  const offers = [];
  for (let n = 1; n <= 32; n += 1) offers.push(await ask(second, n));
  assert.equal(new Set(offers.map((offered) => offered.ok && offered.address)).size, 32);
  assert.deepEqual([await ask(first, 40), await ask(second, 41)], Array(2).fill({ ok: false, reason: 'pool-exhausted' }));
});

test('a stock that is given back is there for others at once, one whose replica died when its claim ends', async () => {
  pool = poolOf({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.115' }] });
  const key = store.key('net', pool.network.id, 'stock');
  const closing = openLeases(store, 'closing');
  await closing.stock.keep(pool, 0);
  assert.equal(await store.redis.zcard(key), 1);
  await closing.stock.close();
  assert.equal(await store.redis.zcard(key), 0);
  const dying = openLeases(store, 'dying');
  await dying.stock.keep(pool, 0);
  await dying.stock.keep(pool, 500_000);
  await expire(700_000);
  assert.equal(await store.redis.zcard(key), 1, 'its claim was prolonged');
  await expire(1_200_000);
  assert.equal(await store.redis.zcard(key), 0);
});

test('the last addresses of a pool are for machines that are known', async () => {
  pool = poolOf({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.163' }] });
  leases = openLeases(store, 'keeping', { rules: { ...times, keptForKnown: 4 } });
  const ask = (n: number, known: boolean, wanted?: Ipv4) => leases.offer({ mac: macOf(n), pool, nowMs: 0 }, { wanted, dry: false, known });
  const strangers = [];
  for (let n = 1; n <= 64; n += 1) strangers.push(await ask(n, false));
  assert.equal(strangers.filter(({ ok }) => ok).length, 60);
  assert.deepEqual(await ask(70, false, ip(163)), { ok: false, reason: 'pool-exhausted' }, 'not by asking for it either');
  for (let n = 80; n < 84; n += 1) assert.ok((await ask(n, true)).ok);
  assert.deepEqual(await ask(90, true), { ok: false, reason: 'pool-exhausted' });
});
