import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { createLogger, readConfig } from '@ironbus/runtime';
import { configSpec } from '../config.ts';
import { away } from '../core/told.ts';
import { createTftpServer, type TftpServer } from './server.ts';

function make(env: Record<string, string>): TftpServer {
  const read = readConfig(configSpec, env);
  assert.ok(read.ok, JSON.stringify(read));
  const watcher = { asked: () => {}, refused: () => {}, ended: () => {} };
  return createTftpServer({ config: read.config, files: { paths: [], take: () => undefined }, virtual: { ask: () => Promise.resolve(away) }, watcher, log: createLogger({ svc: 'tftp', level: 'silent' }) });
}

test('a port that is taken: the error names TFTP_PORT and what to do; stopping, even twice, is quiet', async () => {
  const other = createSocket('udp4');
  other.bind(0, '127.0.0.1');
  await once(other, 'listening');
  const server = make({ TFTP_HOST: '127.0.0.1', TFTP_PORT: String(other.address().port) });
  await assert.rejects(server.start(), { code: 'PORT_UNAVAILABLE', message: /EADDRINUSE.*ss -ulpn.*TFTP_PORT/ });
  assert.equal(server.port(), 0);
  await server.stop();
  await server.stop();
  other.close();
});

test('an address of another host: the error names TFTP_HOST', async () => {
  const server = make({ TFTP_HOST: '192.0.2.1', TFTP_PORT: '0' });
  await assert.rejects(server.start(), { code: 'PORT_UNAVAILABLE', message: /TFTP_HOST/ });
  await server.stop();
});

test('stopped before it was started, and while it starts', async () => {
  const never = make({ TFTP_PORT: '0' });
  assert.equal(never.port(), 0);
  await never.stop();
  const soon = make({ TFTP_HOST: '127.0.0.1', TFTP_PORT: '0' });
  const starting = assert.rejects(soon.start(), /stopped before/);
  await soon.stop();
  await starting;
});

test('a window of more than half of the block numbers can not be set', () => {
  assert.equal(readConfig(configSpec, { TFTP_MAX_WINDOW_BLOCKS: '32767' }).ok, true);
  assert.equal(readConfig(configSpec, { TFTP_MAX_WINDOW_BLOCKS: '32768' }).ok, false);
});
