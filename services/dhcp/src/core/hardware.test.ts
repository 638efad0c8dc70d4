import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DhcpMessage } from '@ironbus/wire';
import { sampleMac, sampleMessage } from '../testing/samples.ts';
import { hardwareOf } from './hardware.ts';

const with_ = (changes: Partial<DhcpMessage>, options: Record<number, string> = {}): DhcpMessage => Object.assign(sampleMessage({ options }), changes);
const chaddr = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

const rows: [name: string, message: DhcpMessage, expected: string | undefined][] = [
  ['Ethernet', with_({}), sampleMac],
  ['Ethernet, whatever option 61 says', with_({}, { 61: 'ff00112233' }), sampleMac],
  ['broadcast address', with_({ chaddr: chaddr('ffffffffffff') }), undefined],
  ['multicast address', with_({ chaddr: chaddr('01005e000001') }), undefined],
  ['zero address', with_({ chaddr: chaddr('000000000000') }), undefined],
  ['InfiniBand without an address, by option 61 (RFC 4390)', with_({ htype: 32, chaddr: chaddr('') }, { 61: 'ff0000000000020000' }), '02:c8:bd:56:2d:f8'],
  ['InfiniBand with neither', with_({ htype: 32, chaddr: chaddr('') }), undefined],
];

for (const [name, message, expected] of rows) {
  test(`hardware: ${name}`, () => assert.equal(hardwareOf(message), expected));
}

test('two clients without an address are two, and each stays itself', () => {
  const client = (id: string) => hardwareOf(with_({ htype: 32, chaddr: chaddr('') }, { 61: id }));
  assert.equal(client('ff01'), client('ff01'));
  assert.notEqual(client('ff01'), client('ff02'));
});
