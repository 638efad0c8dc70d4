/**
 * What the service does on a LAN that is not its own: looking for other DHCP servers, watching for them, and asking whether an
 * address is used. Real servers, clients and kernels in network namespaces; the tests are in testing/{lan,addresses}.netns.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeNamespaces, run, whyNoNamespaces } from './testing/namespaces.ts';
import { runTestsIn } from './testing/run-tests-in.ts';

test('other servers and used addresses, in network namespaces', async (t) => {
  const why = whyNoNamespaces();
  assert.equal(why, undefined, why);
  const [rack, far, peer, beyond] = ['r', 'f', 'p', 'b'].map((name) => `sf${process.pid}-${name}`) as [string, string, string, string];
  t.after(makeNamespaces([rack, far, peer, beyond], [
    { from: rack, device: 'sf-s0', to: far, peer: 'sf-f0', address: '10.78.0.1/24' },
    { from: peer, device: 'sf-p0', to: far, peer: 'sf-f1', address: '10.78.0.30/24' },
    { from: beyond, device: 'sf-b0', to: far, peer: 'sf-f2', address: '10.78.9.30/24' },
  ]));
  run(`ip -n ${rack} link set sf-s0 address 52:54:00:78:00:10`);
  // The far namespace is the switch between rack and peer, a host on it, and the router to what is beyond.
  run(`ip -n ${far} link add sf-br address 52:54:00:78:00:02 type bridge stp_state 0 forward_delay 0`);
  for (const port of ['sf-f0', 'sf-f1']) run(`ip -n ${far} link set ${port} master sf-br`);
  run(`ip -n ${far} link set sf-br up`);
  run(`ip -n ${far} addr add 10.78.0.2/24 dev sf-br`);
  run(`ip -n ${far} addr add 10.78.9.1/24 dev sf-f2`);
  run(`ip netns exec ${far} sysctl -qw net.ipv4.ip_forward=1`);
  run(`ip -n ${beyond} route add default via 10.78.9.1`);
  run(`ip -n ${rack} route add 10.78.9.0/24 via 10.78.0.2`);
  await runTestsIn(t, rack, { files: ['lan.netns.ts', 'addresses.netns.ts'], environment: { SF_RACK: rack, SF_FAR: far, SF_PEER: peer } });
});
