import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readGolden } from '../goldens.ts';
import { decode } from './decode.ts';
import { encode, encodeReply, replyLimit } from './encode.ts';
import { type DhcpMessage, makeMessage, replyTo } from './messages.ts';
import { anyMessage, decodeOk, optionsOf, plain } from './testing.ts';

const seed = 20261121;
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(0x61);

function offer(...options: ReadonlyArray<readonly [number, Uint8Array]>): DhcpMessage {
  return makeMessage({ op: 2, chaddr: bytes(6), options: optionsOf([53, Uint8Array.of(2)], [54, Uint8Array.of(10, 0, 0, 1)], ...options) });
}

describe('dhcp encode: round trip', () => {
  it(`any message (seed ${seed})`, () => {
    fc.assert(fc.property(anyMessage, (m) => {
      const expected = { ...plain(m), hlen: m.chaddr.length };
      assert.deepEqual(plain(decodeOk(encode({ ...m, hlen: m.chaddr.length }, { maxBytes: 65507 }))), expected);
    }), { seed, numRuns: 400 });
  });
  it(`any message within any limit: what is not dropped is unchanged (seed ${seed})`, () => {
    fc.assert(fc.property(anyMessage, fc.integer({ min: 300, max: 1472 }), (m, maxBytes) => {
      const reply = encodeReply({ ...m, hlen: m.chaddr.length }, { maxBytes });
      assert.ok(reply.bytes.length <= maxBytes);
      const again = decodeOk(reply.bytes);
      for (const [code, value] of m.options) {
        const kept = again.options.get(code);
        if (reply.dropped.includes(code)) assert.equal(kept, undefined);
        else assert.deepEqual([...(kept ?? [])], [...value]);
      }
      assert.deepEqual([again.sname, again.file], [m.sname, m.file]);
    }), { seed, numRuns: 400 });
  });
});

describe('dhcp encode: layout', () => {
  it('pads to 300 bytes, and not at all when told', () => {
    assert.equal(encode(offer()).length, 300);
    assert.equal(encode(offer(), { minBytes: 0 }).length, 240 + 3 + 6 + 1);
  });
  it('writes option 82 last and ends with 255', () => {
    const m = offer();
    m.options.setHex(82, '0102aabb').setU32(51, 60);
    const codes = [...decodeOk(encode(m)).options.codes()];
    assert.deepEqual(codes, [53, 54, 51, 82]);
    assert.equal(encode(m, { minBytes: 0 }).at(-1), 255);
  });
  it('splits 600 bytes in pieces of 255, 255 and 90', () => {
    const encoded = encode(offer([67, bytes(600)]), { minBytes: 0 });
    assert.deepEqual([249, 249 + 257, 249 + 514].map((at) => [...encoded.subarray(at, at + 2)]), [[67, 255], [67, 255], [67, 90]]);
    assert.equal(decodeOk(encoded).options.get(67)?.length, 600);
  });
  it('keeps the broadcast bit and the other flags apart', () => {
    assert.equal(decodeOk(encode({ ...offer(), broadcast: true, flags: 1 })).flags, 0x8001);
    assert.equal(decodeOk(encode({ ...offer(), broadcast: false, flags: 0x8001 })).flags, 1);
  });
  it('a reply carries what RFC 2131 table 3 wants copied', () => {
    const request = decodeOk(readGolden('dhcp', 'rfc3046-relayed-discover'));
    const reply = replyTo(request);
    assert.deepEqual([reply.op, reply.xid, reply.giaddr, reply.chaddr, reply.hops], [2, request.xid, '10.77.1.1', request.chaddr, 0]);
  });
});

