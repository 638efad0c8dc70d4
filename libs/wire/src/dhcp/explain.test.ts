import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readGolden, readGoldens } from '../goldens.ts';
import { explain } from './explain.ts';
import { optionName, optionTable } from './option-table.ts';

const lines = (name: string): string[] => explain(readGolden('dhcp', name)).split('\n');

describe('dhcp explain', () => {
  it('says who asks for what', () => {
    const told = lines('ovmf-x64-http-discover');
    assert.equal(told[0], 'DHCPDISCOVER, 340 bytes');
    assert.ok(told.includes('  chaddr 52:54:00:77:00:13'));
    assert.ok(told.some((line) => line.startsWith('   93 client architecture') && line.endsWith('16 efi x64 http  [0010]')));
  });
  it('shows sub-options of 82, 175 and BSDP by name', () => {
    assert.ok(lines('rfc3046-relayed-discover').includes('      5 link selection: 0a4d0200'));
    assert.ok(lines('ipxe-rom-virtio-ack').includes('      176 no proxy dhcp: 01'));
    assert.ok(lines('bsdp-list-ack').includes('      image 0100008a "Debian Linux"'));
  });
  it('shows overload, routes and search list', () => {
    assert.ok(lines('rfc2132-overload').some((line) => line.includes('file and sname')));
    assert.ok(lines('rfc3442-routes').some((line) => line.includes('10.229.0.128/25 via 10.0.0.6')));
    assert.ok(lines('rfc3397-search').some((line) => line.includes('eng.apple.com, marketing.apple.com')));
  });
  it('explains every golden without a malformed option', () => {
    for (const { name, bytes } of readGoldens('dhcp')) assert.doesNotMatch(explain(bytes), /malformed/, name);
  });
  it('says where and why bytes are malformed', () => assert.equal(explain(Buffer.from('0101', 'hex')), 'malformed at byte 2 of 2: too-short; 0101'));
});

describe('dhcp option table', () => {
  it('has ascending codes in 1..254, each once', () => {
    const codes = optionTable.map(([code]) => code);
    assert.deepEqual(codes, [...new Set(codes)].filter((code) => code > 0 && code < 255).sort((a, b) => a - b));
  });
  it('names what it knows', () => assert.deepEqual([optionName(53), optionName(230)], ['message type', 'option 230']));
});
