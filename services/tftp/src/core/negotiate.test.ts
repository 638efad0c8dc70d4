import assert from 'node:assert/strict';
import { test } from 'node:test';
import { negotiate } from './negotiate.ts';

const limits = { maxBlockBytes: 1468, maxWindowBlocks: 8, timeoutSeconds: 1 };
const words = (text: string) => text.split(' ').filter(Boolean).map((pair) => ({ name: pair.split('=')[0]!, value: pair.split('=')[1]! }));

const rows = [
  { name: 'OVMF asks the size first', asks: 'tsize=0 blksize=1468 windowsize=4', oack: 'tsize=900 blksize=1468 windowsize=4' },
  { name: 'shim', asks: 'blksize=512 windowsize=4', oack: 'blksize=512 windowsize=4' },
  { name: 'iPXE', asks: 'blksize=1432 tsize=0', oack: 'blksize=1432 tsize=900' },
  { name: 'too much is lowered', asks: 'windowsize=64 blksize=65464', oack: 'windowsize=8 blksize=1468' },
  { name: 'unknown and unreadable options are left out', asks: 'multicast=1 blksize=abc timeout=5', oack: 'timeout=5' },
  { name: 'a timeout that would hold a vanished client for an hour is left out', asks: 'timeout=255 tsize=0', oack: 'tsize=900' },
  { name: 'no options, no OACK', asks: '', oack: '' },
];

for (const { name, asks, oack } of rows) {
  test(name, () => assert.deepEqual(negotiate(words(asks), 900, limits).oack, words(oack)));
}

test('what was not asked for keeps the RFC’s values', () => {
  const { blockBytes, windowBlocks, timeoutSeconds } = negotiate([], 900, limits);
  assert.deepEqual({ blockBytes, windowBlocks, timeoutSeconds }, { blockBytes: 512, windowBlocks: 1, timeoutSeconds: 1 });
});

test('the size of an empty file is left out', () => assert.deepEqual(negotiate(words('tsize=0 blksize=512'), 0, limits).oack, words('blksize=512')));
