/** A network behind a real relay agent, in namespaces of its own: the tests are in testing/relayed.netns.ts, run inside the server's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeNamespaces, run, whyNoNamespaces } from './testing/namespaces.ts';

test('real clients behind isc-dhcp-relay, and dhcpcd beside the server', async (t) => {
  const why = whyNoNamespaces();
  assert.equal(why, undefined, why);
  const [server, router, client] = ['s', 'r', 'c'].map((name) => `ibr${process.pid}-${name}`) as [string, string, string];
  t.after(makeNamespaces([server, router, client], [
    { from: server, device: 'ibr-s0', to: router, peer: 'ibr-r0', address: '10.77.0.1/24' },
    { from: router, device: 'ibr-r1', to: client, peer: 'ibr-c0', mac: '52:54:00:78:00:01', address: '10.78.0.1/24' },
    { from: server, device: 'ibr-s1', to: client, peer: 'ibr-c1', mac: '52:54:00:79:00:01', address: '10.79.0.1/24' },
  ]));
  run(`ip -n ${router} addr add 10.77.0.254/24 dev ibr-r0`);
  run(`ip netns exec ${router} sysctl -qw net.ipv4.ip_forward=1`);
  run(`ip -n ${server} route add 10.78.0.0/24 via 10.77.0.254`);
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
  const file = join(import.meta.dirname, 'testing/relayed.netns.ts');
  const child = spawn('ip', ['netns', 'exec', server, process.execPath, '--test', '--test-reporter=spec', file], {
    env: { ...environment, DHCP_TEST_CLIENT_NS: client, DHCP_TEST_ROUTER_NS: router }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const code = await new Promise((resolve) => { child.once('close', resolve); });
  assert.equal(code, 0, output);
  t.diagnostic(output);
});
