import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntry, lanesOf } from './relay-rows.ts';
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

test('what is no row is known as such', () => {
  for (const text of ['', '{', 'null', '[]', '{"kind":"kv"}', '{"kind":"event","event":{}}', '{"kind":"other"}']) {
    assert.equal(parseEntry(['1-0', ['row', text]]).row, undefined, text);
  }
});

test('rows go to Lua as a list of texts', () => {
  assert.deepEqual((JSON.parse(encodeRows([eventRow('a', 1)])) as string[]).map((text) => JSON.parse(text)), [eventRow('a', 1)]);
});
