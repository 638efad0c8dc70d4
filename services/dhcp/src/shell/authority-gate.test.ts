import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForeignServer, Ipv4, Network } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { simulatedClock } from '@ironbus/testkit';
import type { ProbeOutcome } from '../core/authority.ts';
import { sampleNetwork } from '../testing/samples.ts';
import { AuthorityGate } from './authority-gate.ts';

const router: ForeignServer = { serverId: '192.168.1.1' as Ipv4, from: '192.168.1.1' as Ipv4, mac: null, offered: null, bootFile: null };
const probeMs = 4_000;

/** A gate on a wire whose servers the test sets; a probe takes four seconds of the simulated clock. */
function onWire({ servedLately = () => false }: { servedLately?: (network: Network) => boolean } = {}) {
  const clock = simulatedClock();
  const wire: { now: ProbeOutcome; probed: string[] } = { now: { ok: true, servers: [] }, probed: [] };
  const events: unknown[] = [];
  const changes: string[] = [];
  const gate = new AuthorityGate({
    clock, servedLately, log: createLogger({ svc: 'dhcp', level: 'silent' }),
    bus: { observe: (definition, draft) => { events.push([definition.type, draft.key, draft.data]); } },
    onChange: (network) => { changes.push(network); },
    probe: (device, signal) => new Promise((resolve, reject) => {
      wire.probed.push(device);
      signal.addEventListener('abort', () => reject(signal.reason));
      clock.setTimeout(probeMs, () => resolve(wire.now));
    }),
  });
  return { gate, clock, wire, events, changes, state: (network = 'lan1') => gate.state(network).state };
}
const found = (...servers: ForeignServer[]): ProbeOutcome => ({ ok: true, servers });
const lan = sampleNetwork();

test('a network is answered once nobody else was heard for the length of a probe', async () => {
  const { gate, clock, changes, state } = onWire();
  gate.sync([lan]);
  assert.deepEqual([state(), gate.answers(lan)], ['probing', false]);
  await clock.advance(probeMs - 1);
  assert.equal(gate.answers(lan), false);
  await clock.advance(1);
  assert.deepEqual([state(), gate.answers(lan), changes], ['authoritative', true, ['lan1', 'lan1']]);
  await clock.advance(3_600_000);
  assert.equal(clock.pending(), 0);
});

test('refused beside another server, told once, and answered by itself when that is gone', async () => {
  const { gate, clock, wire, events, state } = onWire();
  wire.now = found(router);
  gate.sync([lan]);
  await clock.advance(probeMs);
  assert.deepEqual([state(), gate.answers(lan), gate.state('lan1').others.map(({ serverId }) => serverId)], ['refused', false, ['192.168.1.1']]);
  assert.deepEqual(events, [['dhcp.authority-refused', 'lan1', { network: 'lan1', device: 'eth0', servers: [router] }]]);
  await clock.advance(60_000 + probeMs);
  assert.deepEqual([state(), events.length, wire.probed.length], ['refused', 1, 2]);
  wire.now = found();
  await clock.advance(60_000 + probeMs);
  assert.deepEqual([state(), gate.answers(lan), gate.state('lan1').others], ['authoritative', true, []]);
});

test('a network is changed without being asked about again, but for its device, relay and force', async () => {
  const { gate, clock, wire, state } = onWire();
  gate.sync([lan]);
  await clock.advance(probeMs);
  const rows: [string, Partial<Record<keyof Network, unknown>>, string][] = [
    ['a longer lease', { leaseSeconds: 60 }, 'authoritative'], ['another device', { interface: 'eth1' }, 'probing'],
    ['forced', { interface: 'eth1', force: true }, 'authoritative'], ['no longer forced', { interface: 'eth1' }, 'probing'],
    ['behind a relay', { interface: 'eth1', relayed: true }, 'authoritative'],
  ];
  for (const [name, change, expected] of rows) {
    const network = sampleNetwork(change);
    const before = { ...lan, interface: 'eth9' };
    gate.sync([network]);
    assert.deepEqual([state(), gate.answers(network), gate.answers(before)], [expected, expected === 'authoritative', false], name);
    await clock.advance(probeMs);
    assert.equal(state(), 'authoritative', name);
  }
  assert.deepEqual(wire.probed, ['eth0', 'eth1', 'eth1', 'eth1']);
});

