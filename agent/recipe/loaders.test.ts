import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchBootImage, patchCoreImage } from './loaders.ts';

test('boot.img points at sector 2048 and keeps off the partition table', () => {
  const boot = patchBootImage(Buffer.alloc(512, 0xee));
  assert.equal(boot.length, 440);
  assert.equal(boot.readBigUInt64LE(0x5c), 2048n);
  assert.deepEqual([...boot.subarray(0x64, 0x69)], [0xee, 0xee, 0x90, 0x90, 0xee]);
});

test('core.img is padded to sectors, and its block list names all but the first', () => {
  const core = patchCoreImage(Buffer.alloc(512 * 3 + 1, 0xee));
  assert.equal(core.length, 512 * 4);
  assert.equal(core.readBigUInt64LE(0x1f4), 2049n);
  assert.equal(core.readUInt16LE(0x1fc), 3);
  assert.equal(core.readUInt16LE(0x1fe), 0x820);
  assert.equal(core.at(-1), 0);
});
