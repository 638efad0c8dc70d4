import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNodeId } from '@ironbus/contracts';
import { hardwareKey, isSameMachine, mintHostname, mintNodeId } from './identity.ts';
import { chooseDisk } from './disk.ts';
import { disk, enlisted, image, mac, otherMac } from './test/story.ts';

const uuid = '5b2d4f1a-0001-4c3d-9e8f-aabbccddeeff';
const nobody: [string, { uuid: string | null; serial: string | null }][] = [
  ['no serial', { uuid, serial: null }], ['no UUID', { uuid: null, serial: 'S1' }], ['zero UUID', { uuid: '00000000-0000-0000-0000-000000000000', serial: 'S1' }],
  ['all ones', { uuid: 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', serial: 'S1' }], ['the UUID of a board maker', { uuid: '03000200-0400-0500-0006-000700080009', serial: 'S1' }],
  ['to be filled', { uuid, serial: 'To Be Filled By O.E.M.' }], ['default string', { uuid, serial: 'Default string' }], ['zeros', { uuid, serial: '0000000' }],
  ['blank', { uuid, serial: '   ' }], ['counted', { uuid, serial: '0123456789' }], ['no UUID at all', { uuid: 'not a uuid', serial: 'S1' }],
];
for (const [name, machine] of nobody) test(`proves nothing: ${name}`, () => assert.equal(hardwareKey(machine), undefined));

test('serial and UUID together, in any case, are one machine', () => {
  assert.equal(hardwareKey({ uuid: uuid.toUpperCase(), serial: ' ser-77' }), hardwareKey({ uuid, serial: 'SER-77' }));
  assert.notEqual(hardwareKey({ uuid, serial: 'SER-78' }), hardwareKey({ uuid, serial: 'SER-77' }));
});

test('a MAC outside a known inventory is not taken for a card of that machine', () => {
  const { record } = enlisted();
  assert.ok(record !== undefined && isSameMachine(record, mac) && isSameMachine(record, otherMac));
  assert.equal(record !== undefined && isSameMachine(record, '52:54:00:77:00:99' as never), false);
});

test('ids and names follow from their cause, and a collision makes others', () => {
  assert.equal(mintNodeId('a', 0), mintNodeId('a', 0));
  assert.notEqual(mintNodeId('a', 0), mintNodeId('a', 1));
  const ids = Array.from({ length: 2000 }, (_, index) => mintNodeId(`cause ${index}`, 0));
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.ok(/^[a-z][a-z0-9]{5}$/.test(id) && parseNodeId(id) !== undefined);
  assert.match(mintHostname('a', 3), /^[a-z]+-[a-z]+-\d+$/);
});

const big = disk({ path: '/dev/sdb', serial: 'BIG', sizeBytes: 100 * 1024 ** 3 });
const stick = disk({ path: '/dev/sda', serial: 'USB', sizeBytes: 4 * 1024 ** 3, removable: true });
const choices: [string, Parameters<typeof chooseDisk>, string | RegExp][] = [
  ['the smallest that fits', [[big, disk(), stick], image, undefined], '/dev/vda'],
  ['the smallest that fits a large image', [[disk(), big], { ...image, compression: 'none', sizeBytes: 20 * 1024 ** 3 }, undefined], '/dev/sdb'],
  ['by serial', [[disk(), big], image, 'BIG'], '/dev/sdb'],
  ['by path', [[disk(), big], image, '/dev/sdb'], '/dev/sdb'],
  ['a removable one only when asked', [[stick], image, 'USB'], '/dev/sda'],
  ['no removable one by itself', [[stick], image, undefined], /no fixed disk has the 2147483648 bytes this image needs; there are \/dev\/sda \(serial USB, 4294967296 bytes, removable\)/],
  ['compressed needs 2 GiB', [[disk({ sizeBytes: 1024 ** 3 })], image, undefined], /2147483648 bytes/],
  ['none at all', [[], image, undefined], /no disk/],
  ['too small although asked', [[disk({ sizeBytes: 1024 ** 3 })], image, 'DISK1'], /disk DISK1 has 1073741824 bytes and the image needs 2147483648/],
  ['two with one serial', [[disk(), disk({ path: '/dev/vdb' })], image, 'DISK1'], /DISK1 is more than one disk/],
];
for (const [name, given, expected] of choices) {
  test(`disk: ${name}`, () => {
    const choice = chooseDisk(...given);
    if (typeof expected === 'string') assert.equal(choice.ok && choice.disk.path, expected);
    else assert.match(choice.ok ? '' : choice.why, expected);
  });
}
