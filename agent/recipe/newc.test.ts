import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readNewc } from '../test/newc-reader.ts';
import { encodeNewc, withParents, type Entry } from './newc.ts';

const entries: Entry[] = [
  { path: 'init', kind: 'file', mode: 0o755, data: Buffer.from('#!/bin/sh\n') },
  { path: 'bin', kind: 'link', target: 'usr/bin' },
  { path: 'dev', kind: 'directory' },
  { path: 'dev/console', kind: 'device', mode: 0o600, major: 5, minor: 1 },
];

test('the first header is as the kernel documents it', () => {
  const archive = encodeNewc([{ path: 'a', kind: 'file', mode: 0o644, data: Buffer.from('xyz') }]).toString('latin1');
  const golden = '070701' + '00000001' + '000081A4' + '00000000' + '00000000' + '00000001' + '00000000' // inode mode uid gid links mtime
    + '00000003' + '00000000' + '00000000' + '00000000' + '00000000' + '00000002' + '00000000' // size dev rdev namesize check
    + 'a\0' + 'xyz\0'; // 110 + 2 is a multiple of four, 3 is padded to 4
  assert.equal(archive.slice(0, golden.length), golden);
  assert.match(archive, /TRAILER!!!\0+$/);
  assert.equal(archive.length % 4, 0);
});

test('what is written can be read back, with its modes', () => {
  const read = readNewc(encodeNewc(entries));
  assert.deepEqual([...read.keys()], ['bin', 'dev', 'dev/console', 'init']);
  assert.equal(read.get('init')?.mode, 0o100755);
  assert.equal(read.get('init')?.data.toString(), '#!/bin/sh\n');
  assert.equal(read.get('bin')?.data.toString(), 'usr/bin');
  assert.equal(read.get('bin')?.mode, 0o120777);
  assert.equal(read.get('dev')?.mode, 0o040755);
  assert.deepEqual(read.get('dev/console'), { mode: 0o020600, device: [5, 1], data: Buffer.alloc(0) });
});

test('the order of the entries changes nothing', () => {
  assert.deepEqual(encodeNewc(entries.toReversed()), encodeNewc(entries));
});

test('parents are added once', () => {
  const all = withParents([{ path: 'usr/lib/x', kind: 'file', mode: 0o644, data: Buffer.alloc(0) }, { path: 'usr', kind: 'directory', mode: 0o700 }]);
  assert.deepEqual(all.map((entry) => entry.path), ['usr', 'usr/lib', 'usr/lib/x']);
  assert.equal(all[0]?.kind === 'directory' && all[0].mode, 0o700);
});

test('a double or absolute path is the caller\'s mistake', () => {
  assert.throws(() => encodeNewc([{ path: 'a', kind: 'directory' }, { path: 'a', kind: 'directory' }]), /double path "a"/);
  assert.throws(() => encodeNewc([{ path: '/a', kind: 'directory' }]), /"\/a"/);
});
