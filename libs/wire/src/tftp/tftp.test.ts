import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readGolden, readGoldens } from '../goldens.ts';
import { decodeTftp } from './decode.ts';
import { dataHeader, encodeAck, encodeData, encodeError, encodeOack, encodeRrq, encodeTftp, encodeWrq } from './encode.ts';
import { knownOptions, type TftpOption, type TftpPacket } from './packets.ts';

const seed = 20261121;
const options = (text: string): TftpOption[] => text.split(' ').filter(Boolean).map((pair) => {
  const [name = '', value = ''] = pair.split('=');
  return { name, value };
});

function decodeOk(bytes: Uint8Array): TftpPacket {
  const decoded = decodeTftp(bytes);
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return decoded.packet;
}

const rrq = (file: string, text: string): TftpPacket => ({ kind: 'rrq', file, mode: 'octet', options: options(text) });

const goldens: ReadonlyArray<[name: string, packet: TftpPacket]> = [
  ['ovmf-rrq-tsize', rrq('ipxe.efi', 'tsize=0 blksize=1468 windowsize=4')],
  ['ovmf-rrq-window', rrq('ipxe.efi', 'blksize=1468 windowsize=4')],
  ['ovmf-abort', { kind: 'error', code: 8, message: 'User aborted the transfer' }],
  ['dnsmasq-oack', { kind: 'oack', options: options('blksize=1468 tsize=850528') }],
  ['shim-rrq', rrq('revocations_sku.efi', 'blksize=512 windowsize=4')],
  ['grub-rrq', rrq('/grub/grub.cfg', 'blksize=1024 tsize=0')],
  ['pxelinux-rrq', rrq('pxelinux.cfg/01-52-54-00-77-00-03', 'tsize=0 blksize=1408')],
  ['ipxe-rrq', rrq('undionly.kpxe', 'blksize=1432 tsize=0')],
  ['ipxe-ack-oack', { kind: 'ack', block: 0 }],
  ['rfc1350-data', { kind: 'data', block: 258, payload: Buffer.from('hello') }],
  ['rfc1350-wrq-netascii', { kind: 'wrq', file: 'log.txt', mode: 'netascii', options: [] }],
];

describe('tftp goldens', () => {
  for (const [name, packet] of goldens) {
    it(`${name}: decode`, () => assert.deepEqual(decodeOk(readGolden('tftp', name)), packet));
    it(`${name}: encode`, () => assert.equal(Buffer.from(encodeTftp(packet)).toString('hex'), readGolden('tftp', name).toString('hex')));
  }
  it('all are in the table', () => assert.deepEqual(readGoldens('tftp').map((g) => g.name), goldens.map(([name]) => name).sort()));
});

describe('tftp decode', () => {
  const text = (s: string): Buffer => Buffer.from(s, 'latin1');
  const malformed: ReadonlyArray<[name: string, bytes: Buffer, at: number, why: string]> = [
    ['empty', Buffer.alloc(0), 0, 'too-short'],
    ['one byte', Buffer.alloc(1), 1, 'too-short'],
    ['opcode 0', Buffer.alloc(4), 0, 'unknown-opcode'],
    ['opcode 256', text('\x01\x00\0\0'), 0, 'unknown-opcode'],
    ['ACK of 3 bytes', text('\0\x04\0'), 3, 'too-short'],
    ['RRQ without a name', text('\0\x01\0octet\0'), 2, 'no-file-name'],
    ['RRQ name without NUL', text('\0\x01abc'), 2, 'unterminated'],
    ['RRQ mode without NUL', text('\0\x01a\0octet'), 4, 'unterminated'],
    ['option without value', text('\0\x01a\0octet\0tsize\0'), 10, 'unterminated'],
    ['option value without NUL', text('\0\x01a\0octet\0tsize\x000'), 10, 'unterminated'],
    ['option without a name', text('\0\x01a\0octet\0\x000\0'), 10, 'option-without-name'],
    ['OACK with a cut option', text('\0\x06blksize'), 2, 'unterminated'],
  ];
  for (const [name, bytes, at, why] of malformed) it(name, () => assert.deepEqual(decodeTftp(bytes), { ok: false, at, why }));

  it('names and mode in any case, order kept, of a name sent twice the first', () => {
    assert.deepEqual(decodeOk(text('\0\x01a\0OCTET\0BlkSize\x00512\0TSIZE\x000\0blksize\x001024\0')), rrq('a', 'blksize=512 tsize=0'));
  });
  it('a tail of NULs is padding', () => assert.deepEqual(decodeOk(text('\0\x01a\0octet\0\0\0\0')), rrq('a', '')));
  it('a file name in UTF-8, and one that is not', () => {
    assert.equal((decodeOk(text('\0\x01\xc3\xa9\0octet\0')) as { file: string }).file, 'é');
    assert.equal((decodeOk(text('\0\x01\xe9\0octet\0')) as { file: string }).file, 'é');
  });
  it('an ERROR without NUL, an ACK with more bytes', () => {
    assert.deepEqual(decodeOk(text('\0\x05\0\x01gone')), { kind: 'error', code: 1, message: 'gone' });
    assert.deepEqual(decodeOk(text('\0\x04\x01\x02rest')), { kind: 'ack', block: 258 });
  });
  it(`random bytes never throw (seed ${seed})`, () => {
    const bytes = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 200 })).map(([op, rest]) => Buffer.from([0, op, ...rest]));
    fc.assert(fc.property(fc.oneof(bytes, fc.uint8Array({ maxLength: 40 })), (b) => {
      const decoded = decodeTftp(b);
      if (!decoded.ok) assert.ok(decoded.at <= b.length);
    }), { seed, numRuns: 1000 });
  });
  it('truncation at every offset', () => {
    for (const { name, bytes } of readGoldens('tftp')) {
      const whole = JSON.stringify(decodeTftp(bytes));
      for (let length = 0; length < bytes.length; length++) {
        const decoded = decodeTftp(bytes.subarray(0, length));
        if (length < 2) assert.deepEqual(decoded, { ok: false, at: length, why: 'too-short' }, name);
        else if (decoded.ok && decoded.packet.kind !== 'error') assert.notEqual(JSON.stringify(decoded), whole, `${name} cut at ${length}`);
      }
    }
  });
});

