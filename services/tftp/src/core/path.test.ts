import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOf } from './path.ts';

const good = { 'undionly.kpxe': 'undionly.kpxe', '/undionly.kpxe': 'undionly.kpxe', '//loaders/undionly.kpxe': 'undionly.kpxe', './grub/grub.cfg': 'grub/grub.cfg', 'boot\\x86.efi': 'boot/x86.efi', '...hidden': '...hidden' };
for (const [path, name] of Object.entries(good)) test(`${path} is ${name}`, () => assert.deepEqual(nameOf(path), { ok: true, name }));

const climbing = ['../etc/passwd', '/../etc/passwd', 'a/../../b', '..\\..\\windows', 'a/..', '%2e%2e/etc/passwd', '%252e%252e/x', 'C:\\boot.ini', 'loaders/../../x', '.../x'];
for (const path of climbing) test(`${path} is refused`, () => assert.deepEqual(nameOf(path), { ok: false, reason: 'outside-tree' }));

for (const path of ['', '/', 'a\0b', 'a\nb', 'x'.repeat(513)]) test(`${JSON.stringify(path.slice(0, 10))} is no name`, () => assert.deepEqual(nameOf(path), { ok: false, reason: 'bad-name' }));
