import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DhcpOption } from '../network.ts';
import { ownCode, readDhcpOption } from './options.ts';

const rows: [name: string, type: DhcpOption['type'], value: string, expected: string | RegExp][] = [
  ['text', 'text', 'UTC0', '55544330'], ['text is bytes of UTF-8', 'text', 'ü', 'c3bc'], ['text with spaces stays', 'text', ' a ', '206120'],
    ['no text', 'text', '', /is empty/], ['text with a zero', 'text', 'a\0b', /zero byte/],
  ['one address', 'ip', '10.0.0.1', '0a000001'], ['addresses', 'ip', '10.0.0.1, 10.0.0.2', '0a0000010a000002'],
    ['no address', 'ip', '', /"" *, which is not an IPv4 address/], ['a name', 'ip', 'router', /"router", which is not an IPv4/],
  ['an address too short', 'ip', '10.0.1', /not an IPv4/], ['a final comma', 'ip', '10.0.0.1,', /not an IPv4/], ['an IPv6 address', 'ip', '::1', /not an IPv4/],
  ['u8', 'u8', '255', 'ff'], ['u8 too large', 'u8', '256', /0 to 255/], ['u8 negative', 'u8', '-1', /0 to 255/], ['several u8', 'u8', '1,2,3', '010203'],
  ['u16', 'u16', '258', '0102'], ['u16 too large', 'u16', '65536', /0 to 65535/], ['u32', 'u32', '4294967295', 'ffffffff'],
    ['u32 too large', 'u32', '4294967296', /0 to 4294967295/], ['a fraction', 'u32', '1.5', /whole number/],
  ['hex', 'hex', '01fF', '01ff'], ['hex with colons', 'hex', '01:ff:00', '01ff00'], ['hex with spaces', 'hex', '01 ff', '01ff'],
    ['hex with 0x', 'hex', '0x01ff', '01ff'], ['half a byte', 'hex', '1', /is not hex/], ['no hex', 'hex', 'zz', /is not hex/],
];
for (const [name, type, value, expected] of rows) {
  test(`option value: ${name}`, () => {
    const read = readDhcpOption({ type, value });
    if (typeof expected === 'string') assert.equal(read.ok && Buffer.from(read.bytes).toString('hex'), expected);
    else assert.match(read.ok ? 'bytes' : read.why, expected);
  });
}

test('no text whatever makes it throw, and numbers come back', () => {
  fc.assert(fc.property(fc.constantFrom('text', 'ip', 'u8', 'u16', 'u32', 'hex'), fc.string(), (type, value) =>
    { readDhcpOption({ type: type as DhcpOption['type'], value }); }));
  fc.assert(fc.property(fc.nat(0xff_ff_ff_ff), (value) => {
    const read = readDhcpOption({ type: 'u32', value: String(value) });
    assert.equal(read.ok && Buffer.from(read.bytes).readUInt32BE(), value);
  }));
});

/** What can not be set, and the word that its reason must have. */
const owned: [codes: number[], says: RegExp][] = [
  [[1, 28], /cidr/], [[3], /gateway/], [[6], /dnsServers/], [[12], /hostname/], [[15], /domain/], [[26], /mtu/], [[42], /ntpServers/], [[43], /bootMenu/],
    [[51, 58, 59], /leaseSeconds/], [[54, 66], /serverAddress/],
  [[67, 13, 209], /loader/], [[119], /searchDomains/], [[121, 33, 249], /staticRoutes/], [[50, 55, 57, 77, 93, 94, 97, 118], /only clients/],
    [[52, 53, 56, 60, 61, 80, 81, 82, 90, 145, 151, 157, 175, 220], /./],
];
for (const [codes, says] of owned) for (const code of codes) test(`option ${code} is the server’s own, with the field to use instead`, () =>
  assert.match(ownCode(code) ?? '', says));

test('what is nobody’s business but the network’s can be set', () => {
  for (const code of [2, 4, 7, 17, 23, 40, 44, 69, 100, 101, 108, 114, 116, 125, 128, 138, 150, 203, 224, 252, 254]) assert.equal(ownCode(code), undefined,
    String(code));
});
