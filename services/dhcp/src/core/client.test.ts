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
  ['raspberry-pi4-discover', 'pxe-bios', 'firmware', 0],
  ['snponly-efi-discover', 'ipxe', 'ipxe', 7],
  ['udhcpc-discover', 'plain', 'os', null],
  ['undionly-discover', 'ipxe', 'ipxe', 0],
  ['bootp-request', 'plain', 'os', null],
];

for (const [golden, kind, stage, architecture] of goldens) {
  test(`classify: ${golden}`, () => assert.deepEqual(classify(goldenMessage(golden)), { kind, stage, architecture }));
}

const made: [name: string, options: Record<number, string>, kind: ClientKind][] = [
  ['BIOS ROM', { 60: hex('PXEClient:Arch:00000:UNDI:002001'), 93: '0000' }, 'pxe-bios'],
  ['BIOS ROM without option 93', { 60: hex('PXEClient:Arch:00000:UNDI:002001') }, 'pxe-bios'],
  ['UEFI IA32', { 60: hex('PXEClient:Arch:00006:UNDI:003000'), 93: '0006' }, 'pxe-uefi-ia32'],
  ['UEFI x64 that says byte code', { 60: hex('PXEClient'), 93: '0009' }, 'pxe-uefi-x64'],
  ['an architecture unheard of', { 60: hex('PXEClient'), 93: '00ff' }, 'pxe-other'],
  ['HTTP boot arm64', { 60: hex('HTTPClient:Arch:00019:UNDI:003000'), 93: '0013' }, 'http-uefi-arm64'],
  ['iPXE in RFC 3004 form', { 60: hex('PXEClient'), 77: `04${hex('iPXE')}`, 93: '0007' }, 'ipxe'],
  ['iPXE with option 175 only', { 175: 'eb03010000' }, 'ipxe'],
  ['architecture without a vendor class', { 93: '0007' }, 'plain'],
  ['a Windows client', { 60: hex('MSFT 5.0') }, 'plain'],
];

for (const [name, options, kind] of made) {
  test(`classify: ${name}`, () => assert.equal(classify(sampleMessage({ options })).kind, kind));
}
