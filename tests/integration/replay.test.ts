/**
 * What replay means: lifecycle, given the facts it reads again, decides the same again. Ids of nodes and of its own events
 * follow from those of their causes, times from the facts; so a fresh lifecycle with a fresh Redis comes to the same nodes.
 * Order is needed for each machine only; what comes twice or late is dropped by version, attempt, claim, sequence or time.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { catalog, subjectOf, type Node } from '@ironbus/contracts';
import { manifest } from '@ironbus/lifecycle';
import { createLogger } from '@ironbus/runtime';
import { openStore, readOutboxStats } from '@ironbus/store';
import { waitFor } from '@ironbus/testkit';
import { transitions, type Fact } from './facts.ts';
import { Reset } from '@ironbus/sim';
import { createRig, type Rig } from './rig.ts';
import { startServers } from './servers.ts';
import { askDeploy, makeReady, untilStatus } from './story.ts';

const read = new Set<string>(manifest.consumes.flatMap((consumer) => consumer.events.map((event) => event.type)));
/** Facts that carry a whole node. */
const facts = new Set(catalog.filter((type) => type.owner === 'lifecycle' && 'properties' in type.data && 'node' in (type.data.properties as object)).map((type) => type.type));
let log: Fact[];
let nodes: Node[];

/** Three machines at the same time: one deployed twice, one whose power failed while it was written, one whose BMC refused. */
before(async () => {
  const rig = await createRig();
  try {
    await rig.up();
    await rig.addImage('debian');
    const [first, second, third] = [rig.addMachine(), rig.addMachine(), rig.addMachine()];
    await Promise.all([twice(), interrupted(), refused()]);
    nodes = await rig.client.get<Node[]>('/machines');
    log = await rig.facts.replay();

    async function twice(): Promise<void> {
      const { id } = await makeReady(rig, first);
      await askDeploy(rig, id, { hostname: 'once' });
      await untilStatus(rig, first, id, 'Deployed');
      await rig.client.post(`/machines/${id}/release`, { erase: 'quick' });
      await untilStatus(rig, first, id, 'Ready');
      await askDeploy(rig, id, { hostname: 'twice' });
      await untilStatus(rig, first, id, 'Deployed');
    }
    async function interrupted(): Promise<void> {
      const { id } = await makeReady(rig, second);
      let failed = false;
      second.gate = (stage) => {
        if (stage !== 'claimed write-image' || failed) return;
        failed = true;
        throw new Reset();
      };
      await askDeploy(rig, id);
      await untilStatus(rig, second, id, 'Deployed');
    }
    async function refused(): Promise<void> {
      const { id } = await makeReady(rig, third);
      third.bmc.setPassword('another-password');
      await askDeploy(rig, id);
      await untilStatus(rig, third, id, 'Failed deployment');
    }
  } finally {
    await rig.stop();
  }
});

/** A lane per machine: what happened before it had an id belongs to the same one. */
function laneOf(fact: Fact): string {
  const byMac = nodes.find(({ macs }) => fact.subject === `mac-${macs[0]?.replaceAll(':', '')}`);
  return byMac?.id ?? fact.nodeid ?? fact.subject;
}

/** Seeded (mulberry32), so that a failure can be run again. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lanes interleaved at random, each in its order; about every third fact comes again at once or some facts later. */
function reorder(all: readonly Fact[], roll: () => number): Fact[] {
  const lanes = [...Map.groupBy(all, laneOf).values()].map((lane) => [...lane]);
  const out: Fact[] = [];
  while (lanes.some((lane) => lane.length > 0)) {
    const lane = lanes.filter((candidate) => candidate.length > 0).at(Math.floor(roll() * lanes.filter((candidate) => candidate.length > 0).length));
    const fact = lane?.shift();
    if (fact !== undefined) out.push(fact);
    const earlier = out[out.length - 1 - Math.floor(roll() * 12)];
    if (roll() < 0.35 && earlier !== undefined) out.push(earlier);
  }
  return out;
}

async function send(js: JetStreamClient, fact: Fact): Promise<void> {
  const { sequence: _, ...event } = fact;
  await js.publish(subjectOf(event), JSON.stringify(event));
}