describe('dhcp encode: too long for the client', () => {
  const shown = (m: DhcpMessage, limits: Parameters<typeof encodeReply>[1]): { codes: number[]; dropped: number[]; overload: number | undefined } => {
    const { bytes: encoded, dropped } = encodeReply(m, limits);
    const again = decodeOk(encoded);
    return { codes: [...again.options.codes()].filter((code) => code !== 52), dropped, overload: again.options.u8(52) };
  };

  it('overflows into file first', () => {
    assert.deepEqual(shown(offer([67, bytes(200)], [119, bytes(90)]), { maxBytes: 548 }), { codes: [53, 54, 67, 119], dropped: [], overload: undefined });
    assert.deepEqual(shown(offer([67, bytes(200)], [119, bytes(100)]), { maxBytes: 548 }), { codes: [53, 54, 67, 119], dropped: [], overload: 1 });
  });
  it('then into sname, and drops what fits nowhere', () => {
    const m = offer([67, bytes(250)], [15, bytes(110)], [119, bytes(60)], [12, bytes(55)], [17, bytes(200)]);
    assert.deepEqual(shown(m, { maxBytes: 548 }), { codes: [53, 54, 67, 15, 12], dropped: [119, 17], overload: 3 });
  });
  it('leaves file and sname alone when they are in use', () => {
    const m = { ...offer([17, bytes(250)], [119, bytes(100)]), file: 'x', sname: 'y' };
    assert.deepEqual(shown(m, { maxBytes: 548 }), { codes: [53, 54, 119], dropped: [17], overload: undefined });
  });
  it('obeys the caller\'s order of importance', () => {
    const m = { ...offer([17, bytes(250)], [119, bytes(100)]), file: 'x', sname: 'y' };
    assert.deepEqual(shown(m, { maxBytes: 548, keep: [53, 54, 17] }).dropped, [119]);
  });
  it('keeps message type and relay information in the options field', () => {
    const m = offer([17, bytes(240)], [119, bytes(120)]);
    m.options.set(82, bytes(60));
    const { bytes: encoded } = encodeReply(m, { maxBytes: 548 });
    const main = decode(Buffer.concat([encoded.subarray(0, 44), new Uint8Array(192), encoded.subarray(236)]));
    assert.ok(main.ok && main.message.options.has(53));
    assert.equal([...main.message.options.codes()].at(-1), 82);
  });
  it('encode refuses where encodeReply drops', () => {
    assert.throws(() => encode(offer([17, bytes(2000)])), /options 17 do not fit/);
  });
});

describe('dhcp encode: reply limit', () => {
  const rows: ReadonlyArray<[name: string, size: number | undefined, limit: number]> = [
    ['no option 57', undefined, 548], ['udhcpc', 576, 548], ['iPXE and OVMF', 1472, 1444], ['Ethernet', 1500, 1472],
    ['OVMF\'s REQUEST', 65280, 1472], ['under the minimum', 300, 548],
  ];
  for (const [name, size, limit] of rows) {
    it(name, () => {
      const m = makeMessage({ options: optionsOf([53, Uint8Array.of(1)]) });
      if (size !== undefined) m.options.setU16(57, size);
      assert.equal(replyLimit(m), limit);
    });
  }
});

describe('dhcp encode: BOOTP', () => {
  const request = decodeOk(readGolden('dhcp', 'bootp-request'));
  it('a reply has 300 bytes, the cookie and no overload', () => {
    const reply = replyTo(request);
    reply.options.setAddress(1, '255.255.255.0').setText(15, 'x'.repeat(40)).setText(17, 'y'.repeat(40)).setText(12, 'h');
    const { bytes: encoded, dropped } = encodeReply(reply, { maxBytes: replyLimit(request) });
    assert.deepEqual([encoded.length, dropped, [...decodeOk(encoded).options.codes()]], [300, [17], [1, 15, 12]]);
  });
});

describe('dhcp encode: a caller\'s mistake throws', () => {
  const rows: ReadonlyArray<[name: string, make: () => unknown]> = [
    ['address', () => encode({ ...offer(), yiaddr: '10.0.0.256' })],
    ['chaddr of 17 bytes', () => encode({ ...offer(), chaddr: bytes(17) })],
    ['file of 128 bytes', () => encode({ ...offer(), file: 'x'.repeat(128) })],
    ['sname of 64 bytes', () => encode({ ...offer(), sname: 'x'.repeat(64) })],
    ['maxBytes under 300', () => encodeReply(offer(), { maxBytes: 299 })],
    ['options without cookie', () => encode({ ...offer(), cookie: false })],
    ['xid out of range', () => encode({ ...offer(), xid: 2 ** 32 })],
    ['code 255', () => optionsOf([255, bytes(1)])],
    ['code 0', () => optionsOf([0, bytes(1)])],
    ['u8 256', () => optionsOf().setU8(53, 256)],
    ['u32 -1', () => optionsOf().setU32(51, -1)],
    ['address list', () => optionsOf().setAddresses(3, ['x'])],
    ['hex', () => optionsOf().setHex(43, 'abc')],
    ['route', () => optionsOf().setRoutes([{ destination: '10.0.0.0/33', router: '10.0.0.1' }])],
    ['domain', () => optionsOf().setDomains(['a..b'])],
    ['sub-option of 256 bytes', () => optionsOf().setEncapsulated(43, [{ code: 1, value: bytes(256) }])],
  ];
  for (const [name, make] of rows) it(name, () => assert.throws(make, RangeError));
});
