import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RateTable, type Rate } from './rate-table.ts';

const rate: Rate = { perSecond: 2, burst: 3 };
const make = (entries = 64): RateTable => new RateTable({ entries, seed: 7 });

function takeIfThere(table: RateTable, text: string, nowMs: number, cost = 1): boolean {
  const key = table.keyOf(text);
  if (!table.has(key, rate, cost, nowMs)) return false;
  table.take(key, rate, cost, nowMs);
  return true;
}

describe('token buckets in a fixed table', () => {
  const rows: ReadonlyArray<[name: string, atMs: number[], passes: boolean[]]> = [
    ['the burst, then nothing', [0, 0, 0, 0], [true, true, true, false]],
    ['a token comes back in half a second', [0, 0, 0, 499, 500, 500], [true, true, true, false, true, false]],
    ['never more than the burst', [0, 60_000, 60_000, 60_000, 60_000], [true, true, true, true, false]],
    ['a clock that goes back an hour holds nobody back', [3_600_000, 3_600_000, 3_600_000, 3_600_000, 1_000, 1_000], [true, true, true, false, true, true]],
  ];
  for (const [name, atMs, passes] of rows) {
    it(name, () => {
      const table = make();
      assert.deepEqual(atMs.map((nowMs) => takeIfThere(table, 'a', nowMs)), passes);
    });
  }
  it('a cost above the burst never passes, and takes nothing', () => {
    const table = make();
    assert.deepEqual([takeIfThere(table, 'a', 0, 4), takeIfThere(table, 'a', 0, 3)], [false, true]);
  });
  it('no rate, no limit', () => {
    const table = make();
    assert.ok(table.has(table.keyOf('a'), { perSecond: 0, burst: 0 }, 1_000, 0));
  });
  it('remembers who took a token, and since when', () => {
    const table = make();
    const key = table.keyOf('a');
    assert.equal(table.tookSince(key, 0), false);
    table.take(key, rate, 1, 1_000);
    assert.deepEqual([table.tookSince(key, 1_000), table.tookSince(key, 9_000)], [true, false]);
  });
  it('a full table forgets the fullest bucket of a set first', () => {
    const table = make(8);
    for (let taken = 0; taken < 3; taken += 1) table.take(table.keyOf('busy'), rate, 1, 0);
    for (let other = 0; other < 100; other += 1) table.take(table.keyOf(`other ${other}`), rate, 1, 0);
    assert.equal(table.has(table.keyOf('busy'), rate, 1, 0), false);
  });
  it('the seed moves keys', () => {
    assert.notEqual(new RateTable({ entries: 8, seed: 1 }).keyOf('52:54:00:00:00:01'), new RateTable({ entries: 8, seed: 2 }).keyOf('52:54:00:00:00:01'));
  });
  it('100,000 MACs in a row have 100,000 keys, spread evenly', () => {
    const table = make();
    const macOf = (n: number): string => `52:54:00:${[16, 8, 0].map((shift) => ((n >> shift) & 255).toString(16).padStart(2, '0')).join(':')}`;
    const macs = Array.from({ length: 100_000 }, (_, n) => macOf(n));
    const keys = macs.map((mac) => table.keyOf(mac));
    assert.equal(new Set(keys).size, keys.length);
    const perSet = new Map<number, number>();
    for (const key of keys) perSet.set(key % 1_000, (perSet.get(key % 1_000) ?? 0) + 1);
    assert.ok(Math.max(...perSet.values()) < 160, `at most ${Math.max(...perSet.values())} of 100 expected in one set`);
  });
});
