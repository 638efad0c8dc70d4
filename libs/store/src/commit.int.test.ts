import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRedis, type RedisServer } from '../../testkit/src/redis.ts';
import { commit } from './commit.ts';
import { dueDeadlines, listKeys, lookup, nextDeadlineAt, read, readAll, readMany, scanIndex } from './read.ts';
import { readOutboxStats } from './outbox.ts';
import { openStore, type Store } from './store.ts';
import { eventRow, silentLog } from './test-rows.ts';

let server: RedisServer;
const open: Store[] = [];
const openOne = async (prefix: string): Promise<Store> => {
  const store = openStore({ url: server.url, prefix, log: silentLog });
  open.push(store);
  await store.whenReady();
  return store;
};

before(async () => { server = await startRedis({ appendonly: 'everysec' }); });
after(async () => {
  await Promise.all(open.map((store) => store.close()));
  await server.stop();
});

test('a record is created, changed and deleted under its version', async () => {
  const store = await openOne('versions');
  const value = { list: [], object: {}, big: 1_700_000_000_123_456, text: 'zürich\u0000\u2028', none: null };
  assert.deepEqual(await commit(store, { key: 'a', expectedVersion: 0, value }), { ok: true, version: 1 });
  assert.deepEqual(await read(store, 'a'), { key: 'a', value, version: 1 });
  assert.deepEqual(await commit(store, { key: 'a', expectedVersion: 0, value }), { ok: false, conflict: 1 });
  assert.deepEqual(await commit(store, { key: 'a', expectedVersion: 1, value: 2, version: 9 }), { ok: true, version: 9 });
  assert.deepEqual(await commit(store, { key: 'a', expectedVersion: 9, value: null }), { ok: true, version: 10 });
  assert.equal(await read(store, 'a'), undefined);
  assert.deepEqual(await commit(store, { key: 'a', expectedVersion: 10, value: 1 }), { ok: false, conflict: 0 });
});

test('of many committers at one version exactly one wins, and nothing is lost', async () => {
  const one = await openOne('race');
  const two = await openOne('race');
  const increment = async (store: Store): Promise<number> => {
    for (let tries = 1; ; tries += 1) {
      const found = await read<{ count: number }>(store, 'counter');
      const done = await commit(store, {
        key: 'counter', expectedVersion: found?.version ?? 0, value: { count: (found?.value.count ?? 0) + 1 }, rows: [eventRow('lan1', tries)],
      });
      if (done.ok) return done.version;
    }
  };
  const versions = await Promise.all(Array.from({ length: 100 }, (_, index) => increment(index % 2 === 0 ? one : two)));
  assert.equal(new Set(versions).size, 100);
  assert.deepEqual(await read(one, 'counter'), { key: 'counter', value: { count: 100 }, version: 100 });
  assert.equal((await readOutboxStats(one)).backlog, 100, 'a lost race adds no row');
});

test('an index leads to one id only, and follows its record', async () => {
  const store = await openOne('indexes');
  const make = (key: string, mac: string, expectedVersion = 0) => commit(store, { key, expectedVersion, value: {}, indexes: { set: { [`mac:${mac}`]: key } }, rows: [eventRow(key, 1)] });
  assert.ok((await make('n1', 'aa:bb')).ok);
  assert.deepEqual(await make('n2', 'aa:bb'), { ok: false, taken: 'mac:aa:bb', by: 'n1' });
  assert.equal(await read(store, 'n2'), undefined, 'nothing of the refused change is there');
  assert.equal((await readOutboxStats(store)).backlog, 1);
  assert.ok((await make('n1', 'aa:cc', 1)).ok);
  assert.deepEqual(await scanIndex(store, 'mac'), new Map([['aa:bb', 'n1'], ['aa:cc', 'n1']]));
  assert.ok((await commit(store, { key: 'n1', expectedVersion: 2, value: {}, indexes: { remove: ['mac:aa:bb', 'mac:none'] } })).ok);
  assert.equal(await lookup(store, 'mac:aa:bb'), undefined);
  assert.ok((await make('n2', 'aa:bb')).ok);
  assert.ok((await commit(store, { key: 'n1', expectedVersion: 3, value: null })).ok);
  assert.deepEqual([await lookup(store, 'mac:aa:cc'), await lookup(store, 'mac:aa:bb')], [undefined, 'n2']);
});

