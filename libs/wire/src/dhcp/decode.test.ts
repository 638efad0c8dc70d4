import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readGoldens } from '../goldens.ts';
import { decode } from './decode.ts';
import { explain } from './explain.ts';
import { bootFile, hostName, messageType } from './getters.ts';
import { allGetters, decodeOk } from './testing.ts';

const seed = 20261121;

/** 240 header bytes with the cookie, then the given option bytes. */
function packet(optionHex: string, edit: (b: Buffer) => void = () => undefined): Buffer {
  const header = Buffer.alloc(240);
  header.set([1, 1, 6, 0]);
  header.writeUInt32BE(0x63825363, 236);
  edit(header);
  return Buffer.concat([header, Buffer.from(optionHex.replaceAll(' ', ''), 'hex')]);
}

describe('dhcp decode: malformed', () => {
  const rows: ReadonlyArray<[name: string, bytes: Buffer, at: number, why: string]> = [
    ['empty', Buffer.alloc(0), 0, 'too-short'],
    ['ten bytes', Buffer.alloc(10, 1), 10, 'too-short'],
    ['op 0', packet('ff', (b) => b.writeUInt8(0, 0)), 0, 'bad-op'],
    ['op 3', packet('ff', (b) => b.writeUInt8(3, 0)), 0, 'bad-op'],
    ['hlen 17', packet('ff', (b) => b.writeUInt8(17, 2)), 2, 'bad-hlen'],
    ['a code without length', packet('35 01 01 0c'), 243, 'option-without-length'],
    ['a length over the end', packet('35 01 01 0c 05 61'), 244, 'option-overruns'],
    ['a length over the end of an overloaded file', packet('34 01 01 ff', (b) => b.set([12, 200], 108)), 109, 'option-overruns'],
    ['a lone code at the end of an overloaded sname', packet('34 01 02 ff', (b) => b.set([12], 107)), 107, 'option-without-length'],
  ];
  for (const [name, bytes, at, why] of rows) it(name, () => assert.deepEqual(decode(bytes), { ok: false, at, why }));
});

describe('dhcp decode: forgiven', () => {
  it('pads anywhere', () => assert.equal(messageType(decodeOk(packet('00 35 01 01 00 00 ff'))), 1));
  it('no end option', () => assert.equal(messageType(decodeOk(packet('35 01 01'))), 1));
  it('no option at all', () => assert.equal(decodeOk(packet('')).options.size, 0));
  it('junk after the end', () => assert.equal(decodeOk(packet('35 01 01 ff 0c ff')).options.size, 1));
  it('an option of length 0', () => assert.deepEqual([...decodeOk(packet('50 00 ff')).options.get(80) ?? [1]], []));
  it('a wrong length is no value and swallows nothing', () => {
    const m = decodeOk(packet('33 01 09 35 01 01 32 08 0a 00 00 01 0a 00 00 02 ff'));
    assert.deepEqual([m.options.u32(51), messageType(m), m.options.address(50), m.options.has(10)], [undefined, 1, undefined, false]);
  });
  it('an overload of wrong length or value is ignored', () => {
    for (const overload of ['34 02 01 01', '34 01 04', '34 00']) assert.equal(decodeOk(packet(`${overload} ff`, (b) => b.write('abc', 108))).file, 'abc');
  });
  it('option 52 inside an overloaded field does not nest', () => {
    const m = decodeOk(packet('34 01 01 35 01 01 ff', (b) => {
      b.set([52, 1, 2, 255], 108);
      b.write('name', 44);
    }));
    assert.equal(m.sname, 'name');
  });
  it('the same option in three pieces', () => assert.equal(hostName(decodeOk(packet('0c 01 61 00 0c 01 62 35 01 01 0c 01 63 ff'))), 'abc'));
  it('unknown codes survive, raw and in order', () => {
    const m = decodeOk(packet('fa 03 01 02 03 35 01 01 e0 00 ff'));
    assert.deepEqual([...m.options].map(([code, value]) => [code, ...value]), [[250, 1, 2, 3], [53, 1], [224]]);
  });
  it('a field without its NUL, and one that is not UTF-8', () => {
    const m = decodeOk(packet('ff', (b) => {
      b.fill(0x61, 44, 108);
      b.set([0xe9, 0x62, 0], 108);
    }));
    assert.deepEqual([m.sname.length, m.file, bootFile(m)], [64, 'éb', 'éb']);
  });
  it('a BOOTP packet with a foreign cookie, or cut before it', () => {
    for (const bytes of [packet('35 01 01', (b) => b.write('STAN', 236)), packet('').subarray(0, 238)]) {
      const m = decodeOk(bytes);
      assert.deepEqual([m.cookie, m.options.size], [false, 0]);
    }
  });
  it('a Uint8Array in the middle of a larger buffer', () => {
    const whole = new Uint8Array([9, 9, ...packet('35 01 02 ff')]);
    assert.equal(messageType(decodeOk(whole.subarray(2))), 2);
  });
});

describe('dhcp decode: any bytes', () => {
  const useAll = (bytes: Uint8Array): void => {
    const decoded = decode(bytes);
    if (decoded.ok) for (const get of allGetters) get(decoded.message);
    else assert.ok(decoded.at <= bytes.length, `offset ${decoded.at} is outside`);
    explain(bytes);
  };

  it(`random bytes never throw (seed ${seed})`, () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 700 }), useAll), { seed, numRuns: 300 });
  });
  it(`random options never throw, nor do their getters (seed ${seed})`, () => {
    const codes = fc.constantFrom(12, 43, 50, 52, 53, 55, 57, 60, 61, 77, 81, 82, 93, 94, 97, 119, 121, 150, 175);
    const option = fc.tuple(codes, fc.uint8Array({ maxLength: 40 })).map(([code, value]) => Buffer.from([code, value.length, ...value]));
    const messages = fc.array(option, { maxLength: 12 }).map((options) => packet(Buffer.concat(options).toString('hex')));
    fc.assert(fc.property(messages, useAll), { seed, numRuns: 500 });
  });
  it(`a golden with a few bytes changed never throws (seed ${seed})`, () => {
    const goldens = readGoldens('dhcp').map((golden) => golden.bytes);
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(fc.property(fc.constantFrom(...goldens), fc.array(change, { maxLength: 6 }), (golden, changes) => {
      const bytes = Buffer.from(golden);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      useAll(bytes);
    }), { seed, numRuns: 500 });
  });
  it('truncation at every offset', () => {
    for (const { name, bytes } of readGoldens('dhcp')) {
      for (let length = 0; length < bytes.length; length++) {
        const decoded = decode(bytes.subarray(0, length));
        if (length < 236) assert.deepEqual(decoded, { ok: false, at: length, why: 'too-short' }, name);
        else if (!decoded.ok) assert.ok(decoded.at < length && decoded.why.startsWith('option-'), `${name} cut at ${length}`);
        else for (const get of allGetters) get(decoded.message);
      }
    }
  });
  it('a packet full of pieces of one option stays cheap', () => {
    const bytes = packet('0c 01 61'.repeat(20_000));
    assert.equal(hostName(decodeOk(bytes))?.length, 20_000);
  });
});
