/**
 * Ignition’s own judge on what our translation makes. Debian’s ignition 2.14 knows the spec versions 3.0.0 to 3.3.0, and 3.4.0 as it was
 * before it was finished: what is newer is shown to it as that, and the keys that only later versions have are told by it as unused.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { unpackedProgram } from '@ironbus/testkit';
import { butaneExamples } from '../test/butane-examples.ts';
import { judgeJson, ignitionFrom } from './config.ts';

const newerKeys = ['advertisement', 'discard', 'openOptions', 'cex', 'enabled'];

/** What it says, with its errors first. */
function validate(config: string): { accepted: boolean; unused: string[]; said: string } {
  const { status, stdout, stderr } = spawnSync(unpackedProgram('ignition', 'usr/bin/ignition-validate'), ['-'], { input: config, encoding: 'utf8' });
  const said = `${stdout}${stderr}`;
  assert.ok(status !== null, said);
  return { accepted: status === 0, said, unused: [...said.matchAll(/Unused key (\S+)/g)].map(([, key = '']) => key) };
}

test('every translated example is right to Ignition, warnings included', async (t) => {
  for (const { why, butane } of butaneExamples) {
    await t.test(why, () => {
      const made = ignitionFrom(butane);
      assert.ok(made.ok);
      const { version } = (JSON.parse(made.text) as { ignition: { version: string } }).ignition;
      const shown = /^3\.[0-3]\./.test(version) ? version : '3.4.0-experimental';
      const { accepted, said, unused } = validate(made.text.replace(`"version": "${version}"`, `"version": "${shown}"`));
      assert.ok(accepted, said);
      assert.deepEqual(shown === version ? said : unused.filter((key) => !newerKeys.includes(key)).join(), '', said);
    });
  }
});

