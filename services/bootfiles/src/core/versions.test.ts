import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Versions } from './versions.ts';

test('a record is at the version that was seen last; one never seen is at none', () => {
  const versions = new Versions(10);
  versions.note('a', 3);
  versions.note('b', 0);
  assert.deepEqual([versions.stillAt('a', 3), versions.stillAt('a', 2), versions.stillAt('b', 0), versions.stillAt('c', 0)], [true, false, true, false]);
  versions.note('a', 4);
  assert.deepEqual([versions.stillAt('a', 3), versions.stillAt('a', 4)], [false, true]);
});

test('an answer older than what is known leaves nothing certain: it came late, or the store lost what it had', () => {
  const versions = new Versions(10);
  for (const older of [4, 0]) {
    versions.note('a', 5);
    versions.note('a', older);
    assert.deepEqual([versions.stillAt('a', 5), versions.stillAt('a', older)], [false, false], `${older}`);
  }
});

test('bounded: the record heard of longest ago is not known any more; forgetting is of all', () => {
  const versions = new Versions(2);
  for (const record of ['a', 'b', 'a', 'c']) versions.note(record, 1);
  assert.deepEqual(['a', 'b', 'c'].map((record) => versions.stillAt(record, 1)), [true, false, true]);
  versions.forget();
  assert.deepEqual(['a', 'b', 'c'].map((record) => versions.stillAt(record, 1)), [false, false, false]);
});
