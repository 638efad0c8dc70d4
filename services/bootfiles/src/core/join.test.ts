import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { joinedBytes, piecesOf, type Part } from './join.ts';

/** Files of distinct bytes, of which parts are made whole or from extents in any order. */
const disk = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
const extent = fc.tuple(fc.nat(200), fc.nat(20)).map(([offset, length]) => ({ offset, length }));
const part: fc.Arbitrary<Part> = fc.oneof(
  fc.nat(60).map((sizeBytes) => ({ path: 'whole', sizeBytes })),
  fc.array(extent, { minLength: 1, maxLength: 4 }).map((extents) => ({ path: 'disc', sizeBytes: extents.reduce((sum, { length }) => sum + length, 0), extents })),
);

const bytesOf = ({ sizeBytes, extents = [{ offset: 0, length: sizeBytes }] }: Part): Buffer => Buffer.concat(extents.map(({ offset, length }) => disk.subarray(offset, offset + length)));

test('any range of the whole is what the parts, each but the last filled up to a multiple of four, hold there', () => {
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.nat(), fc.nat(), (parts, one, other) => {
    const whole = Buffer.concat(parts.flatMap((each, index) => [bytesOf(each), Buffer.alloc(index < parts.length - 1 ? (4 - (each.sizeBytes % 4)) % 4 : 0)]));
    assert.equal(joinedBytes(parts), whole.length);
    const [start, end] = [one % (whole.length + 1), other % (whole.length + 1)].sort((a, b) => a - b) as [number, number];
    const read = piecesOf(parts, start, end).map((piece) => ('zeros' in piece ? Buffer.alloc(piece.zeros) : disk.subarray(piece.start, piece.end)));
    assert.deepEqual(Buffer.concat(read), whole.subarray(start, end));
  }), { numRuns: 2000 });
});
