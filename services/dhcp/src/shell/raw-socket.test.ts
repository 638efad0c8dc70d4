import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openNative } from './native.ts';
import { checked, requireNative } from './raw-socket.ts';

test('what libc refuses is said by name', () => {
  assert.ok(openNative().ok, 'koffi is there for the tests');
  const native = requireNative();
  assert.equal(checked(native, 3, 'nothing'), 3);
  assert.throws(() => checked(native, native.close(-1), 'a socket'), { code: 'PORT_UNAVAILABLE', message: 'a socket can not be had (EBADF)' });
});
