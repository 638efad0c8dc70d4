import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventOf, lanesOf, parseEntry, pickTogether, type StoredRow } from './relay-rows.ts';
import { readRedisUrl } from './redis-url.ts';
import { isTooOld, parseInfo, warningsOf } from './server-info.ts';
import { encodeRows } from './outbox.ts';
import { eventRow } from './test-rows.ts';

const info = (fields: Record<string, string>): string => ['# Server', ...Object.entries(fields).map(([name, value]) => `${name}:${value}`), ''].join('\r\n');

const versions: [string, Record<string, string>, boolean][] = [
  ['redis 6.2', { redis_version: '6.2.14' }, true],
  ['redis 7.0', { redis_version: '7.0.15' }, false],
  ['redis 10', { redis_version: '10.0.0' }, false],
  ['valkey 8, which calls itself redis 7.2.4', { redis_version: '7.2.4', server_name: 'valkey', valkey_version: '8.1.1' }, false],
  ['something that says nothing', {}, true],
];
for (const [name, fields, old] of versions) {
  test(`version: ${name}`, () => assert.equal(isTooOld(parseInfo(info(fields))), old));
}

test('settings that lose state are named', () => {
  const bad = parseInfo(info({ redis_version: '7.0.15', aof_enabled: '0', maxmemory: '1000', maxmemory_policy: 'allkeys-lru' }));
  assert.deepEqual(warningsOf(bad).map((text) => /"(appendonly yes|maxmemory-policy noeviction)"/.exec(text)?.[1]), ['appendonly yes', 'maxmemory-policy noeviction']);
  assert.deepEqual(warningsOf(parseInfo(info({ redis_version: '7.0.15', aof_enabled: '1', maxmemory: '0', maxmemory_policy: 'allkeys-lru' }))), []);
});

test('a Sentinel URL is read, any other goes to ioredis as it is', () => {
  assert.deepEqual(readRedisUrl('redis://u:p@h:1/2'), { url: 'redis://u:p@h:1/2' });
  assert.deepEqual(readRedisUrl('redis-sentinel://u:p%40@h1:1,h2/main/3'), {
    options: { sentinels: [{ host: 'h1', port: 1 }, { host: 'h2', port: 26_379 }], name: 'main', username: 'u', password: 'p@', db: 3 },
  });
  assert.throws(() => readRedisUrl('redis-sentinel://h1:1'), /redis-sentinel:\/\//);
});

test('rows that depend on each other share a lane', () => {
  const entry = (row: object) => parseEntry(['1-0', ['lane', 'n1', 'row', JSON.stringify(row)]]);
  const put = lanesOf(entry({ kind: 'kv', bucket: 'b', key: 'k', value: null }));
  const waits = lanesOf(entry({ ...eventRow('n2', 1), after: { bucket: 'b', key: 'k' } }));
  assert.deepEqual(put, ['lane n1', 'kv b k']);
  assert.deepEqual(waits, ['lane n1', 'event n2', 'kv b k']);
});

const stored = (name: string, row: object, lane = name): StoredRow & { name: string } => ({ ...parseEntry(['1-0', ['lane', lane, 'row', JSON.stringify(row)]]), name });
const put = (key: string) => ({ kind: 'kv', bucket: 'b', key, value: 1 });
const waiting = (subject: string, key: string) => ({ ...eventRow(subject, 1), after: { bucket: 'b', key } });
const limits = { fewestRows: 2, mostRows: 4, mostBytes: 10_000 };
const together: [string, (StoredRow & { name: string })[], string[]][] = [
  ['events alone', [stored('a', eventRow('a', 1)), stored('b', eventRow('b', 1)), stored('a2', eventRow('a', 2))], ['a', 'b', 'a2']],
  ['too few', [stored('a', eventRow('a', 1))], []],
  ['no more than fit', ['a', 'b', 'c', 'd', 'e'].map((name) => stored(name, eventRow(name, 1))), ['a', 'b', 'c', 'd']],
  ['a put is not in it, events of other lanes are', [stored('put', put('k')), stored('a', eventRow('a', 1)), stored('b', eventRow('b', 1))], ['a', 'b']],
  ['nothing that shares a lane with a row before it that is not in it', [stored('put', put('k'), 'n1'), stored('a', eventRow('a', 1), 'n1'), stored('b', eventRow('b', 1)), stored('c', eventRow('c', 1))], ['b', 'c']],
  ['nothing of a subject whose earlier event waits for a put', [stored('w', waiting('s', 'k')), stored('s2', eventRow('s', 2)), stored('b', eventRow('b', 1)), stored('c', eventRow('c', 1))], ['b', 'c']],
  ['nothing behind one that was left out', [stored('put', put('k'), 'n1'), stored('a', eventRow('a', 1), 'n1'), stored('a2', eventRow('a', 2), 'n2'), stored('b', eventRow('b', 1)), stored('c', eventRow('c', 1))], ['b', 'c']],
  ['an event that a later row waits for', [stored('a', eventRow('a', 1)), stored('b', eventRow('b', 1)), stored('w', waiting('a', 'k'))], ['a', 'b']],
  ['no nonsense', [stored('bad', { kind: 'event' }), stored('a', eventRow('a', 1)), stored('b', eventRow('b', 1))], ['a', 'b']],
];
for (const [name, rows, expected] of together) {
  test(`one batch: ${name}`, () => assert.deepEqual((pickTogether(rows, limits) as typeof rows).map((row) => row.name), expected));
}

test('one batch: no more bytes than allowed', () => {
  const rows = ['a', 'b', 'c'].map((name) => stored(name, eventRow(name, 1)));
  assert.equal(pickTogether(rows, { ...limits, mostBytes: (rows[0]?.text.length ?? 0) * 2 + 1 }).length, 2);
});

test('the JSON of an event is that of its row, byte for byte, where the row is nothing else', () => {
  const row = eventRow('ä"\u2028', 1);
  assert.deepEqual(eventOf(stored('a', row)), { event: row.event, json: JSON.stringify(row.event) });
  for (const other of [{ event: row.event, kind: 'event' }, { ...row, note: 'x' }]) assert.deepEqual(eventOf(stored('a', other)), { event: row.event });
});

test('what is no row is known as such', () => {
  for (const text of ['', '{', 'null', '[]', '{"kind":"kv"}', '{"kind":"event","event":{}}', '{"kind":"other"}']) {
    assert.equal(parseEntry(['1-0', ['row', text]]).row, undefined, text);
  }
});

test('rows go to Lua as a list of texts', () => {
  assert.deepEqual((JSON.parse(encodeRows([eventRow('a', 1)])) as string[]).map((text) => JSON.parse(text)), [eventRow('a', 1)]);
});
