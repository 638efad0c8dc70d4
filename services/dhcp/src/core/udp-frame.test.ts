import assert from 'node:assert/strict';
import { test } from 'node:test';
import { broadcastFrame, readUdpFrame } from './udp-frame.ts';

const sourceMac = Uint8Array.of(0x52, 0x54, 0, 0x77, 0, 1);
/** By hand: Ethernet, IPv4 (~(4500 + 002c + 4000 + 4011) = 3ac2, as ffff + ffff adds nothing), UDP 68 to 67, 16 bytes. */
const payload = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const golden = Buffer.from([
  'ffffffffffff525400770001' + '0800',
  '4500002c000040004011' + '3ac2' + '00000000ffffffff',
  '004400430018', // + checksum
].join(''), 'hex');

/** The sum of RFC 1071, written another way than the code's. */
const isWhole = (bytes: Buffer): boolean => {
  let sum = 0n;
  for (let i = 0; i < bytes.length; i += 2) sum += BigInt(bytes.readUInt16BE(i));
  return sum % 0xffffn === 0n;
};

test('a broadcast from nobody has the header of RFC 791 and right checksums', () => {
  const frame = broadcastFrame({ sourceMac, sourcePort: 68, targetPort: 67 }, payload);
  assert.equal(frame.subarray(0, 40).toString('hex'), golden.toString('hex'));
  assert.equal(frame.subarray(42).toString('hex'), payload.toString('hex'));
  assert.ok(isWhole(frame.subarray(14, 34)), 'IPv4');
  const pseudo = Buffer.from('00000000ffffffff00110018', 'hex');
  assert.ok(isWhole(Buffer.concat([pseudo, frame.subarray(34)])), 'UDP');
});

test('what is sent reads back, with padding and IPv4 options too', () => {
  const frame = broadcastFrame({ sourceMac, sourcePort: 68, targetPort: 67 }, payload);
  const expected = { mac: '52:54:00:77:00:01', source: '0.0.0.0', sourcePort: 68, targetPort: 67, payload };
  assert.deepEqual(readUdpFrame(frame), expected);
  assert.deepEqual(readUdpFrame(Buffer.concat([frame, Buffer.alloc(20)])), expected);
  const longer = Buffer.concat([frame.subarray(0, 34), Buffer.from('94040000', 'hex'), frame.subarray(34)]);
  longer[14] = 0x46;
  longer.writeUInt16BE(0x30, 16);
  assert.deepEqual(readUdpFrame(longer), expected);
});

test('other and cut frames are undefined, at every length', () => {
  const frame = broadcastFrame({ sourceMac, sourcePort: 68, targetPort: 67 }, payload);
  for (let length = 0; length < frame.length; length += 1) assert.equal(readUdpFrame(frame.subarray(0, length)), undefined, String(length));
  const changed = (at: number, value: number): Buffer => { const copy = Buffer.from(frame); copy[at] = value; return copy; };
  const rows: Record<string, [number, number]> = {
    'no IPv4 EtherType': [12, 0x86], 'version 6': [14, 0x65], 'header too short': [14, 0x44], 'TCP': [23, 6],
    'UDP longer than IP': [39, 0x19], 'UDP too short': [39, 7],
  };
  for (const [name, [at, value]] of Object.entries(rows)) assert.equal(readUdpFrame(changed(at, value)), undefined, name);
});
