import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusyWait } from './busy-wait.ts';

/** How many of `waits` looked, each finding something as `finds` says. */
function looks(busy: BusyWait, waits: number, finds: (n: number) => boolean): number {
  let count = 0;
  for (let n = 0; n < waits; n++) {
    if (!busy.pays(0)) continue;
    count += 1;
    busy.looked(finds(count));
  }
  return count;
}

test('one look in four in vain: it goes on looking', () => assert.equal(looks(new BusyWait(), 1_000, (n) => n % 4 !== 0), 1_000));

test('most in vain: a look for every 256 waits is left', () => {
  const busy = new BusyWait();
  looks(busy, 100, () => false);
  assert.equal(looks(busy, 2_560, () => false), 10);
});

test('one that finds something again is as good as ever', () => {
  const busy = new BusyWait();
  looks(busy, 100, () => false);
  looks(busy, 256, () => true);
  assert.equal(looks(busy, 100, () => true), 100);
});

test('pushed aside once it rests for a moment, again and again for a second, and alone once more for a moment', () => {
  const busy = new BusyWait();
  busy.pushedAside(0);
  assert.deepEqual([busy.pays(9), busy.pays(10)], [false, true]);
  for (let times = 0; times < 10; times++) busy.pushedAside(20);
  assert.deepEqual([busy.pays(1_019), busy.pays(1_020)], [false, true]);
  busy.pushedAside(5_000);
  assert.deepEqual([busy.pays(5_009), busy.pays(5_010)], [false, true]);
});
