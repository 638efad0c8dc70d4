import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fromNetascii, netasciiLength, netasciiStart, toNetascii } from './netascii.ts';

const seed = 20261121;
const to = (text: string): string => Buffer.from(toNetascii(Buffer.from(text, 'latin1'))).toString('latin1');

/** Decodes in the given chunks, state carried over. */
function from(chunks: readonly Uint8Array[]): Buffer {
  let state = netasciiStart;
  const parts = chunks.map((chunk, i) => {
    const step = fromNetascii(chunk, state, i === chunks.length - 1);
    state = step.state;
    return step.bytes;
  });
  return Buffer.concat(parts);
}

const lines = fc.array(fc.constantFrom(0, 10, 13, 65, 255), { maxLength: 60 }).map((bytes) => Uint8Array.from(bytes));

describe('netascii', () => {
  it('line feeds and carriage returns', () => assert.deepEqual(['a\nb', 'a\rb', '\r\n', ''].map(to), ['a\r\nb', 'a\r\0b', '\r\0\r\n', '']));
  it('a CR followed by anything else stays, also at the end', () => {
    assert.equal(from([Buffer.from('a\rb\r\r\n\r')]).toString(), 'a\rb\r\n\r');
  });
  it(`round trip with chunks cut anywhere (seed ${seed})`, () => {
    fc.assert(fc.property(lines, fc.array(fc.nat(120), { maxLength: 5 }), (local, cuts) => {
      const wire = toNetascii(local);
      assert.equal(wire.length, netasciiLength(local));
      const at = [0, ...cuts.filter((cut) => cut < wire.length).sort((a, b) => a - b), wire.length];
      assert.deepEqual([...from(at.slice(1).map((end, i) => wire.subarray(at[i], end)))], [...local]);
    }), { seed, numRuns: 500 });
  });
  it(`chunked encoding is the same as whole (seed ${seed})`, () => {
    fc.assert(fc.property(lines, fc.nat(60), (local, cut) => {
      const parts = Buffer.concat([toNetascii(local.subarray(0, cut)), toNetascii(local.subarray(cut))]);
      assert.deepEqual([...parts], [...toNetascii(local)]);
    }), { seed });
  });
  it(`chunked decoding of any bytes is the same as whole (seed ${seed})`, () => {
    fc.assert(fc.property(lines, fc.nat(60), (wire, cut) => {
      assert.deepEqual([...from([wire.subarray(0, cut), wire.subarray(cut)])], [...from([wire])]);
    }), { seed, numRuns: 500 });
  });
});
