import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { descriptorOf } from './native.ts';

test("a socket's descriptor is found in this version of Node", async () => {
  const socket = createSocket('udp4');
  assert.equal(descriptorOf(socket), undefined, 'not open yet');
  await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', () => resolve()); });
  const fd = descriptorOf(socket);
  assert.ok(fd !== undefined);
  assert.match(readlinkSync(`/proc/self/fd/${fd}`), /^socket:/);
  await new Promise<void>((resolve) => { socket.close(() => resolve()); });
});
