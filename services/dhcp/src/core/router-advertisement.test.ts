import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksum, emptyAdvertisement, OtherRouters, parseIpv6, readNeighbourDiscovery, solicitation } from './router-advertisement.ts';

const v6 = (text: string): Uint8Array => parseIpv6(text) ?? assert.fail(`${text} is no address`);
const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');

// Captured by tcpdump between two Linux namespaces ("icmp6 sum ok"); the kernel wrote the checksum.
const ends = { source: v6('fe80::7cad:b1ff:feed:e8d0'), destination: v6('fe80::ac00:fcff:feae:3f5d') };

test('an advertisement says nothing and has the checksum that the kernel wrote', () => {
  assert.deepEqual(Buffer.from(emptyAdvertisement(ends)), Buffer.from(bytes('8600 7f3a 0000 0000 00000000 00000000')));
});

test('a checksum over message and pseudo header is 0', () => {
  for (const message of [emptyAdvertisement(ends), solicitation({ source: ends.source, destination: v6('ff02::2') })]) {
    const destination = message[0] === 133 ? v6('ff02::2') : ends.destination;
    assert.equal(checksum([ends.source, destination, Uint8Array.of(0, 0, 0, message.length, 0, 0, 0, 58), message]), 0);
  }
});

const rows: [name: string, hex: string, heard: object | undefined][] = [
  ['a solicitation', '8500 0000 00000000', { kind: 'solicitation' }],
  ['with the link-layer address, as iPXE and Linux send', '8500 0000 00000000 0101 525400770001', { kind: 'solicitation' }],
  ['a router for half an hour', '8600 0000 40000708 00000000 00000000', { kind: 'advertisement', lifetimeSeconds: 1800 }],
  ['a router that resigns', '8600 0000 40000000 00000000 00000000', { kind: 'advertisement', lifetimeSeconds: 0 }],
  ['an option of length 0', '8500 0000 00000000 0100 525400770001', undefined],
  ['an option that overruns', '8500 0000 00000000 0102 525400770001', undefined],
  ['an advertisement cut short', '8600 0000 40000708 00000000', undefined],
  ['a neighbour solicitation', '8700 0000 00000000', undefined],
  ['another code', '8501 0000 00000000', undefined],
  ['nothing', '', undefined],
];
for (const [name, hex, heard] of rows) test(`neighbour discovery: ${name}`, () => assert.deepEqual(readNeighbourDiscovery(bytes(hex)), heard));

test('another router counts until its lifetime is over or it resigns', () => {
  const others = new OtherRouters();
  others.hear('fe80::1', 30, 0);
  assert.deepEqual([others.present(29_999), others.present(30_000)], [true, false]);
  others.hear('fe80::1', 30, 0);
  others.hear('fe80::2', 0, 0);
  assert.equal(others.present(1), true);
  others.hear('fe80::1', 0, 1);
  assert.equal(others.present(2), false);
});

test('IPv6 addresses in text', () => {
  assert.equal(Buffer.from(v6('ff02::2%eth0')).toString('hex'), 'ff020000000000000000000000000002');
  assert.equal(Buffer.from(v6('::')).toString('hex'), '0'.repeat(32));
  for (const bad of ['', '1::2::3', '1:2:3:4:5:6:7', '12345::', 'g::', '10.0.0.1', '1:2:3:4:5:6:7::8']) assert.equal(parseIpv6(bad), undefined, bad);
});
