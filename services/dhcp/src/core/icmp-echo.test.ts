import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4 } from '@ironbus/contracts';
import { echoAnswerer, echoRequest } from './icmp-echo.ts';

const cookie = Buffer.from('0123456789abcdef', 'hex');
/** By hand: 20 bytes of IPv4, then type 8, code 0, checksum, id 0x0102, sequence 3, cookie; checksums added up apart. */
const golden = '4500002400004000400124db0a4d00010a4d0164' + '080058d50102' + '0003' + '0123456789abcdef';

/** A reply of 10.77.1.100 to 10.77.0.1; its checksums are the kernel's matter. */
const replyHead = '4500002400000000400100000a4d01640a4d0001';
const reply = ({ head = replyHead, type = '00', id = '0102', cookie: back = '0123456789abcdef' } = {}): Buffer =>
  Buffer.from(`${head}${type}000000${id}0003${back}`, 'hex');

test('a request is RFC 792 in RFC 791', () => {
  assert.equal(echoRequest({ from: '10.77.0.1' as Ipv4, to: '10.77.1.100' as Ipv4, id: 0x0102, sequence: 3, cookie }).toString('hex'), golden);
});

test('only a reply to an own request counts', () => {
  const asked = { id: 0x0102, cookie };
  const rows: [string, Buffer, string | undefined][] = [
    ['the reply', reply(), '10.77.1.100'],
    ['another id', reply({ id: '0103' }), undefined],
    ['another cookie', reply({ cookie: '0123456789abcdee' }), undefined],
    ['a request', reply({ type: '08' }), undefined],
    ['UDP', reply({ head: '4500002400000000401100000a4d01640a4d0001' }), undefined],
    ['a header longer than the packet', reply({ head: '4f00002400000000400100000a4d01640a4d0001' }), undefined],
  ];
  for (const [name, packet, expected] of rows) assert.equal(echoAnswerer(packet, asked), expected, name);
  for (let length = 0; length < reply().length; length += 1) assert.equal(echoAnswerer(reply().subarray(0, length), asked), undefined, `cut to ${length}`);
});
