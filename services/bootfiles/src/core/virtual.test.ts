import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseForwarded } from './forwarded.ts';
import { isAddressHex, parseVirtual } from './virtual.ts';

const mac = '52:54:00:77:00:01';
const rows: [name: string, path: string, expected: unknown][] = [
  ['Debian’s signed network GRUB', 'grub/x86_64-efi/grub.cfg', { flavour: 'grub', hint: {} }],
  ['its fallback', 'grub/grub.cfg', { flavour: 'grub', hint: {} }],
  ['the name it takes for MAAS', 'grub/grub.cfg-default-amd64', { flavour: 'grub', hint: {} }],
  ['a GRUB built for an ESP', 'EFI/debian/grub.cfg', { flavour: 'grub', hint: {} }],
  ['the loader’s own directory', 'grub.cfg', { flavour: 'grub', hint: {} }],
  ['GRUB by MAC', 'grub/grub.cfg-01-52-54-00-77-00-01', { flavour: 'grub', hint: { mac } }],
  ['GRUB by MAC, upper case, colons', 'grub/grub.cfg-01-52:54:00:77:00:01', { flavour: 'grub', hint: { mac } }],
  ['GRUB by UUID', 'grub/grub.cfg-a1234567-89ab-4cde-8123-456789000001', { flavour: 'grub', hint: {} }],
  ['GRUB by address', 'grub/grub.cfg-0A4D0009', { flavour: 'grub', hint: { addressHex: '0A4D0009' } }],
  ['PXELINUX by UUID', 'pxelinux.cfg/a1234567-89ab-4cde-8123-456789000001', { flavour: 'pxelinux', hint: {} }],
  ['PXELINUX by MAC', 'pxelinux.cfg/01-52-54-00-77-00-01', { flavour: 'pxelinux', hint: { mac } }],
  ['PXELINUX by MAC, upper case', 'PXELINUX.CFG/01-52-54-00-77-00-01', { flavour: 'pxelinux', hint: { mac } }],
  ['PXELINUX by address', 'pxelinux.cfg/0A4D0009', { flavour: 'pxelinux', hint: { addressHex: '0A4D0009' } }],
  ['PXELINUX by a shorter one', 'pxelinux.cfg/0A4', { flavour: 'pxelinux', hint: { addressHex: '0A4' } }],
  ['PXELINUX default', 'bios/pxelinux.cfg/default', { flavour: 'pxelinux', hint: {} }],
  ['PXELINUX, a choice of our menu', 'pxelinux.cfg/choice/memory-test/default', { flavour: 'pxelinux', hint: { choice: 'memory-test' } }],
  ['GRUB, a choice of our menu', 'grub/choice/enlist/grub.cfg', { flavour: 'grub', hint: { choice: 'enlist' } }],
  ['Pi by serial', '9f32a1bc/start4.elf', { flavour: 'pi', hint: {}, file: 'start4.elf' }],
  ['Pi by MAC', 'DC-A6-32-01-36-C2/config.txt', { flavour: 'pi', hint: { mac: 'dc:a6:32:01:36:c2' }, file: 'config.txt' }],
  ['Pi, a file in a folder', '9f32a1bc/overlays/overlay_map.dtb', { flavour: 'pi', hint: {}, file: 'overlays/overlay_map.dtb' }],
  ['Pi without a prefix', 'bootcode.bin', { flavour: 'pi', hint: {}, file: 'bootcode.bin' }],
  ['no configuration for this name', 'pxelinux.cfg/zz', undefined],
  ['a module list', 'grub/x86_64-efi/command.lst', undefined],
  ['shim’s revocations', 'revocations_sku.efi', undefined],
  ['a climb', 'a/../grub.cfg', undefined],
  ['a climb of a Pi', '9f32a1bc/../agent/x', undefined],
  ['a line end', 'grub.cfg\nx', undefined],
  ['nothing', '', undefined],
];
for (const [name, path, expected] of rows) test(`virtual: ${name}`, () => assert.deepEqual(parseVirtual(path), expected));

test('virtual: any text is a file or none, and a Pi’s file never climbs', () => {
  const part = fc.constantFrom('grub.cfg', '..', '.', '9f32a1bc', 'pxelinux.cfg', '%2e', 'x', '', 'start4.elf', '\\', '\0');
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(part).map((parts) => parts.join('/'))), (path) => {
    const file = parseVirtual(path);
    if (file?.flavour === 'pi') assert.ok(!file.file.split('/').some((one) => one === '..' || one === '.' || one === ''));
  }));
});

test('an address in hex agrees from its first digit on', () => {
  for (const digits of ['0', '0A4', '0A4D0009']) assert.ok(isAddressHex(digits, '10.77.0.9'), digits);
  for (const digits of ['1', '0A4D000A', '0A4D00090']) assert.ok(!isAddressHex(digits, '10.77.0.9'), digits);
  assert.ok(!isAddressHex('0', 'fd00::9'));
});

const forwarded: [header: string | undefined, address: string | undefined][] = [
  ['for=10.77.0.9', '10.77.0.9'], ['For=10.77.0.9;proto=http', '10.77.0.9'], ['for="10.77.0.9:2070"', '10.77.0.9'], ['by=127.0.0.1; for=10.77.0.9', '10.77.0.9'],
  ['for="[FD00::9]:1"', 'fd00::9'], ['for="[::ffff:10.77.0.9]"', '10.77.0.9'],
  [undefined, undefined], ['', undefined], ['for=unknown', undefined], ['for=_hidden', undefined], ['for=10.77.0.9, for=10.77.0.8', undefined], ['for=10.77.0.9;for=10.77.0.8', undefined],
  ['for=10.77.0.999', undefined], ['for="10.77.0.9', undefined], ['10.77.0.9', undefined], ['by=10.77.0.9', undefined],
];
for (const [header, address] of forwarded) test(`Forwarded: ${header}`, () => assert.equal(parseForwarded(header), address));
