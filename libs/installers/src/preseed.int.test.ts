/** Preseeds beside Debian's own reader of them (debconf-set-selections of debconf, which every Debian has). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { kinds } from './kinds.ts';

const preseeds: [text: string, taken: boolean][] = [
  ['d-i a/b string x', true], ['d-i a/b string', true], ['d-i a/b \\\n  boolean true', true], ['d-i \\\n  a/b \\\n  string x', true], ['# c \\\nno answer', true], ['d-i a/b string x \\\n\\\n', true],
  ['d-i\ta/b\tstring\tx', true], ['d-i a/b string x\r', true], ['d-i a/b', false], ['d-i a/b \\\n', false], ['d-i', false], ['# c\nno answer', false],
];
test('a preseed is taken or refused as debconf-set-selections does it', () => {
  for (const [lines, taken] of preseeds) {
    const input = `${lines}\n`;
    assert.deepEqual([kinds.preseed.make(input).ok, spawnSync('debconf-set-selections', ['--checkonly'], { input }).status === 0], [taken, taken], input);
  }
});
