import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decidePart, type Asked, type FileFacts, type Part } from './range.ts';

const file: FileFacts = { sizeBytes: 1000, etag: '"e"', modified: new Date('2026-01-01T00:00:00.500Z') };
const whole: Part = { status: 200, start: 0, end: 1000 };

const rows: [name: string, asked: Asked, part: Part][] = [
  ['nothing asked', {}, whole],
  ['first bytes', { range: 'bytes=0-99' }, { status: 206, start: 0, end: 100 }],
  ['from the middle', { range: 'bytes=500-' }, { status: 206, start: 500, end: 1000 }],
  ['past the end is cut', { range: 'bytes=900-5000' }, { status: 206, start: 900, end: 1000 }],
  ['the last bytes', { range: 'bytes=-10' }, { status: 206, start: 990, end: 1000 }],
  ['more last bytes than there are', { range: 'bytes=-5000' }, { status: 206, start: 0, end: 1000 }],
  ['behind the end', { range: 'bytes=1000-' }, { status: 416 }],
  ['far behind the end', { range: 'bytes=99999999999999999999-' }, { status: 416 }],
  ['to the end, said as 2^64-1', { range: 'bytes=10-18446744073709551615' }, { status: 206, start: 10, end: 1000 }],
  ['the last 2^64-1 bytes', { range: 'bytes=-18446744073709551615' }, { status: 206, start: 0, end: 1000 }],
  ['a number of 400 digits', { range: `bytes=${'9'.repeat(400)}-${'9'.repeat(400)}` }, { status: 416 }],
  ['no last bytes', { range: 'bytes=-0' }, { status: 416 }],
  ['backwards is malformed', { range: 'bytes=5-4' }, whole],
  ['two ranges', { range: 'bytes=0-1,4-5' }, whole],
  ['another unit', { range: 'lines=0-1' }, whole],
  ['nothing at all', { range: 'bytes=-' }, whole],
  ['the same file', { ifNoneMatch: 'W/"x", "e"' }, { status: 304 }],
  ['another file', { ifNoneMatch: '"x"' }, whole],
  ['not changed since', { ifModifiedSince: 'Thu, 01 Jan 2026 00:00:00 GMT' }, { status: 304 }],
  ['changed since', { ifModifiedSince: 'Wed, 31 Dec 2025 23:59:59 GMT' }, whole],
  ['no date', { ifModifiedSince: 'yesterday' }, whole],
  ['no date, but a number in it', { ifModifiedSince: 'x 2090' }, whole],
  ['no date, but a number in it, expected', { ifUnmodifiedSince: 'x 1990' }, whole],
  ['a range of the file that is known', { range: 'bytes=0-0', ifRange: '"e"' }, { status: 206, start: 0, end: 1 }],
  ['a range of the file of that date', { range: 'bytes=0-0', ifRange: 'Thu, 01 Jan 2026 00:00:00 GMT' }, { status: 206, start: 0, end: 1 }],
  ['a range of an older file', { range: 'bytes=0-0', ifRange: 'Thu, 01 Jan 2025 00:00:00 GMT' }, whole],
  ['a range by a weak tag', { range: 'bytes=0-0', ifRange: 'W/"e"' }, whole],
  ['the file that is expected', { ifMatch: '"x", "e"' }, whole],
  ['not the file that is expected', { ifMatch: '"x"', range: 'bytes=0-0' }, { status: 412 }],
  ['expected unchanged, and it is', { ifUnmodifiedSince: 'Thu, 01 Jan 2026 00:00:00 GMT' }, whole],
  ['expected unchanged, and it is not', { ifUnmodifiedSince: 'Wed, 31 Dec 2025 23:59:59 GMT' }, { status: 412 }],
  ['expected unchanged since no date', { ifUnmodifiedSince: 'yesterday' }, whole],
  ['a range of another file', { range: 'bytes=0-0', ifRange: '"x"' }, whole],
];
for (const [name, asked, part] of rows) test(`range: ${name}`, () => assert.deepEqual(decidePart(file, asked), part));

test('any text as a range: never throws, never leaves the file', () => {
  const text = fc.oneof(fc.string(), fc.tuple(fc.bigInt(), fc.bigInt()).map(([a, b]) => `bytes=${a}-${b}`), fc.stringMatching(/^bytes=\d{0,400}-\d{0,400}$/));
  fc.assert(fc.property(text, fc.nat({ max: 5000 }), (range, sizeBytes) => {
    const part = decidePart({ ...file, sizeBytes }, { range });
    if (part.status !== 200 && part.status !== 206) return;
    assert.ok(Number.isSafeInteger(part.start) && part.start >= 0 && part.start <= part.end && part.end <= sizeBytes);
  }), { numRuns: 2000 });
});