test('a forced network is answered at once and beside others', async () => {
  const { gate, clock, wire, events } = onWire();
  wire.now = found(router);
  const forced = sampleNetwork({ force: true });
  gate.sync([forced]);
  assert.equal(gate.answers(forced), true);
  await clock.advance(probeMs);
  const { state, why, others } = gate.state('lan1');
  assert.deepEqual([state, why, others.length, events, gate.answers(forced)], ['authoritative', 'forced, beside 192.168.1.1', 1, [], true]);
  gate.sync([lan]);
  assert.equal(gate.answers(lan), false, 'probed again once it is not forced any more');
  await clock.advance(probeMs);
  assert.equal(gate.state('lan1').state, 'refused');
});

test('after a restart a network that was served lately is answered while the probe runs, and no longer where that finds others', async () => {
  const { gate, clock, wire, state } = onWire({ servedLately: () => true });
  wire.now = found(router);
  gate.sync([lan]);
  assert.equal(gate.answers(lan), true);
  await clock.advance(probeMs);
  assert.deepEqual([state(), gate.answers(lan)], ['refused', false]);
});

test('evidence that comes late ends the wait; it is none for a mode that a person changed', async () => {
  let heard = false;
  const { gate, clock, wire } = onWire({ servedLately: () => heard });
  gate.sync([lan]);
  assert.equal(gate.answers(lan), false);
  heard = true;
  gate.sync([lan]);
  assert.deepEqual([gate.answers(lan), wire.probed.length], [true, 1]);
  gate.sync([sampleNetwork({ mode: 'shadow' })]);
  gate.sync([lan]);
  assert.equal(gate.answers(lan), false);
  await clock.advance(probeMs);
  assert.equal(gate.answers(lan), true);
});

test('without a link it is asked every second, quietly; with the link it is probed', async () => {
  const { gate, clock, wire, changes, state } = onWire();
  wire.now = { ok: false, missing: true, why: 'eth0 has no link' };
  gate.sync([lan]);
  await clock.advance(10 * (probeMs + 1_000));
  assert.deepEqual([state(), gate.state('lan1').why, changes.length, wire.probed.length], ['no-device', 'eth0 has no link', 2, 11]);
  wire.now = found();
  await clock.advance(probeMs + 1_000);
  assert.equal(state(), 'authoritative');
});

test('what can not be asked is not answered, unless it was served lately', async () => {
  for (const [lately, expected] of [[false, 'refused'], [true, 'authoritative']] as const) {
    const { gate, clock, wire, events, state } = onWire({ servedLately: () => lately });
    wire.now = { ok: false, missing: false, why: 'koffi is not usable' };
    gate.sync([lan]);
    await clock.advance(probeMs);
    assert.deepEqual([state(), events], [expected, []]);
  }
});

test('other modes are told as they are, and nothing is asked', async () => {
  const { gate, clock, wire } = onWire();
  const modes = (['proxy', 'shadow', 'off'] as const).map((mode) => sampleNetwork({ id: mode, mode }));
  gate.sync(modes);
  await clock.advance(probeMs);
  assert.deepEqual(modes.map((network) => [gate.state(network.id).state, gate.answers(network)]), [['proxy', true], ['shadow', false], ['off', false]]);
  assert.deepEqual([wire.probed, gate.answers(lan), gate.state('lan1').state], [[], false, 'off']);
});

test('networks of one device share a probe', async () => {
  const { gate, clock, wire, state } = onWire();
  gate.sync([lan, sampleNetwork({ id: 'lan2' }), sampleNetwork({ id: 'lan3', interface: 'eth1' })]);
  await clock.advance(probeMs);
  assert.deepEqual([wire.probed, state('lan1'), state('lan2'), state('lan3')], [['eth0', 'eth1'], 'authoritative', 'authoritative', 'authoritative']);
});

test("a person's probe frees a refused network at once, and takes no authority away", async () => {
  const { gate, clock, wire, state } = onWire();
  wire.now = found(router);
  gate.sync([lan]);
  await clock.advance(probeMs);
  gate.learn('eth1', found());
  assert.equal(state(), 'refused');
  gate.learn('eth0', found());
  assert.equal(state(), 'authoritative');
  gate.learn('eth0', found(router));
  assert.equal(state(), 'authoritative');
});

test('a network that goes, and a service that stops, leave nothing behind', async () => {
  const { gate, clock, wire, changes } = onWire();
  wire.now = found(router);
  gate.sync([lan]);
  await clock.advance(probeMs);
  gate.sync([]);
  assert.deepEqual([clock.pending(), gate.answers(lan)], [0, false]);
  gate.sync([lan]);
  const before = changes.length;
  await gate.stop();
  await clock.advance(3_600_000);
  assert.deepEqual([clock.pending(), gate.answers(lan), changes.length], [0, false, before]);
});
