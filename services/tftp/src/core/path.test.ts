import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assetOf, nameOf } from './path.ts';

const good = { 'undionly.kpxe': 'undionly.kpxe', '/undionly.kpxe': 'undionly.kpxe', '//loaders/undionly.kpxe': 'undionly.kpxe', './grub/grub.cfg': 'grub/grub.cfg', 'boot\\x86.efi': 'boot/x86.efi', '\\Boot\\x64\\wdsmgfw.efi': 'Boot/x64/wdsmgfw.efi', '/grub//grub.cfg': 'grub/grub.cfg', '...hidden': '...hidden' };
for (const [path, name] of Object.entries(good)) test(`${path} is ${name}`, () => assert.deepEqual(nameOf(path), { ok: true, name }));

const climbing = ['../etc/passwd', '/../etc/passwd', 'a/../../b', '..\\..\\windows', 'a/..', '%2e%2e/etc/passwd', '%252e%252e/x', 'C:\\boot.ini', 'loaders/../../x', '.../x'];
for (const path of climbing) test(`${path} is refused`, () => assert.deepEqual(nameOf(path), { ok: false, reason: 'outside-tree' }));

for (const path of ['', '/', 'a\0b', 'a\nb', 'x'.repeat(513)]) test(`${JSON.stringify(path.slice(0, 10))} is no name`, () => assert.deepEqual(nameOf(path), { ok: false, reason: 'bad-name' }));

test('whatever is asked, a name never climbs', () => {
  const part = fc.constantFrom('..', '.', '', '%2e%2e', '%252E.', 'grub', 'loaders', 'C:', 'x\\..\\y', '\\', '...');
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(part).map((parts) => parts.join('/'))), (path) => {
    const named = nameOf(path);
    if (named.ok) assert.ok(named.name.split('/').every((segment) => segment !== '' && !/^\.+$/.test(segment) && !segment.includes('\\')), named.name);
  }));
});

test('the agent by its HTTP name is the agent; everything else is a loader', () => {
  assert.deepEqual(['agent/amd64/vmlinuz', 'agent-image/arm64/initrd.img', 'ipxe.efi', 'pi/start4.elf', 'agents/x'].map(assetOf),
    ['agent/amd64/vmlinuz', 'agent/arm64/initrd.img', 'loaders/ipxe.efi', 'loaders/pi/start4.elf', 'loaders/agents/x']);
});