const doubtful: [why: string, config: object][] = [
  ['path', { storage: { files: [{ path: 'a' }] } }], ['path with dots', { storage: { directories: [{ path: '/a/../b' }] } }], ['path that ends in a slash', { storage: { links: [{ path: '/a/', target: '/b' }] } }],
  ['mode', { storage: { files: [{ path: '/a', mode: 4096 }] } }], ['twice', { storage: { files: [{ path: '/a' }, { path: '/a' }] } }], ['twice in two lists', { storage: { files: [{ path: '/a' }], links: [{ path: '/a', target: '/b' }] } }],
  ['overwrite', { storage: { files: [{ path: '/a', overwrite: true }] } }], ['owner', { storage: { files: [{ path: '/a', user: { id: 0, name: 'a' } }] } }],
  ['link', { storage: { links: [{ path: '/a' }] } }], ['behind a link', { storage: { links: [{ path: '/a', target: '/b' }], files: [{ path: '/a/c' }] } }],
  ['hard link', { storage: { links: [{ path: '/a/b', target: '/d', hard: true }], directories: [{ path: '/d' }] } }],
  ...['data:,a%20b', 'data:,a b', 'data:,a?&+=:@$/;,', 'data:,a#', 'data:,%zz', 'data:;base64,YQ==', 'data:;base64,YQ', 'data:text/plain;charset=utf-8;base64,YQ==', 'data:a', 'ftp://a', 'http://a/b c', 'gs://a/b', 's3://a/b', 'tftp://a/b', 'a'].map((source): [string, object] => [source, { storage: { files: [{ path: '/a', contents: { source } }] } }]),
  ['compression', { storage: { files: [{ path: '/a', contents: { source: 'data:,', compression: 'xz' } }] } }], ['hash', { storage: { files: [{ path: '/a', contents: { source: 'data:,', verification: { hash: 'md5-1' } } }] } }],
  ['short hash', { storage: { files: [{ path: '/a', contents: { source: 'data:,', verification: { hash: 'sha256-1' } } }] } }], ['hash alone', { storage: { files: [{ path: '/a', contents: { verification: { hash: `sha256-${'0'.repeat(64)}` } } }] } }],
  ['headers', { storage: { files: [{ path: '/a', contents: { source: 'data:,', httpHeaders: [{ name: 'a', value: 'b' }] } }] } }], ['empty header', { storage: { files: [{ path: '/a', contents: { source: 'http://a/', httpHeaders: [{ name: 'a', value: '' }] } }] } }],
  ['same content appended twice', { storage: { files: [{ path: '/a', append: [{ source: 'data:,1' }, { source: 'data:,1' }] }] } }],
  ['partition numbers', { storage: { disks: [{ device: '/dev/a', partitions: [{ number: 1 }, { number: 1 }] }] } }], ['partition labels', { storage: { disks: [{ device: '/dev/a', partitions: [{ label: 'a', number: 1 }, { label: 'a' }] }] } }],
  ['overlap', { storage: { disks: [{ device: '/dev/a', partitions: [{ number: 1, startMiB: 1, sizeMiB: 9 }, { number: 2, startMiB: 9, sizeMiB: 1 }] }] } }], ['no overlap', { storage: { disks: [{ device: '/dev/a', partitions: [{ number: 1, startMiB: 1, sizeMiB: 9 }, { number: 2, startMiB: 10, sizeMiB: 0 }] }] } }],
  ['nameless partition', { storage: { disks: [{ device: '/dev/a', partitions: [{ sizeMiB: 1 }] }] } }], ['GUID', { storage: { disks: [{ device: '/dev/a', partitions: [{ number: 1, typeGuid: 'x' }] }] } }], ['absent', { storage: { disks: [{ device: '/dev/a', partitions: [{ number: 1, shouldExist: false, sizeMiB: 1 }] }] } }],
  ['absent and unnumbered', { storage: { disks: [{ device: '/dev/a', partitions: [{ number: 1, shouldExist: false }, { label: 'a' }] }] } }], ['colon', { storage: { disks: [{ device: '/dev/a', partitions: [{ label: 'a:b' }] }] } }], ['long partition label', { storage: { disks: [{ device: '/dev/a', partitions: [{ label: 'a'.repeat(37) }] }] } }],
  ['disk', { storage: { disks: [{ device: 'sda' }] } }], ['format', { storage: { filesystems: [{ device: '/dev/a', format: 'ntfs' }] } }], ['no format', { storage: { filesystems: [{ device: '/dev/a', path: '/var' }] } }], ['none', { storage: { filesystems: [{ device: '/dev/a', format: 'none', path: '/var' }] } }],
  ['label', { storage: { filesystems: [{ device: '/dev/a', format: 'ext4', label: 'a'.repeat(17) }] } }], ['label that fits', { storage: { filesystems: [{ device: '/dev/a', format: 'ext4', label: 'a'.repeat(16) }] } }],
  ['level', { storage: { raid: [{ name: 'a', level: 'raid7', devices: ['/dev/a'] }] } }], ['no devices', { storage: { raid: [{ name: 'a', level: 'raid1' }] } }], ['spares', { storage: { raid: [{ name: 'a', level: 'stripe', spares: 1, devices: ['/dev/a'] }] } }],
  ['volume', { storage: { luks: [{ name: 'a' }] } }], ['slash', { storage: { luks: [{ name: 'a/b', device: '/dev/a' }] } }], ['pin', { storage: { luks: [{ name: 'a', device: '/dev/a', clevis: { custom: { pin: 'x', config: '{}' } } }] } }], ['pin and tpm2', { storage: { luks: [{ name: 'a', device: '/dev/a', clevis: { tpm2: true, custom: { pin: 'tang', config: '{}' } } }] } }],
  ['Tang', { storage: { luks: [{ name: 'a', device: '/dev/a', clevis: { tang: [{ url: 'a', thumbprint: 'b' }] } }] } }], ['thumbprint', { storage: { luks: [{ name: 'a', device: '/dev/a', clevis: { tang: [{ url: 'http://a' }] } }] } }],
  ['unit name', { systemd: { units: [{ name: 'a' }] } }], ['drop-in', { systemd: { units: [{ name: 'a.service', dropins: [{ name: 'a' }] }] } }],
  ...['[Service]\nA=b', '[Service', '[Service] x', '[Service]\nA', 'a\n[Service]\nA=b', '[Service]\nA=b \\\n  c\n', '# [x\n[Service]\n; y \\\n z\nA=b', '[A]\nB=\n\n[C]', `[A]\nB=${'c'.repeat(5000)}`, ''].map((contents): [string, object] => [`unit ${JSON.stringify(contents.slice(0, 30))}`, { systemd: { units: [{ name: 'a.service', contents }] } }]),
  ['arguments', { kernelArguments: { shouldExist: ['a'], shouldNotExist: ['a'] } }],
  ['proxy', { ignition: { proxy: { httpProxy: 'a' } } }], ['merge', { ignition: { config: { merge: [{}] } } }], ['certificate', { ignition: { security: { tls: { certificateAuthorities: [{}] } } } }],
  ['text for a number', { storage: { files: [{ path: '/a', mode: '0644' }] } }], ['number for a text', { passwd: { users: [{ name: 5 }] } }], ['list for a map', { storage: [] }],
];

test('Ignition’s judge and ours say the same of what is doubtful', async (t) => {
  for (const [why, config] of doubtful) {
    await t.test(why, () => {
      const { ignition = {}, ...rest } = config as { ignition?: object };
      const text = JSON.stringify({ ignition: { version: '3.3.0', ...ignition }, ...rest });
      const { accepted, said } = validate(text);
      const ours = judgeJson(text);
      assert.equal(ours.length === 0, accepted, `ours: ${JSON.stringify(ours)}, Ignition’s: ${said}`);
    });
  }
});
