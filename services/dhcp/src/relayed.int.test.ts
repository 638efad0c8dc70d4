/** A network behind a real relay agent, in namespaces of its own: the tests are in testing/relayed.netns.ts, run inside the server's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeNamespaces, run, whyNoNamespaces } from './testing/namespaces.ts';
import { runTestsIn } from './testing/run-tests-in.ts';

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
  await runTestsIn(t, server, { files: ['relayed.netns.ts'], environment: { DHCP_TEST_CLIENT_NS: client, DHCP_TEST_ROUTER_NS: router } });
});
