import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4 } from '@ironbus/contracts';
import { arpProbe, arpSender } from './arp.ts';

const ours = Uint8Array.of(0x52, 0x54, 0, 0x77, 0, 1);
const head = (operation: string): string => `ffffffffffff5254007700020806${'000108000604'}${operation}`;
const packet = (operation: string, sender: string, target: string): Buffer =>
  Buffer.from(`${head(operation)}525400770002${sender}000000000000${target}`, 'hex');

test('a probe is the request of RFC 5227 with sender address 0.0.0.0', () => {
  assert.equal(arpProbe(ours, '10.77.0.100' as Ipv4).toString('hex'),
    'ffffffffffff' + '525400770001' + '0806' + '0001080006040001' + '525400770001' + '00000000' + '000000000000' + '0a4d0064');
});

test('who says that an address is his', () => {
  const his = { address: '10.77.0.100', mac: '52:54:00:77:00:02' };
  const rows: [string, Buffer, unknown][] = [
    ['a reply', packet('0002', '0a4d0064', '00000000'), his],
    ['a request for another', packet('0001', '0a4d0064', '0a4d0001'), his],
    ['an announcement', packet('0001', '0a4d0064', '0a4d0064'), his],
    ['a padded reply', Buffer.concat([packet('0002', '0a4d0064', '00000000'), Buffer.alloc(18)]), his],
    ["somebody's probe", packet('0001', '00000000', '0a4d0064'), undefined],
    ['another EtherType', Buffer.from(packet('0002', '0a4d0064', '00000000').toString('hex').replace('0806', '0800'), 'hex'), undefined],
    ['not Ethernet', Buffer.from(packet('0002', '0a4d0064', '00000000').toString('hex').replace('00010800', '00060800'), 'hex'), undefined],
    ['cut', packet('0002', '0a4d0064', '00000000').subarray(0, 41), undefined],
    ['empty', Buffer.alloc(0), undefined],
  ];
  for (const [name, frame, expected] of rows) assert.deepEqual(arpSender(frame), expected, name);
});
