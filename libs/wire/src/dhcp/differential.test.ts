/**
 * Against the parser and the writer of the `dhcp` npm package, an implementation we share nothing with. Left out is
 * where it is known to be wrong: pads, repeated options, overload, wrong lengths, codes it does not know, hlen not 6.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encode } from './encode.ts';
import { type DhcpMessage, makeMessage } from './messages.ts';
import { OptionMap } from './option-map.ts';
import { decodeOk } from './testing.ts';

type Theirs = {
  op: number; htype: number; hlen: number; hops: number; xid: number; secs: number; flags: number;
  ciaddr: string; yiaddr: string; siaddr: string; giaddr: string; chaddr: string; sname: string; file: string;
  options: Record<number, unknown>;
};
type TheirPackage = { parse(bytes: Uint8Array): Theirs; format(message: Theirs): { _data: Uint8Array; _w: number } };

const theirs = createRequire(import.meta.url)('dhcp/lib/protocol.js') as TheirPackage;
const seed = 20261121;

const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: fc.constantFrom(...'abcXYZ019./:-_'), minLength: 1, maxLength });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const addresses = fc.array(fc.ipV4(), { minLength: 1, maxLength: 4 });

const options = fc.record({
  1: fc.ipV4(), 3: addresses, 6: addresses, 12: text(40), 15: text(40), 28: fc.ipV4(), 50: fc.ipV4(), 51: u32,
  53: fc.integer({ min: 1, max: 8 }), 54: fc.ipV4(), 57: fc.integer({ min: 576, max: 0xffff }), 58: u32, 59: u32, 60: text(60), 66: text(60), 67: text(200),
}, { requiredKeys: ['53'] });

const header = fc.record({
  op: fc.constantFrom(1, 2), hops: fc.integer({ min: 0, max: 255 }), xid: u32, secs: fc.integer({ min: 0, max: 0xffff }), flags: fc.constantFrom(0, 0x8000),
  ciaddr: fc.ipV4(), yiaddr: fc.ipV4(), siaddr: fc.ipV4(), giaddr: fc.ipV4(), chaddr: mac, sname: text(63), file: text(127),
});

function ours(h: Partial<DhcpMessage>, values: Record<number, unknown>): DhcpMessage {
  const map = new OptionMap();
  for (const [key, value] of Object.entries(values)) {
    const code = Number(key);
    if (Array.isArray(value)) map.setAddresses(code, value as string[]);
    else if (code === 53) map.setU8(code, Number(value));
    else if (code === 57) map.setU16(code, Number(value));
    else if (typeof value === 'number') map.setU32(code, value);
    else if ([1, 28, 50, 54].includes(code)) map.setAddress(code, String(value));
    else map.setText(code, String(value));
  }
  return makeMessage({ ...h, options: map });
}

const headerOf = ({ op, htype, hlen, hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, sname, file }: DhcpMessage | Theirs): unknown =>
  ({ op, htype, hlen, hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, sname: sname.replace(/\0+$/, ''), file: file.replace(/\0+$/, '') });

describe(`dhcp against the npm package (seed ${seed})`, () => {
  it('it reads what we write', () => {
    fc.assert(fc.property(header, options, (h, values) => {
      const m = ours(h, values);
      const read = theirs.parse(Buffer.from(encode(m)));
      assert.deepEqual(headerOf(read), headerOf(m));
      assert.equal(read.chaddr.replaceAll('-', '').toLowerCase(), Buffer.from(h.chaddr).toString('hex'));
      assert.deepEqual(read.options, { ...values });
    }), { seed, numRuns: 300 });
  });
  it('we read what it writes', () => {
    fc.assert(fc.property(header, options, (h, values) => {
      const chaddr = Buffer.from(h.chaddr).toString('hex').replace(/..(?=.)/g, '$&-').toUpperCase();
      const written = theirs.format({ ...h, htype: 1, hlen: 6, chaddr, options: { ...values } });
      const read = decodeOk(written._data.subarray(0, written._w));
      const expected = ours(h, values);
      assert.deepEqual(headerOf(read), headerOf(expected));
      for (const [code, value] of expected.options) assert.deepEqual([...(read.options.get(code) ?? [])], [...value], `option ${code}`);
    }), { seed, numRuns: 300 });
  });
});
