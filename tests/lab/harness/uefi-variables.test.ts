import assert from 'node:assert/strict';
import { test } from 'node:test';
import { variableNames, withNetworkFirst } from './uefi-variables.ts';

/** Boot0002 as OVMF 2022.11 itself wrote it for this MAC in slot 3 (read from a machine's variable store). */
const witness = '0100000056005500450046004900200050005800450076003400200028004d00410043003a003500320035003400300030003700380030003000300031002900000002010c00d041030a00000000010106000003030b2500525400780001000000000000000000000000000000000000000000000000000001030c1b0000000000000000000000000000000000000000000000007fff04004eac0881119f594d850ee21a522c59b2';

/** An empty store: volume header with signature and length, store header, erased flash. */
function emptyStore(): Buffer {
  const store = Buffer.alloc(4096, 0xff);
  store.write('_FVH', 40, 'latin1');
  store.writeUInt16LE(72, 48);
  return store;
}

test('the boot option is what OVMF would have written', () => {
  const store = withNetworkFirst(emptyStore(), '52:54:00:78:00:01', 'pxe');
  assert.ok(store.toString('hex').includes(witness));
  assert.deepEqual(variableNames(store), ['Boot0001', 'BootOrder']);
});

test('HTTP boot has a Uri() node', () => {
  assert.ok(withNetworkFirst(emptyStore(), '52:54:00:78:00:01', 'http').includes(Buffer.from('031804007fff0400', 'hex')));
});

test('the options of the machine a template was made on are deleted', () => {
  const once = withNetworkFirst(emptyStore(), '52:54:00:78:00:01', 'pxe');
  const twice = withNetworkFirst(once, '52:54:00:78:00:02', 'pxe');
  assert.deepEqual(variableNames(twice), ['Boot0001', 'BootOrder']);
  assert.ok(twice.includes(Buffer.from('UEFI PXEv4 (MAC:525400780002)', 'utf16le')));
});

test('not a variable store, or a full one: an error', () => {
  assert.throws(() => withNetworkFirst(Buffer.alloc(4096), '52:54:00:78:00:01', 'pxe'), /not an OVMF/);
  assert.throws(() => withNetworkFirst(emptyStore().subarray(0, 200), '52:54:00:78:00:01', 'pxe'), /full/);
});
