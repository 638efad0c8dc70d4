/** The whole service in network namespaces of its own: the tests are in testing/dhcp.netns.ts, run inside the server's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeNamespaces, whyNoNamespaces } from './testing/namespaces.ts';

test('the service with real clients in network namespaces', async (t) => {
  const why = whyNoNamespaces();
  assert.equal(why, undefined, why);
  const server = `ibd${process.pid}-s`;
  const client = `ibd${process.pid}-c`;
  t.after(makeNamespaces([server, client], [{ from: server, device: 'ibd-s0', to: client, peer: 'ibd-c0', mac: '52:54:00:77:00:01', address: '10.77.0.1/24' }]));
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
  const file = join(import.meta.dirname, 'testing/dhcp.netns.ts');
  const child = spawn('ip', ['netns', 'exec', server, process.execPath, '--test', '--test-reporter=spec', file], {
    env: { ...environment, DHCP_TEST_CLIENT_NS: client }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const code = await new Promise((resolve) => { child.once('close', resolve); });
  assert.equal(code, 0, output);
  t.diagnostic(output);
});
