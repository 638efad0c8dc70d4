import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeToken } from './rate.ts';

test('a burst, then so many a second', () => {
  const rate = { perSecond: 10, burst: 3 };
  let bucket: number | undefined;
  const take = (nowMs: number): boolean => {
    const next = takeToken(bucket, rate, nowMs);
    bucket = next ?? bucket;
    return next !== undefined;
  };
  assert.deepEqual([1000, 1000, 1000, 1000, 1099, 1100, 1100, 60_000, 60_000, 60_000, 60_000].map(take), [true, true, true, false, false, true, false, true, true, true, false]);
});
