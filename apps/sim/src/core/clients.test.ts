import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { clientUuid, decode, encode, formatMac, MessageType, messageType, parseHex, requestedAddress, serverId } from '@ironbus/wire';
import { clientMessage, patienceOf, tftpHabits, type BootStage } from './clients.ts';
import type { Firmware } from './spec.ts';

const golden = (file: string): Buffer => {
  const parsed = parseHex(readFileSync(join(import.meta.dirname, '../../../../libs/wire/golden', file), 'utf8'));
  assert.ok(parsed.ok, file);
  return Buffer.from(parsed.bytes);
};

/** What was captured, said again by us: byte for byte. */
const captured: { file: string; firmware: Firmware; stage: BootStage }[] = [
  { file: 'dhcp/undionly-discover.hex', firmware: 'bios', stage: 'ipxe' },
  { file: 'dhcp/snponly-efi-discover.hex', firmware: 'uefi', stage: 'ipxe' },
  { file: 'dhcp/ovmf-x64-pxe-discover.hex', firmware: 'uefi', stage: 'firmware' },
];
for (const { file, firmware, stage } of captured) {
  test(`${file} is what the simulated client sends`, () => {
    const bytes = golden(file);
    const decoded = decode(bytes);
    assert.ok(decoded.ok);
    const { message } = decoded;
    const spec = { name: '', serial: '', firmware, mac: formatMac(message.chaddr), uuid: clientUuid(message) ?? '' };
    const ours = encode(clientMessage({ spec, stage, type: MessageType.discover, xid: message.xid, secs: message.secs }));
    assert.equal(Buffer.from(ours).toString('hex'), bytes.toString('hex'));
  });
}

test('a REQUEST names the offered address and its server', () => {
  const spec = { name: '', serial: '', firmware: 'bios' as const, mac: '02:00:00:00:00:01', uuid: '00112233-4455-6677-8899-aabbccddeeff' };
  for (const stage of ['firmware', 'ipxe', 'os'] as const) {
    const message = clientMessage({ spec, stage, type: MessageType.request, xid: 1, secs: 0, address: '10.0.0.5', server: '10.0.0.1', giaddr: '10.0.0.2' });
    assert.deepEqual([messageType(message), requestedAddress(message), serverId(message), message.giaddr, message.hops], [MessageType.request, '10.0.0.5', '10.0.0.1', '10.0.0.2', 1], stage);
  }
});

test('TFTP requests of UEFI are those of OVMF', () => {
  const text = (file: string): string => golden(file).toString('latin1');
  const asked = (options: readonly { name: string; value: string }[]): string => options.map(({ name, value }) => `${name}\0${value}\0`).join('');
  const { probe, options } = tftpHabits.uefi;
  assert.ok(text('tftp/ovmf-rrq-tsize.hex').endsWith(`octet\0${asked(probe.options)}`), text('tftp/ovmf-rrq-tsize.hex'));
  assert.ok(text('tftp/ovmf-rrq-window.hex').endsWith(`octet\0${asked(options)}`), text('tftp/ovmf-rrq-window.hex'));
  assert.ok(text('tftp/ovmf-abort.hex').includes(probe.message));
});

test('firmware asks for a minute, iPXE for 15 s, in the agent udhcpc for 5 s', () => {
  const total = (stage: BootStage, what: 'discoverMs' | 'requestMs'): number => patienceOf(stage, 'bios')[what].reduce((sum, ms) => sum + ms, 0);
  const stages = ['firmware', 'ipxe', 'os'] as const;
  assert.deepEqual(stages.map((stage) => total(stage, 'discoverMs')), [60_000, 15_000, 5_000]);
  assert.deepEqual(stages.map((stage) => total(stage, 'requestMs')), [60_000, 15_750, 5_000]);
});
