import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillIn } from './ipxe-script.ts';

const rows: readonly (readonly [name: string, script: string, filled: string])[] = [
  ['a setting by comparison, the first branch', 'iseq ${buildarch} x86_64 && set arch amd64 || set arch other\nkernel http://a/${arch}/vmlinuz', 'iseq x86_64 x86_64 && set arch amd64 || set arch other\nkernel http://a/amd64/vmlinuz'],
  ['a setting by comparison, the second branch', 'iseq ${buildarch} arm64 && set arch arm64 || set arch amd64\n${arch}', 'iseq x86_64 arm64 && set arch arm64 || set arch amd64\namd64'],
  ['a later line wins, an earlier one does not see it', '${a}\nset a 1\n${a}\nset a 2\n${a}', '\nset a 1\n1\nset a 2\n2'],
  ['what nobody set is empty', 'kernel ${nothing}x', 'kernel x'],
];

for (const [name, script, filled] of rows) test(name, () => assert.equal(fillIn(script, 'uefi'), filled));

test('the loader for BIOS is a 32-bit program', () => assert.equal(fillIn('${buildarch}', 'bios'), 'i386'));