test('deadlines are found when due, moved, cleared, and go with their record', async () => {
  const store = await openOne('deadlines');
  await commit(store, { key: 'n|1', expectedVersion: 0, value: 1, deadlines: { set: { 'deploying.claim': 2_000, 'boot': 1_000 } } });
  await commit(store, { key: 'n2', expectedVersion: 0, value: 1, deadlines: { set: { boot: 3_000 } } });
  assert.deepEqual(await dueDeadlines(store, 2_000, 10), [{ key: 'n|1', name: 'boot', atMs: 1_000 }, { key: 'n|1', name: 'deploying.claim', atMs: 2_000 }]);
  assert.deepEqual(await dueDeadlines(store, 9_000, 1), [{ key: 'n|1', name: 'boot', atMs: 1_000 }]);
  await commit(store, { key: 'n|1', expectedVersion: 1, value: 1, deadlines: { set: { 'deploying.claim': 1_700_000_000_123 }, clear: ['boot', 'none'] } });
  assert.equal(await nextDeadlineAt(store), 3_000);
  await commit(store, { key: 'n2', expectedVersion: 1, value: null });
  assert.equal(await nextDeadlineAt(store), 1_700_000_000_123);
});

test('a request that was done already changes nothing and answers as before', async () => {
  const store = await openOne('requests');
  const change = { key: 'a', expectedVersion: 0, value: 1, requestId: 'r1', rows: [eventRow('a', 1)] };
  assert.deepEqual(await commit(store, change), { ok: true, version: 1 });
  assert.ok((await commit(store, { key: 'a', expectedVersion: 1, value: 2 })).ok);
  assert.deepEqual(await commit(store, change), { ok: true, version: 1, already: true });
  assert.deepEqual(await commit(store, { ...change, expectedVersion: 2 }), { ok: true, version: 1, already: true });
  assert.ok((await commit(store, { key: 'a', expectedVersion: 2, value: null, requestId: 'r2' })).ok);
  assert.deepEqual(await commit(store, { key: 'a', expectedVersion: 2, value: null, requestId: 'r2' }), { ok: true, version: 3, already: true });
  assert.equal((await readOutboxStats(store)).backlog, 1);
});

test('only the newest 64 request ids of a record are kept', async () => {
  const store = await openOne('bounded');
  for (let n = 0; n < 70; n += 1) await commit(store, { key: 'a', expectedVersion: n, value: n, requestId: `r${n}` });
  assert.equal(await store.redis.zcard(store.key('requests', 'a')), 64);
  assert.deepEqual(await commit(store, { key: 'a', expectedVersion: 70, value: 0, requestId: 'r69' }), { ok: true, version: 70, already: true });
});

test('keys are listed by their start, a page at a time', async () => {
  const store = await openOne('lists');
  const keys = ['node:a', 'node:b', 'node:ü', 'rack:a'];
  for (const key of keys) await commit(store, { key, expectedVersion: 0, value: key });
  assert.deepEqual(await listKeys(store), keys);
  assert.deepEqual(await listKeys(store, { startingWith: 'node:' }), keys.slice(0, 3));
  assert.deepEqual(await listKeys(store, { startingWith: 'node:', after: 'node:a', limit: 1 }), ['node:b']);
  const found = [];
  for await (const record of readAll(store, 'rack:')) found.push(record);
  assert.deepEqual(found, [{ key: 'rack:a', value: 'rack:a', version: 1 }]);
  assert.deepEqual((await readMany(store, ['rack:a', 'none'])).map((record) => record?.version), [1, undefined]);
});

test('a caller\'s mistake is refused before anything is sent', async () => {
  const store = await openOne('mistakes');
  await assert.rejects(commit(store, { key: 'a', expectedVersion: -1, value: 1 }), /expectedVersion/);
  await assert.rejects(commit(store, { key: 'a', expectedVersion: 0, value: undefined }), /null deletes/);
  await assert.rejects(commit(store, { key: 'a', expectedVersion: 0, value: 1, indexes: { set: { mac: 'a' } } }), /<kind>:<value>/);
  await assert.rejects(commit(store, { key: 'a', expectedVersion: 3, value: 1, version: 3 }), /not above/);
});
