/** The whole service in network namespaces of its own: the tests are in testing/dhcp.netns.ts, run inside the server's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeNamespaces, whyNoNamespaces } from './testing/namespaces.ts';
import { runTestsIn } from './testing/run-tests-in.ts';

test('the service with real clients in network namespaces', async (t) => {
  const why = whyNoNamespaces();
  assert.equal(why, undefined, why);
  const server = `ibd${process.pid}-s`;
  const client = `ibd${process.pid}-c`;
  t.after(makeNamespaces([server, client], [{ from: server, device: 'ibd-s0', to: client, peer: 'ibd-c0', mac: '52:54:00:77:00:01', address: '10.77.0.1/24' }]));
  await runTestsIn(t, server, { files: ['dhcp.netns.ts'], environment: { DHCP_TEST_CLIENT_NS: client } });
});