describe('tftp encode', () => {
  const plain = { noNullPrototype: true } as const;
  const name = fc.string({ unit: fc.constantFrom(...'abc/._-09é'), minLength: 1, maxLength: 40 });
  const option = fc.record({ name: fc.string({ unit: fc.constantFrom(...'abcdefg'), minLength: 1, maxLength: 9 }), value: fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 9 }) }, plain);
  const list = fc.uniqueArray(option, { maxLength: 5, selector: (o) => o.name });
  const u16 = fc.integer({ min: 0, max: 0xffff });
  const packet: fc.Arbitrary<TftpPacket> = fc.oneof(
    fc.record({ kind: fc.constantFrom('rrq' as const, 'wrq' as const), file: name, mode: fc.constantFrom('octet', 'netascii'), options: list }, plain),
    fc.record({ kind: fc.constant('data' as const), block: u16, payload: fc.uint8Array({ maxLength: 600 }).map((b) => Buffer.from(b)) }, plain),
    fc.record({ kind: fc.constant('ack' as const), block: u16 }, plain),
    fc.record({ kind: fc.constant('error' as const), code: u16, message: fc.string({ unit: fc.constantFrom(...'abc é'), maxLength: 40 }) }, plain),
    fc.record({ kind: fc.constant('oack' as const), options: list }, plain),
  );

  it(`round trip of any packet (seed ${seed})`, () => {
    fc.assert(fc.property(packet, (p) => assert.deepEqual(decodeOk(encodeTftp(p)), p)), { seed, numRuns: 500 });
  });
  it('a DATA header is written in place, its block wraps', () => {
    const into = Buffer.from('ffffffffff', 'hex');
    assert.equal(dataHeader(65536 + 258, into), into);
    assert.equal(into.toString('hex'), '00030102ff');
    assert.deepEqual([...encodeData(65536, Uint8Array.of(7))], [0, 3, 0, 0, 7]);
    assert.deepEqual([...encodeAck(65535 + 2)], [0, 4, 0, 1]);
  });
  it('requests by name', () => {
    assert.equal(Buffer.from(encodeRrq('a', options('tsize=0'))).toString('latin1'), '\0\x01a\0octet\0tsize\x000\0');
    assert.equal(Buffer.from(encodeWrq('a')).toString('latin1'), '\0\x02a\0octet\0');
  });
  const mistakes: ReadonlyArray<[name: string, make: () => unknown]> = [
    ['NUL in a name', () => encodeRrq('a\0b')], ['no name', () => encodeRrq('')], ['NUL in an option', () => encodeOack([{ name: 'a', value: '\0' }])],
    ['option without a name', () => encodeOack([{ name: '', value: '1' }])], ['error code 65536', () => encodeError(65536, '')],
    ['no room for a header', () => dataHeader(1, new Uint8Array(3))],
  ];
  for (const [what, make] of mistakes) it(`${what} throws`, () => assert.throws(make, RangeError));
});

describe('tftp options', () => {
  it('known ones in their range', () => {
    assert.deepEqual(knownOptions(options('blksize=1468 windowsize=4 timeout=3 tsize=0 multicast=x')), { blksize: 1468, windowsize: 4, timeout: 3, tsize: 0 });
  });
  it('nothing out of range, signed, hex or huge', () => {
    assert.deepEqual(knownOptions(options('blksize=7 windowsize=0 timeout=256 tsize=-1')), {});
    assert.deepEqual(knownOptions(options('blksize=65465 windowsize=65536 timeout=0x1 tsize=99999999999999999')), {});
  });
});