/** Nothing waits for lifecycle any more. */
async function drained(rig: Rig, js: JetStreamClient): Promise<void> {
  await waitFor(async () => {
    const { num_pending, num_ack_pending } = await (await js.consumers.get('FACTS', 'lifecycle-advance-node')).info();
    return num_pending === 0 && num_ack_pending === 0;
  }, { what: 'lifecycle to have read everything', everyMs: 25, timeoutMs: 20_000 });
  assert.deepEqual(await rig.facts.bus.deadLetters(), []);
}

/** What lifecycle said, once its relay has nothing left to publish. */
async function published(rig: Rig): Promise<Fact[]> {
  const store = openStore({ url: rig.servers.redis.url, prefix: 'lifecycle', log: createLogger({ svc: 'test', level: 'silent' }) });
  await store.whenReady();
  await waitFor(async () => (await readOutboxStats(store)).backlog === 0, { what: 'the outbox to be empty' });
  await store.close();
  return (await rig.facts.replay()).filter((fact) => /\/lifecycle\//.test(fact.source));
}

/** Only what depends on when it was decided is left out. */
const comparable = ({ createdAt: _created, updatedAt: _updated, version: _version, ...node }: Node): object => node;
const byId = (list: readonly Node[]): Node[] => list.toSorted((a, b) => (a.id < b.id ? -1 : 1));
const newest = (list: readonly Fact[]): Node[] => {
  const latest = new Map<string, Node>();
  for (const { type, data } of list) {
    const node = data['node'] as Node | undefined;
    if (facts.has(type) && node !== undefined && (latest.get(node.id)?.version ?? 0) < node.version) latest.set(node.id, node);
  }
  return [...latest.values()];
};

for (const seed of [1, 7]) {
  test(`a fresh lifecycle comes to the same nodes from duplicated facts in another order (seed ${seed})`, async () => {
    await using servers = await startServers();
    const rig = await createRig({ servers });
    const nats = await connect({ servers: servers.nats.url });
    try {
      await rig.services.lifecycle.start(); // makes the streams
      await rig.services.lifecycle.stop();
      const js = jetstream(nats);
      for (const fact of reorder(log.filter((fact) => read.has(fact.type)), dice(seed))) await send(js, fact);
      await rig.services.lifecycle.start(); // and finds the whole log before it
      await drained(rig, js);
      const mine = await published(rig);
      for (const { id } of nodes) assert.deepEqual(transitions(mine.filter((fact) => fact.nodeid === id)), transitions(log.filter((fact) => fact.nodeid === id)), id);
      assert.deepEqual(byId(newest(mine)).map(comparable), byId(nodes).map(comparable));
      const ids = new Set(log.map((fact) => fact.id));
      assert.deepEqual(mine.filter((fact) => fact.type === 'node.transitioned' && !ids.has(fact.id)), [], 'the same causes made events of the same ids');
    } finally {
      await nats.close();
      await rig.stop();
    }
  });
}

test('a fresh api comes to the same machines from lifecycle’s facts in any order at all, each twice', async () => {
  await using servers = await startServers();
  const rig = await createRig({ servers });
  const nats = await connect({ servers: servers.nats.url });
  const roll = dice(3);
  try {
    await rig.services.api.start();
    const told = log.filter((fact) => facts.has(fact.type) || fact.type === 'node.inventory-reported');
    const shuffled = [...told, ...told].map((fact) => ({ fact, at: roll() })).toSorted((a, b) => a.at - b.at).map(({ fact }) => fact);
    const js = jetstream(nats);
    for (const fact of shuffled) await send(js, fact);
    const versions = JSON.stringify(byId(nodes).map(({ version }) => version));
    await waitFor(async () => JSON.stringify(byId(await rig.client.get<Node[]>('/machines')).map(({ version }) => version)) === versions, { what: 'the read model' });
    assert.deepEqual(byId(await rig.client.get<Node[]>('/machines')), byId(nodes));
  } finally {
    await nats.close();
    await rig.stop();
  }
});

after(() => { assert.ok(log.length > 100, 'the story was told'); });
