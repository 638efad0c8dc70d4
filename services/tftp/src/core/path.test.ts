import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assetOf, nameOf } from './path.ts';

const good = { 'undionly.kpxe': 'undionly.kpxe', '/undionly.kpxe': 'undionly.kpxe', '//loaders/undionly.kpxe': 'undionly.kpxe', './grub/grub.cfg': 'grub/grub.cfg', 'boot\\x86.efi': 'boot/x86.efi', '\\Boot\\x64\\wdsmgfw.efi': 'Boot/x64/wdsmgfw.efi', '/grub//grub.cfg': 'grub/grub.cfg', '...hidden': '...hidden', 'grub%2fgrub.cfg': 'grub%2fgrub.cfg', 'a..b/..c': 'a..b/..c', '100%': '100%' };
for (const [path, name] of Object.entries(good)) test(`${path} is ${name}`, () => assert.deepEqual(nameOf(path), { ok: true, name }));

const climbing = ['../etc/passwd', '/../etc/passwd', 'a/../../b', '..\\..\\windows', 'a/..', '%2e%2e/etc/passwd', '%252e%252e/x', 'C:\\boot.ini', 'loaders/../../x', '.../x',
  '..%2fetc%2fpasswd', '%2E%2E%2Fx', '..%5cx', 'x/%2e%2e%5cy', '..%252fx', '%252e%252e%252fx', '%25252e%25252e/x', '%c0%ae%c0%ae/x', '..%c0%afx', '\u00c0\u00ae\u00c0\u00ae/x',
  '\uff0e\uff0e/x', '\uff0e\uff0e\uff0fx', '\u2024\u2024/x', '..\u2215x', '%u002e%u002e/x', '..%00/x', '.. /x', ' ../x', '..;/x'];
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
