import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goldenMessage } from '../testing/goldens.ts';
import { sampleMessage } from '../testing/samples.ts';
import { classify, type ClientKind, type Stage } from './client.ts';

const hex = (text: string): string => Buffer.from(text).toString('hex');

const goldens: [golden: string, kind: ClientKind, stage: Stage, architecture: number | null][] = [
  ['aavmf-arm64-pxe-discover', 'pxe-uefi-arm64', 'firmware', 11],
  ['ipxe-efi-discover', 'ipxe', 'ipxe', 7],
  ['ipxe-rom-e1000-discover', 'ipxe', 'ipxe', 0],
  ['ipxe-rom-virtio-discover', 'ipxe', 'ipxe', 0],
  ['ovmf-x64-http-discover', 'http-uefi-x64', 'firmware', 16],
  ['ovmf-x64-pxe-discover', 'pxe-uefi-x64', 'firmware', 7],
  ['ovmf-x64-pxe-request', 'pxe-uefi-x64', 'firmware', 7],
  ['raspberry-pi4-discover', 'raspberry-pi', 'firmware', 0],
  ['raspberry-pi3-discover', 'raspberry-pi', 'firmware', 0],
  ['bsdp-list-inform', 'bsdp', 'firmware', null],
  ['edk2-boot-server-request', 'pxe-uefi-x64', 'firmware', 7],
  ['snponly-efi-discover', 'ipxe', 'ipxe', 7],
  ['udhcpc-discover', 'plain', 'os', null],
  ['undionly-discover', 'ipxe', 'ipxe', 0],
  ['bootp-request', 'plain', 'os', null],
];

for (const [golden, kind, stage, architecture] of goldens) {
  test(`classify: ${golden}`, () => {
    const client = classify(goldenMessage(golden));
    assert.deepEqual([client.kind, client.stage, client.architecture], [kind, stage, architecture]);
  });
}

test('classify: what an iPXE can do is noted', () => {
  const { features } = classify(goldenMessage('ipxe-rom-virtio-discover'));
  assert.ok(features?.includes('http') && !features.includes('https'), "Debian's ROM of 2019 has HTTP and no HTTPS (lab)");
  assert.deepEqual(classify(sampleMessage({ options: { 77: hex('iPXE') } })).features, []);
});

test('classify: the ROM of a Pi 3 boots from the OFFER, the EEPROM of a Pi 4 does not', () => {
  const [first, later] = [classify(goldenMessage('raspberry-pi3-discover')), classify(goldenMessage('raspberry-pi4-discover'))];
  assert.deepEqual([first.pi, first.offerOnly], [{ code: 'rom', constantUuid: true }, true]);
  assert.deepEqual([later.pi, later.offerOnly], [{ code: 'eeprom', constantUuid: false }, undefined]);
});

test('classify: a Mac says its processor and model', () => {
  assert.deepEqual(classify(goldenMessage('bsdp-list-inform')).bsdp, { architecture: 'i386', model: 'MacBook3,1' });
});

const prefixes = ['b8:27:eb', 'dc:a6:32', 'e4:5f:01', 'd8:3a:dd', '2c:cf:67', '28:cd:c1'];
for (const prefix of prefixes) {
  test(`classify: PXE from ${prefix} is a Raspberry Pi, its system is not`, () => {
    const mac = `${prefix}:01:02:03`;
    assert.equal(classify(sampleMessage({ mac, options: { 60: hex('PXEClient:Arch:00000:UNDI:002001'), 93: '0000' } })).kind, 'raspberry-pi');
    assert.equal(classify(sampleMessage({ mac, options: { 60: hex('dhcpcd-9.4.1:Linux-6.1') } })).kind, 'plain');
  });
}

const made: [name: string, options: Record<number, string>, kind: ClientKind][] = [
  ['BIOS ROM', { 60: hex('PXEClient:Arch:00000:UNDI:002001'), 93: '0000' }, 'pxe-bios'],
  ['BIOS ROM without option 93', { 60: hex('PXEClient:Arch:00000:UNDI:002001') }, 'pxe-bios'],
  ['UEFI IA32', { 60: hex('PXEClient:Arch:00006:UNDI:003000'), 93: '0006' }, 'pxe-uefi-ia32'],
  ['UEFI x64 that says byte code', { 60: hex('PXEClient'), 93: '0009' }, 'pxe-uefi-x64'],
  ['an architecture unheard of', { 60: hex('PXEClient'), 93: '00ff' }, 'pxe-other'],
  ['UEFI arm32', { 60: hex('PXEClient'), 93: '000a' }, 'pxe-uefi-arm32'],
  ['UEFI RISC-V', { 60: hex('PXEClient:Arch:00027:UNDI:003000'), 93: '001b' }, 'pxe-uefi-riscv64'],
  ['UEFI LoongArch', { 60: hex('PXEClient'), 93: '0027' }, 'pxe-uefi-loongarch64'],
  ['rpiboot', { 60: hex('PXEClient'), 93: '0029' }, 'raspberry-pi'],
  ['HTTP boot IA32', { 60: hex('HTTPClient:Arch:00015:UNDI:003000'), 93: '000f' }, 'http-uefi-ia32'],
  ['HTTP boot x64 with the PXE number', { 60: hex('HTTPClient'), 93: '0007' }, 'http-uefi-x64'],
  ['HTTP boot arm32', { 60: hex('HTTPClient'), 93: '0012' }, 'http-uefi-arm32'],
  ['HTTP boot BIOS', { 60: hex('HTTPClient'), 93: '0014' }, 'http-bios'],
  ['HTTP boot RISC-V', { 60: hex('HTTPClient'), 93: '001c' }, 'http-uefi-riscv64'],
  ['HTTP boot LoongArch', { 60: hex('HTTPClient'), 93: '0028' }, 'http-uefi-loongarch64'],
  ['HTTP boot, unheard of', { 60: hex('HTTPClient'), 93: '00ff' }, 'http-other'],
  ['HTTP boot arm64', { 60: hex('HTTPClient:Arch:00019:UNDI:003000'), 93: '0013' }, 'http-uefi-arm64'],
  ['iPXE in RFC 3004 form', { 60: hex('PXEClient'), 77: `04${hex('iPXE')}`, 93: '0007' }, 'ipxe'],
  ['iPXE with option 175 only', { 175: 'eb03010000' }, 'ipxe'],
  ['architecture without a vendor class', { 93: '0007' }, 'plain'],
  ['an ONIE switch', { 60: hex('onie_vendor:x86_64-accton_as7712_32x-r0'), 77: `14${hex('onie_dhcp_user_class')}` }, 'onie'],
  ['an ONIE switch by its user class alone', { 77: hex('onie_dhcp_user_class') }, 'onie'],
  ['a Mac', { 60: hex('AAPLBSDPC/i386/iMac14,2') }, 'bsdp'],
  ['macOS itself', { 60: hex('AAPLBSDP') }, 'plain'],
  ['debian-installer', { 60: hex('d-i') }, 'plain'],
  ['a Windows client', { 60: hex('MSFT 5.0') }, 'plain'],
];

for (const [name, options, kind] of made) {
  test(`classify: ${name}`, () => assert.equal(classify(sampleMessage({ options })).kind, kind));
}
