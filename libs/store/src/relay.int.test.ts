import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { IronbusError } from '@ironbus/contracts';
import { startRedis, type RedisServer } from '../../testkit/src/redis.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import { commit } from './commit.ts';
import { encodeRows, outboxKey, outboxLua, readDeadRows, readOutboxStats, requeueDeadRows } from './outbox.ts';
import { startRelay, type Relay } from './relay.ts';
import { openStore, type Store } from './store.ts';
import { memoryBus, type MemoryBus } from './test-bus.ts';
import { eventRow, keepingLog, silentLog } from './test-rows.ts';

let server: RedisServer;
const closing: (() => Promise<void>)[] = [];
const openOne = async (prefix: string): Promise<Store> => {
  const store = openStore({ url: server.url, prefix, log: silentLog });
  closing.push(store.close);
  await store.whenReady();
  return store;
};
const relayTo = (store: Store, bus: MemoryBus, log = silentLog): Relay => {
  const relay = startRelay({ store, bus, log, lockMs: 400 });
  closing.unshift(relay.stop);
  return relay;
};
const addRows = (store: Store, key: string, from: number, to: number) => commit(store, {
  key, expectedVersion: from - 1, version: to, value: to, rows: Array.from({ length: to - from + 1 }, (_, index) => eventRow(key, from + index)),
});
const inOrder = (key: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${key}-${index + 1}`);

before(async () => { server = await startRedis({ appendonly: 'everysec' }); });
after(async () => {
  for (const close of closing) await close();
  await server.stop();
});

test('rows are published byte for byte, in order for each key, and taken out', async () => {
  const store = await openOne('order');
  const bus = memoryBus();
  bus.beforePublish = (event) => new Promise((resolve) => { setTimeout(resolve, event.id.length % 3); });
  const relay = relayTo(store, bus);
  const keys = ['a', 'bb', 'ccc', 'dddd'];
  for (let n = 0; n < 200; n += 10) await Promise.all(keys.map((key) => addRows(store, key, n + 1, n + 10)));
  await relay.drained();
  for (const key of keys) assert.deepEqual(bus.ids(key), inOrder(key, 200));
  assert.equal(bus.published.length, 800);
  assert.deepEqual(bus.published[0]?.data, { n: 1, list: [] });
});

test('a put goes before the event that names its revision, also for one subject at a time', async () => {
  const store = await openOne('puts');
  const bus = memoryBus();
  const relay = relayTo(store, bus);
  const rows = [
    { kind: 'kv' as const, bucket: 'boot-policies', key: 'aabb', value: { boot: 'local', list: [] } },
    { kind: 'kv' as const, bucket: 'boot-policies', key: 'ccdd', value: { boot: 'network' } },
    { ...eventRow('n1', 1), after: { bucket: 'boot-policies', key: 'aabb' } },
    { kind: 'kv' as const, bucket: 'boot-policies', key: 'ccdd', value: null },
  ];
  await commit(store, { key: 'n1', expectedVersion: 0, value: 1, rows });
  await relay.drained();
  assert.deepEqual(bus.values.get('boot-policies/aabb'), { value: { boot: 'local', list: [] }, revision: 1 });
  assert.deepEqual(bus.published.map((event) => event.data), [{ n: 1, list: [], policyRevision: 1 }]);
  assert.equal(bus.values.get('boot-policies/ccdd')?.value, null);
});

test('a bus that fails three times gets the same row again, and nothing overtakes it', async () => {
  const store = await openOne('failing');
  const bus = memoryBus();
  let failures = 3;
  bus.beforePublish = (event) => {
    if (event.id !== 'a-1' || failures === 0) return;
    failures -= 1;
    throw new IronbusError('BUS_UNREACHABLE', 'no answer from NATS');
  };
  const { log, lines } = keepingLog();
  const relay = relayTo(store, bus, log);
  await addRows(store, 'a', 1, 5);
  await relay.drained();
  assert.equal(failures, 0);
  assert.deepEqual(bus.published.map((event) => event.id), inOrder('a', 5));
  assert.deepEqual(lines.filter((line) => line.startsWith('warn')), ['warn: outbox row not published, trying again no answer from NATS']);
});

test('a row the bus refuses is put aside with its reason, blocks nothing, and can be put back', async () => {
  const store = await openOne('poison');
  const bus = memoryBus();
  bus.beforePublish = (event) => { if (event.id === 'a-2') throw new IronbusError('EVENT_INVALID', '/data/n is not text'); };
  const { log, lines } = keepingLog();
  const relay = relayTo(store, bus, log);
  await addRows(store, 'a', 1, 3);
  await store.script('nonsense', { keys: 1, lua: `${outboxLua} add_rows(KEYS[1], 'x', ARGV[1])` })([outboxKey(store)], ['["{"]']);
  await relay.drained();
  assert.deepEqual(bus.ids(), ['a-1', 'a-3']);
  assert.deepEqual((await readDeadRows(store, 9)).map((row) => row.reason), ['EVENT_INVALID: /data/n is not text', 'EVENT_INVALID: the row is no event and no value']);
  assert.equal(lines.filter((line) => line.startsWith('error')).length, 2);
  assert.deepEqual((await relay.stats()), { backlog: 0, oldestAgeMs: 0, dead: 2, holdsLock: true, published: 2, buried: 2 });
  bus.beforePublish = () => {};
  assert.equal(await requeueDeadRows(store, 1), 1);
  await relay.drained();
  assert.deepEqual(bus.ids(), ['a-1', 'a-3', 'a-2']);
});

test('a script of a service\'s own adds rows too, and rows of another process are seen at once', async () => {
  const here = await openOne('scripts');
  const there = await openOne('scripts');
  const bus = memoryBus();
  const relay = relayTo(here, bus);
  await waitFor(async () => (await relay.stats()).holdsLock, { what: 'the lock' });
  const grant = there.defineScript({ name: 'grant', numberOfKeys: 2, lua: `${outboxLua} redis.call('HSET', KEYS[1], 'ip', ARGV[1]); add_rows(KEYS[2], KEYS[1], ARGV[2])` });
  const startedAt = performance.now();
  await grant([there.key('lease', 'aabb'), outboxKey(there)], ['10.0.0.9', encodeRows([eventRow('aabb', 1)])]);
  await waitFor(() => bus.ids().length === 1, { what: 'the event', everyMs: 1 });
  assert.ok(performance.now() - startedAt < 150, 'woken, not polled');
});

test('of two relays one publishes; when it stops, the other goes on at once', async () => {
  const store = await openOne('pair');
  const [first, second] = [memoryBus(), memoryBus()];
  const one = relayTo(store, first);
  await waitFor(async () => (await one.stats()).holdsLock, { what: 'the first relay\'s lock' });
  const two = relayTo(store, second);
  await addRows(store, 'a', 1, 20);
  await one.drained();
  assert.deepEqual([first.ids('a'), second.ids('a')], [inOrder('a', 20), []]);
  await one.stop();
  await addRows(store, 'a', 21, 40);
  await two.drained();
  assert.equal(second.ids('a').length, 20);
  assert.equal(first.ids('a').length, 20);
});

test('stop leaves what the bus did not take', async () => {
  const store = await openOne('stopping');
  const bus = memoryBus();
  bus.beforePublish = () => { throw new IronbusError('BUS_UNREACHABLE', 'no'); };
  const relay = relayTo(store, bus);
  await addRows(store, 'a', 1, 3);
  await waitFor(async () => (await relay.stats()).holdsLock, { what: 'the lock' });
  await relay.stop();
  assert.equal((await readOutboxStats(store)).backlog, 3);
  assert.ok((await readOutboxStats(store)).oldestAgeMs >= 0);
});

test('rows that wait go in batches, byte for byte and in order, and none of them stays', async () => {
  const store = await openOne('batches');
  const keys = ['a', 'bb', 'ccc'];
  for (const key of keys) await addRows(store, key, 1, 200);
  const bus = memoryBus({ batches: true });
  const relay = relayTo(store, bus);
  await relay.drained();
  assert.deepEqual(bus.batches, [512, 88]);
  for (const key of keys) assert.deepEqual(bus.ids(key), inOrder(key, 200));
  assert.deepEqual(bus.published[0], eventRow('a', 1).event);
  assert.deepEqual(await relay.stats(), { backlog: 0, oldestAgeMs: 0, dead: 0, holdsLock: true, published: 600, buried: 0 });
});

test('a batch that is refused goes row by row, in order and each once', async () => {
  const store = await openOne('refused');
  await addRows(store, 'a', 1, 40);
  const bus = memoryBus({ batches: true });
  await bus.publishEvent(eventRow('a', 7).event);
  bus.published.length = 0;
  bus.refuseBatch = () => 'Batch publish contains duplicate message id';
  const relay = relayTo(store, bus);
  await relay.drained();
  assert.deepEqual(bus.published.map((event) => event.id), inOrder('a', 40));
  assert.deepEqual(bus.batches, []);
});

test('a poison row among many is put aside, and the others of its batch arrive', async () => {
  const store = await openOne('poisoned');
  await addRows(store, 'a', 1, 40);
  const bus = memoryBus({ batches: true });
  bus.refuseBatch = (events) => events.some((event) => event.id === 'a-20') ? 'the payload is too large' : undefined;
  bus.beforePublish = (event) => { if (event.id === 'a-20') throw new IronbusError('EVENT_INVALID', 'too large'); };
  const relay = relayTo(store, bus);
  await relay.drained();
  assert.deepEqual(bus.ids(), inOrder('a', 40).filter((id) => id !== 'a-20'));
  assert.deepEqual((await readDeadRows(store, 9)).map((row) => row.reason), ['EVENT_INVALID: too large']);
});

test('puts and the events that wait for them stay in order beside a batch', async () => {
  const store = await openOne('mixed');
  const bucket = 'boot-policies';
  const rows = [
    ...Array.from({ length: 30 }, (_, index) => eventRow('other', index + 1)),
    { kind: 'kv' as const, bucket, key: 'aabb', value: { boot: 'network' } },
    { ...eventRow('n1', 1), after: { bucket, key: 'aabb' } },
    eventRow('n1', 2),
  ];
  await store.script('mixed', { keys: 1, lua: `${outboxLua} for i, row in ipairs(cjson.decode(ARGV[1])) do add_rows(KEYS[1], 'lane' .. i, cjson.encode({ row })) end` })([outboxKey(store)], [encodeRows(rows)]);
  const bus = memoryBus({ batches: true });
  await relayTo(store, bus).drained();
  assert.deepEqual(bus.batches, [30]);
  assert.deepEqual(bus.ids('n1'), inOrder('n1', 2), 'one subject, so its second event waits for the first, which waits for the put');
  assert.deepEqual(bus.published.find((event) => event.id === 'n1-1')?.data, { n: 1, list: [], policyRevision: 1 });
});
