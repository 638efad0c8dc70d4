import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLibc } from './index.ts';

type Calls = { close(fd: number): number; strnlen(at: number, most: number): number };

test('a call by its prototype, errno by its name, and where bytes are', () => {
  const opened = openLibc<Calls>({ close: 'int close(int)', strnlen: 'uint64_t strnlen(uintptr_t, uint64_t)' });
  assert.ok(opened.ok, 'koffi is there for the tests');
  const { libc } = opened;
  assert.equal(libc.close(-1), -1);
  assert.equal(libc.errorName(libc.errno()), 'EBADF');
  assert.equal(libc.errorName(4095), 'errno 4095');
  const bytes = Buffer.allocUnsafeSlow(8).fill('abc\0');
  assert.equal(libc.strnlen(libc.addressOf(bytes), bytes.length), 3);
});

test('a call that libc has not, or a type that koffi has not: why, not an exception', () => {
  for (const prototype of ['int no_such_call(int)', 'ssize_t read(int, void *, size_t)']) {
    const opened = openLibc<{ call(): number }>({ call: prototype });
    assert.ok(!opened.ok);
    assert.match(opened.why, /koffi is not usable \(.*(no_such_call|ssize_t)/s);
  }
});
