import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { StreamConfig } from '@nats-io/jetstream';
import { buckets, catalog } from '@ironbus/contracts';
import { mend, wantedStreams, type Wanted } from './topology.ts';

const streams = wantedStreams({ catalog, buckets });
const named = (name: string): Wanted => streams.find((stream) => stream.name === name) ?? assert.fail(name);
const found = (change: Partial<StreamConfig> = {}): StreamConfig => ({ ...named('FACTS'), ...change }) as StreamConfig;

test('each type of the catalogue is in exactly one stream', () => {
  for (const { type } of catalog) assert.equal(streams.filter((stream) => stream.subjects.includes(`${type}.*.*`)).length, 1, type);
  for (const { bucket } of buckets) assert.match(bucket, /^[A-Za-z0-9_-]+$/);
});

test('FACTS has no age, OBSERVATIONS one day, DEAD a week', () => {
  assert.deepEqual(['FACTS', 'OBSERVATIONS', 'DEAD'].map((name) => named(name).max_age / 3.6e12), [0, 24, 168]);
});

test('what is there and what is asked', () => {
  assert.equal(mend(found(), named('FACTS')), undefined);
  assert.equal(mend(found({ subjects: [...named('FACTS').subjects, 'later.done.*.*'] }), named('FACTS')), undefined, 'a newer service added a type');
  const grown = mend(found({ subjects: ['old.done.*.*'] }), named('FACTS'));
  assert.ok(grown !== undefined && 'change' in grown && grown.change.subjects?.includes('old.done.*.*') && grown.change.subjects.length === named('FACTS').subjects.length + 1);
  assert.deepEqual(mend(found({ max_age: 5 }), named('FACTS')), { change: { max_age: 0 } });
  for (const bad of [{ storage: 'memory' }, { retention: 'workqueue' }, { sealed: true }] as Partial<StreamConfig>[]) {
    const need = mend(found(bad), named('FACTS'));
    assert.ok(need !== undefined && 'broken' in need, JSON.stringify(bad));
  }
});
