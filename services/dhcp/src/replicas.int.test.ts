/** Two replicas on one wire, each a process and a namespace of its own: the tests are in testing/replicas.netns.ts, run where NATS and Redis are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeNamespaces, run, whyNoNamespaces } from './testing/namespaces.ts';
import { runTestsIn } from './testing/run-tests-in.ts';

const name = (what: string): string => `rp${process.pid}-${what}`;
const [hub, a, b, load, udhcpc, dhclient] = ['h', 'a', 'b', 'l', 'u', 'd'].map(name) as [string, string, string, string, string, string];

/** One bridge is the machines' network, the other the way to NATS and Redis. */
function makeRack(): () => void {
  const lan = (from: string, peer: string, address?: string) => ({ from, device: 'lan0', to: hub, peer, ...(address !== undefined && { address }) });
  const mgmt = (from: string, peer: string, address: string) => ({ from, device: 'mgmt0', to: hub, peer, address });
  const wires = [
    lan(a, 'lan-a', '10.77.0.2/16'), lan(b, 'lan-b', '10.77.0.3/16'), lan(load, 'lan-l'), lan(udhcpc, 'lan-u'), lan(dhclient, 'lan-d'),
    mgmt(a, 'mgmt-a', '10.99.0.2/24'), mgmt(b, 'mgmt-b', '10.99.0.3/24'),
  ];
  const remove = makeNamespaces([hub, a, b, load, udhcpc, dhclient], wires);
  try {
    for (const bridge of ['lan', 'mgmt']) {
      run(`ip -n ${hub} link add ${bridge} type bridge`);
      run(`ip -n ${hub} link set ${bridge} up`);
      for (const { peer } of wires) if (peer.startsWith(`${bridge}-`)) run(`ip -n ${hub} link set ${peer} master ${bridge}`);
    }
    run(`ip -n ${hub} addr add 10.99.0.1/24 dev mgmt`);
    return remove;
  } catch (error) {
    remove();
    throw error;
  }
}

test('two replicas of the service on one wire', async (t) => {
  const why = whyNoNamespaces();
  assert.equal(why, undefined, why);
  t.after(makeRack());
  const environment = { REPLICAS_A: a, REPLICAS_B: b, REPLICAS_LOAD: load, REPLICAS_UDHCPC: udhcpc, REPLICAS_DHCLIENT: dhclient };
  await runTestsIn(t, hub, { files: ['replicas.netns.ts'], environment });
});
