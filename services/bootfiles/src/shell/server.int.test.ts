import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { listen } from './server.ts';

test('a thousand machines that connect at once find a place to wait in', async () => {
  const app = fastify();
  await listen(app, '127.0.0.1', 0);
  try {
    const { port } = app.server.address() as AddressInfo;
    // ss(8): of a listening socket the third column is how many connections may wait to be accepted.
    const [, , places] = execFileSync('ss', ['-ltnH', `sport = :${port}`], { encoding: 'utf8' }).trim().split(/\s+/);
    const allowed = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
    assert.equal(Number(places), Math.min(4_096, allowed));
  } finally {
    await app.close();
  }
});
