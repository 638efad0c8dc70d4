import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelPackageOf, missingPackages, packagesOf, parsePrintUris } from './packages.ts';
import { debianMirror, parseSources } from './sources.ts';
import { moduleName, modulesOf, needsOf, selectModules } from './modules.ts';

const HASH = 'a'.repeat(64);

test('apt\'s --print-uris is read, with an epoch and out of order', () => {
  const output = [
    'Reading package lists...',
    `'http://mirror.example/debian/pool/main/z/zstd_1_amd64.deb' zstd_1.5.7+dfsg-1_amd64.deb 756244 SHA256:${HASH}`,
    `'http://mirror.example/debian/pool/main/b/b.deb' busybox-static_1%3a1.37.0-6+b9_amd64.deb 955316 SHA256:${HASH}`,
  ].join('\n');
  assert.deepEqual(parsePrintUris(output).map(({ name, version, sizeBytes }) => [name, version, sizeBytes]),
    [['busybox-static', '1:1.37.0-6+b9', 955316], ['zstd', '1.5.7+dfsg-1', 756244]]);
});

test('a package apt did not choose is named', () => {
  const chosen = parsePrintUris(`'http://m/z.deb' zstd_1_amd64.deb 1 SHA256:${HASH}`);
  assert.deepEqual(missingPackages(['jq', 'zstd'], chosen), ['jq']);
});

test('the kernel is the one the metapackage depends on', () => {
  assert.equal(kernelPackageOf('Package: linux-image-amd64\nDepends: linux-image-6.12.107+deb13-amd64 (= 6.12.107-1)\n'), 'linux-image-6.12.107+deb13-amd64');
  assert.equal(kernelPackageOf('Package: x\nDepends: libc6\n'), undefined);
});

const thirdParty = { name: 'a.list', text: 'deb https://third.example/apt sdk-bookworm main\n' };
const deb822 = { name: 'debian.sources', text: [
  '# comment', 'Types: deb', 'URIs: http://mirror.example/debian-security', 'Suites: bookworm-security', 'Components: main', '',
  'Types: deb deb-src', '# between', 'URIs: http://mirror.example/debian/', 'Suites: bookworm', ' bookworm-updates', 'Components: main contrib', '',
  'Enabled: no', 'Types: deb', 'URIs: http://off.example/debian', 'Suites: bookworm', 'Components: main',
].join('\n') };

for (const [name, files, mirror] of [
  ['deb822, beside security and third parties', [thirdParty, deb822], 'http://mirror.example/debian'],
  ['one line with options', [{ name: 'sources.list', text: '# deb http://no.example/debian bookworm main\ndeb [arch=amd64 signed-by=/x.gpg] https://one.example/debian bookworm main # c\n' }], 'https://one.example/debian'],
  ['another release\'s name, known by its path', [thirdParty, { name: 'sources.list', text: 'deb http://two.example/debian stable main' }], 'http://two.example/debian'],
  ['no Debian at all', [thirdParty], undefined],
] as const) {
  test(`the mirror is found: ${name}`, () => assert.equal(debianMirror(files, 'bookworm'), mirror));
}

test('a disabled stanza is no source', () => {
  assert.deepEqual(parseSources(deb822).map((source) => source.uri), ['http://mirror.example/debian-security', 'http://mirror.example/debian/']);
});

const module = (info: string): Buffer => Buffer.from(`ELF\0name=x\0${info}\0license=GPL\0`, 'latin1');

test('a module\'s needs are read from its modinfo', () => {
  assert.deepEqual(needsOf(module('depends=jbd2,crc-16\0softdep=pre: crc32c post: other_one')), ['jbd2', 'crc_16', 'crc32c', 'other_one']);
  assert.deepEqual(needsOf(module('depends=')), []);
});

test('modules come with what they need, once, and built-in ones are fine', () => {
  const files = new Map([['fs/ext4.ko.xz', 'depends=jbd2,mbcache'], ['fs/jbd2.ko.xz', 'depends='], ['fs/mbcache.ko.xz', 'depends=jbd2'], ['fs/xfs.ko.xz', 'depends=']]);
  const tree = {
    paths: new Map([...files.keys()].map((path) => [moduleName(path), path])), builtin: new Set(['virtio_pci']),
    read: (path: string) => module(files.get(path) ?? ''),
  };
  assert.deepEqual([...selectModules(['ext4', 'virtio_pci'], tree).keys()], ['fs/ext4.ko.xz', 'fs/jbd2.ko.xz', 'fs/mbcache.ko.xz']);
  assert.throws(() => selectModules(['nothing'], tree), /the kernel has no nothing/);
});

test('programs that build are those of amd64, and iPXE comes once', () => {
  const [amd64, arm64] = [packagesOf('amd64'), packagesOf('arm64')];
  for (const name of ['grub-common', 'kmod', 'xz-utils', 'ipxe', 'pxelinux']) assert.deepEqual([amd64.includes(name), arm64.includes(name)], [true, false], name);
  for (const name of ['busybox-static', 'shim-signed', 'libc6']) assert.deepEqual([amd64.includes(name), arm64.includes(name)], [true, true], name);
});

test('an architecture has the modules of all and its own', () => {
  const [amd64, arm64] = [modulesOf('amd64'), modulesOf('arm64')];
  assert.deepEqual([amd64, arm64].map((names) => ['virtio_net', 'vmd', 'genet'].filter((name) => names.includes(name))), [['virtio_net', 'vmd'], ['virtio_net', 'genet']]);
  for (const names of [amd64, arm64]) assert.equal(new Set(names).size, names.length, 'none is named twice');
});
