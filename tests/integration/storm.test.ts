/** Fifty machines switched on at once where datagrams get lost, come twice, and the power fails: all of them become known, each once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Node } from '@ironbus/contracts';
import { formatSummary, openRelay, runStorm, specOf, type Summary } from '@ironbus/sim';
import { waitFor } from '@ironbus/testkit';
import { createRig, server, subnet, type Rig } from './rig.ts';

const [machines, seed] = [50, 7];
/** Patient enough for a machine under test that has other work too. */
const pace = 0.4;
let rig: Rig;
let summary: Summary;
let nodes: Node[];

before(async () => {
  rig = await createRig();
  await rig.up();
  const wire = openRelay({ relay: `${subnet}.250`, server, port: rig.ports.dhcp });
  summary = await runStorm({
    machines, seed, firmware: 'mixed', spreadMs: 0, withinMs: 180_000, until: 'off', faults: { lost: 0.03, repeated: 0.05, powerLost: 0.02 }, wire,
    place: { tftpPort: rig.ports.tftp, pace, files: 'get' },
  });
  await wire.close();
  const known = async (): Promise<Node[] | undefined> => {
    const all = await rig.client.get<Node[]>('/machines');
    return all.filter(({ hardware }) => hardware !== null).length >= machines ? all : undefined;
  };
  nodes = await waitFor(known, { what: `every machine to be known with its inventory\n${formatSummary(summary)}\n`, timeoutMs: 60_000 });
});
after(() => rig.stop());

test('every machine reaches its check-in, runs its plan and switches itself off', () => {
  assert.deepEqual([summary.machines, summary.reached, summary.unfinished], [machines, machines, []], formatSummary(summary));
});

test('no firmware and no loader came to the end of its own schedule of retries', () => {
  // Whose power failed after its loader is sent to the next one (services/dhcp/src/core/loader-tries.ts), which is not among this rig's files.
  const whyLost = Object.keys(summary.whyLost).filter((why) => !why.includes('no-such-file'));
  assert.deepEqual(whyLost, [], formatSummary(summary));
});

test('the dice did throw faults', () => {
  assert.ok(summary.powerCuts > 0 && Object.keys(summary.retries).some((what) => what.startsWith('dhcp-')) && (summary.retries['tftp'] ?? 0) > 0, formatSummary(summary));
});

test('each machine is one node, with its own MAC, serial, name and the firmware it has', () => {
  const specs = Array.from({ length: machines }, (_, n) => specOf(seed, n, n % 2 === 0 ? 'bios' : 'uefi'));
  const facts = ({ macs, serial, uuid, firmware, status }: Pick<Node, 'macs' | 'serial' | 'uuid' | 'firmware' | 'status'>): string => JSON.stringify([macs, serial, uuid, firmware, status]);
  const wanted = specs.map(({ mac, serial, uuid, firmware }) => facts({ macs: [mac] as unknown as Node['macs'], serial, uuid, firmware, status: 'New' }));
  assert.deepEqual(nodes.map(facts).toSorted(), wanted.toSorted());
  assert.equal(new Set(nodes.map(({ hostname }) => hostname)).size, machines);
});

test('no address is leased to two machines', async () => {
  const log = await rig.facts.replay();
  const granted = log.filter(({ type }) => type === 'lease.granted').map(({ data }) => `${String(data['address'])} ${String(data['mac'])}`);
  const holders = Map.groupBy(new Set(granted), (text) => text.split(' ')[0]);
  assert.deepEqual([...holders.values()].filter((list) => list.length > 1), []);
  assert.equal(new Set(granted.map((text) => text.split(' ')[1])).size, machines);
});

test('nothing was given up: no dead letter, and no service reported a defect', async () => {
  assert.deepEqual(await rig.facts.bus.deadLetters(), []);
  assert.deepEqual(rig.logs.filter((line) => /"level":"?(50|60|error|fatal)/.test(line)), []);
});
