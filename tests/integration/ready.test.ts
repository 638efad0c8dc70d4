/** What services say while NATS and Redis are away, and what becomes of messages that are not ours to trust. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { Node } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import type { Machine } from '@ironbus/sim';
import { createRig, type Rig } from './rig.ts';
import { startServers, type Servers } from './servers.ts';
import { names } from './services.ts';
import { enlist } from './story.ts';

let rig: Rig;
let servers: Servers;
let machine: Machine;
let node: Node;

before(async () => {
  servers = await startServers('local');
  rig = await createRig({ servers });
  await rig.up();
  machine = rig.addMachine();
  node = await enlist(rig, machine);
});
after(async () => {
  await rig.stop();
  await servers.stop();
});

test('services that start before NATS and Redis say why they are not ready, and are ready once both are there', async () => {
  await Promise.all(names.map((name) => rig.services[name].stop()));
  await Promise.all([rig.servers.nats.kill(), rig.servers.redis.kill()]);
  const starting = names.map((name) => rig.services[name].start());
  for (const name of names) {
    const { status, body } = await waitFor(() => rig.services[name].readyz(), { what: `${name} to answer /readyz` });
    assert.deepEqual([name, status, body.ready], [name, 503, false]);
    const why = Object.entries(body.checks).filter(([, check]) => !check.ready).map(([check, state]) => `${check}: ${'why' in state ? state.why : ''}`);
    assert.match(why.join('\n'), /^nats: NATS /m, name);
    if (name !== 'tftp') assert.match(why.join('\n'), /^redis: .*redis/m, name);
  }
  await Promise.all([rig.servers.nats.restart(), rig.servers.redis.restart()]);
  await Promise.all(starting);
  await rig.ready();
  assert.equal((await rig.client.machine(node.id)).version, node.version, 'and nothing moved');
});

/** Events that a stranger puts on our subjects: what is wrong with each, and the reader that has to say so. */
const forged: { name: string; subject: () => string; body: () => string; durable: string; says: RegExp }[] = [
  { name: 'no JSON', subject: () => `node.checked-in.rack1.${node.id}`, body: () => 'hello', durable: 'lifecycle-advance-node', says: /is not JSON/ },
  { name: 'data without its fields', subject: () => `node.phoned-home.rack1.${node.id}`, durable: 'lifecycle-advance-node', says: /\/data.*required/,
    body: () => envelope('node.phoned-home', '/racks/rack1/bootfiles/x', {}) },
  { name: 'a type of another service', subject: () => `power.changed.rack1.${node.id}`, durable: 'lifecycle-advance-node', says: /belongs to power, not to dhcp/,
    body: () => envelope('power.changed', '/racks/rack1/dhcp/x', { sequence: 1, action: 'on', state: 'on', previous: 'off', bootDeviceVerified: null, seconds: 1 }) },
  { name: 'another rack’s subject', subject: () => `power.changed.rack2.${node.id}`, durable: 'lifecycle-advance-node', says: /belongs on power\.changed\.rack1\..+, but came on power\.changed\.rack2/,
    body: () => envelope('power.changed', '/racks/rack1/power/x', { sequence: 1, action: 'on', state: 'on', previous: 'off', bootDeviceVerified: null, seconds: 1 }) },
  { name: 'a power request of nobody', subject: () => `power.requested.region.${node.id}`, durable: 'power-apply-request-rack1', says: /belongs to lifecycle, not to api/,
    body: () => envelope('power.requested', '/region/api/x', { rack: 'rack1', action: 'on', bootDevice: 'disk', type: 'ipmi', firmware: null, sequence: 99, attempt: null }) },
  { name: 'a node with an invented status', subject: () => `node.updated.region.${node.id}`, durable: 'api-project-nodes', says: /\/data\/node\/status/,
    body: () => envelope('node.updated', '/region/lifecycle/x', { changed: ['status'], node: { ...node, version: 1000, status: 'Mine' } }) },
];

const envelope = (type: string, source: string, data: object): string => JSON.stringify({
  specversion: '1.0', id: randomUUID(), type, source, subject: node.id, nodeid: node.id, time: new Date().toISOString(), datacontenttype: 'application/json',
  dataschema: `schemas/${type}.json`, data,
});

test('forged and broken events land in DEAD with their reason, and move nothing', async () => {
  const nats = await connect({ servers: rig.servers.nats.url });
  const lines = rig.machines.flatMap(({ bmc }) => bmc.commandLines()).length;
  for (const { subject, body } of forged) await jetstream(nats).publish(subject(), body());
  await nats.close();
  for (const { name, subject, durable, says } of forged) {
    const letter = await waitFor(async () => (await rig.facts.bus.deadLetters()).find((dead) => dead.durable === durable && dead.original.subject === subject() && says.test(JSON.stringify(dead.violations).replaceAll('\\', ''))), { what: `${name} in DEAD` })
      .catch(async (error: unknown) => { throw new Error(JSON.stringify(await rig.facts.bus.deadLetters(), null, 1), { cause: error }); });
    assert.deepEqual([letter.reason, letter.stream, letter.deliveries], ['invalid', 'FACTS', 1], name);
  }
  // A request that is valid is handled after them: none of the readers is stuck, and the version says that nothing came between.
  const patched = await rig.client.patch<Node>(`/machines/${node.id}`, { tags: ['seen'] });
  const { version, tags, ...before } = node;
  const { updatedAt, ...rest } = before;
  assert.deepEqual([patched.version, patched.tags, patched.status, patched.power], [version + 1, ['seen'], rest.status, rest.power], `${tags} ${updatedAt}`);
  assert.equal(rig.machines.flatMap(({ bmc }) => bmc.commandLines()).length, lines, 'no BMC was asked');
});
