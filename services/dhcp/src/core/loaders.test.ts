import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loaderTable, pickLoader, type Firmware, type LoaderWish } from './loaders.ts';

const wish = (changes: Partial<LoaderWish> = {}): LoaderWish => ({ choice: 'auto', turn: 0, secureBoot: false, ...changes });
const turns = (firmware: Firmware, changes: Partial<LoaderWish> = {}): string[] =>
  [0, 1, 2, 3].map((turn) => pickLoader(firmware, wish({ ...changes, turn })).file);

const rows: [name: string, firmware: Firmware, changes: Partial<LoaderWish>, files: string[]][] = [
  ['BIOS auto goes round', 'bios', {}, ['undionly.kpxe', 'ipxe.pxe', 'lpxelinux.0', 'undionly.kpxe']],
  ['x64 auto: iPXE, shim, iPXE with its own drivers', 'uefi-x64', {}, ['snponly.efi', 'shimx64.efi', 'ipxe.efi', 'snponly.efi']],
  ['arm64 auto', 'uefi-arm64', {}, ['ipxe-arm64.efi', 'shimaa64.efi', 'ipxe-arm64.efi', 'shimaa64.efi']],
  ['IA32 has one', 'uefi-ia32', {}, Array(4).fill('grubia32.efi')],
  ['x64 iPXE takes turns with itself', 'uefi-x64', { choice: 'ipxe' }, ['snponly.efi', 'ipxe.efi', 'snponly.efi', 'ipxe.efi']],
  ['x64 GRUB', 'uefi-x64', { choice: 'grub' }, Array(4).fill('shimx64.efi')],
  ['BIOS GRUB', 'bios', { choice: 'grub' }, Array(4).fill('grub-i386-pc.0')],
  ['BIOS PXELINUX', 'bios', { choice: 'pxelinux' }, Array(4).fill('lpxelinux.0')],
  ['no PXELINUX for UEFI: auto', 'uefi-x64', { choice: 'pxelinux' }, ['snponly.efi', 'shimx64.efi', 'ipxe.efi', 'snponly.efi']],
  ['no iPXE for IA32: auto', 'uefi-ia32', { choice: 'ipxe' }, Array(4).fill('grubia32.efi')],
  ['Secure Boot takes the signed one', 'uefi-x64', { secureBoot: true }, Array(4).fill('shimx64.efi')],
  ['Secure Boot, though iPXE was chosen', 'uefi-arm64', { secureBoot: true, choice: 'ipxe' }, Array(4).fill('shimaa64.efi')],
  ['Secure Boot where nothing is signed', 'uefi-ia32', { secureBoot: true }, Array(4).fill('grubia32.efi')],
];
for (const [name, firmware, changes, files] of rows) test(`loader: ${name}`, () => assert.deepEqual(turns(firmware, changes), files));

test('every row is reached by a choice, and no rule is there twice', () => {
  const reached = new Set(rows.flatMap(([, firmware, changes]) => turns(firmware, changes)));
  assert.deepEqual(loaderTable.filter(({ file }) => !reached.has(file)), []);
  const rules = loaderTable.flatMap(({ rule, http }) => http === undefined ? [rule] : [rule, http]);
  assert.equal(new Set(rules).size, rules.length);
  assert.ok(loaderTable.every(({ witness }) => witness !== ''));
});
