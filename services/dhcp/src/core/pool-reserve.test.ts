import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keptForKnown, mayTakeLast } from './pool-reserve.ts';

const reserve = { most: 16 };

describe('the last addresses of a pool', () => {
  const sizes: ReadonlyArray<[name: string, ranges: [number, number][], most: number, kept: number]> = [
    ['no range', [], 16, 0],
    ['a small pool gives all it has', [[100, 130]], 16, 0],
    ['32 addresses', [[100, 131]], 16, 2],
    ['a hundred', [[100, 199]], 16, 6],
    ['a large one', [[0, 65_535]], 16, 16],
    ['two ranges count as one', [[100, 149], [200, 249]], 16, 6],
    ['switched off', [[100, 199]], 0, 0],
  ];
  for (const [name, ranges, most, kept] of sizes) it(name, () => assert.equal(keptForKnown(ranges, { most }), kept));

  const ranges: [number, number][] = [[200, 249], [100, 149]];
  const rows: ReadonlyArray<[name: string, address: number, known: boolean, may: boolean]> = [
    ['the first', 200, false, true],
    ['the last that all may have', 143, false, true],
    ['the first that is kept', 144, false, false],
    ['the very last', 149, false, false],
    ['the end of a range that is not the last', 249, false, true],
    ['a known machine', 149, true, true],
    ['a reserved address outside the ranges', 10, false, true],
  ];
  for (const [name, address, known, may] of rows) it(name, () => assert.equal(mayTakeLast({ known, address, ranges, reserve }), may));

  it('an unknown MAC after the other leaves exactly what is kept', () => {
    const all = ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
    assert.equal(all.filter((address) => !mayTakeLast({ known: false, address, ranges, reserve })).length, keptForKnown(ranges, reserve));
  });
});
