import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageFile } from './image-file.ts';

for (const [file, expected] of [
  ['image:linux', { id: 'linux', path: undefined }], ['image:disc/casper/vmlinuz', { id: 'disc', path: 'casper/vmlinuz' }],
  ['image:disc/a%20b/c+d', { id: 'disc', path: 'a b/c+d' }], ['image:disc/%ff', { id: 'disc', path: '%ff' }], ['image:disc/50%', { id: 'disc', path: '50%' }],
  ['http://mirror/image:x/y', undefined], [null, undefined],
] as const) test(`image file: ${file}`, () => assert.deepEqual(imageFile(file), expected));
