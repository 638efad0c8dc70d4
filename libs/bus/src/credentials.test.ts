import { test } from 'node:test';
import assert from 'node:assert/strict';
import { addresses, credentials, userOfCreds } from './credentials.ts';

const creds = (payload: object): string =>
  `-----BEGIN NATS USER JWT-----\nhead.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.sig\n------END NATS USER JWT------\n`;

test('the inbox prefix is the name in the user JWT', () => {
  assert.equal(userOfCreds(creds({ name: 'rack-1' })), 'rack-1');
  assert.equal(userOfCreds(creds({ name: 'no good.name' })), undefined);
});

test('a file that is no creds file is refused with a sentence', () => {
  assert.throws(() => userOfCreds('hello'), /no NATS user JWT/);
  assert.throws(() => credentials(['nats://a'], '/nonexistent/creds'), /ENOENT/);
});

test('user information leaves the URL', () => {
  const servers = ['nats://rack:p%40ss@10.0.0.1:4222', 'nats://10.0.0.2:4222', 'tok@host', '[::1]:4222'];
  assert.deepEqual(addresses(servers), ['nats://10.0.0.1:4222', 'nats://10.0.0.2:4222', 'host', '[::1]:4222']);
  assert.deepEqual(credentials(servers, undefined), { user: 'rack', pass: 'p@ss' });
  assert.deepEqual(credentials(['nats://tok@h'], undefined), { token: 'tok' });
  assert.deepEqual(credentials(['nats://h'], undefined), {});
});
