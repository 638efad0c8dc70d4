/**
 * Servers and services that go away in the middle of a deployment. Five machines stand at five stages when it happens;
 * all of them meet the outage, and all of them have to end Deployed with their disk written once.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Node } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { transitions, type Fact } from './facts.ts';
import type { Machine } from '@ironbus/sim';
import { createRig, type Rig } from './rig.ts';
import { startServers, type Servers } from './servers.ts';
import { names } from './services.ts';
import { askDeploy, makeReady, untilStatus } from './story.ts';

/** What each machine has just done when the outage comes. The last two are timed to the moment. */
const stages = ['checked-in', 'claimed write-image', 'reported write-image', 'power requested', 'phoned-home'] as const;
type Member = { machine: Machine; id: string };
type Held = Member & { release(): void };

let rig: Rig;
let servers: Servers;
let fleet: Member[] = [];

before(async () => {
  servers = await startServers('local'); // killed and started again on the same port: a container's published port may be gone by then
  rig = await createRig({ env: { LIFECYCLE_POWER_SECONDS: '12' }, servers });
  await rig.up();
  await rig.addImage('debian');
});
after(async () => {
  await rig.stop();
  await servers.stop();
});

/** Five machines that are Ready; new ones where a test before left others behind. */
async function readyFleet(): Promise<[Member, Member, Member, Member, Member]> {
  const states = await Promise.all(fleet.map(({ id }) => rig.client.machine(id)));
  if (fleet.length === 0 || states.some(({ status }) => status !== 'Ready')) {
    fleet = await Promise.all(stages.map(async () => {
      const machine = rig.addMachine();
      return { machine, id: (await makeReady(rig, machine)).id };
    }));
  }
  return fleet as [Member, Member, Member, Member, Member];
}

for (const name of names) {
  test(`${name} stopped and started again, at every stage of a deployment`, () => deployThrough({
    strike: () => rig.services[name].stop(), mend: () => rig.services[name].start(),
  }));
}
for (const name of ['nats', 'redis'] as const) {
  test(`${name} killed with -9 and started again, at every stage of a deployment`, () => deployThrough({
    strike: () => rig.servers[name].kill(), mend: () => rig.servers[name].restart(),
  }));
}
test('both servers killed at once, and every service stopped: what was acknowledged is enough to go on', () => deployThrough({
  strike: async () => {
    await Promise.all([rig.servers.nats.kill(), rig.servers.redis.kill()]);
    await Promise.all(names.map((name) => rig.services[name].stop()));
  },
  mend: async () => {
    await Promise.all([rig.servers.nats.restart(), rig.servers.redis.restart()]);
    await Promise.all(names.map((name) => rig.services[name].start()));
  },
}));

type Outage = { strike(): Promise<void>; mend(): Promise<void> };

async function deployThrough({ strike, mend }: Outage): Promise<void> {
  const [first, second, third, requested, calling] = await readyFleet();
  const from = rig.facts.seen.at(-1)?.sequence ?? 0;
  const held = [hold(first, 'checked-in'), hold(second, 'claimed write-image'), hold(third, 'reported write-image'), hold(calling, 'system')];
  const there = held.map(({ reached }) => reached);
  await Promise.all([first, second, third, calling].map(({ id }) => askDeploy(rig, id)));
  await Promise.all(there);
  const called = reach(calling.machine, 'phoned-home');
  held.at(-1)?.release();
  await askDeploy(rig, requested.id);
  await Promise.all([called, waitFor(() => rig.facts.of(requested.id, 'power.requested').some((fact) => fact.sequence > from), { what: 'power.requested' })]);
  await strike();
  try {
    const met = [first, second, third].map(({ machine }) => meets(machine));
    for (const { release } of held) release();
    await Promise.all(met);
  } finally {
    await mend();
  }
  for (const { machine, id } of fleet) await untilStatus(rig, machine, id, 'Deployed', 40_000);
  await rig.ready();
  for (const { id, machine } of fleet) await judge(id, machine, from);
  await Promise.all(fleet.map(({ id }) => rig.client.post(`/machines/${id}/release`, { erase: 'none' })));
  for (const { machine, id } of fleet) {
    await untilStatus(rig, machine, id, 'Ready');
    await waitFor(() => machine.bmc.power() === 'off');
  }
}

/** The machine stands still at its stage until it is released. */
function hold(member: Member, stage: string): Held & { reached: Promise<unknown> } {
  const { machine } = member;
  const released = Promise.withResolvers<void>();
  machine.gate = (now) => now === stage ? released.promise : undefined;
  return { ...member, reached: reach(machine, stage), release: () => { machine.gate = () => undefined; released.resolve(); } };
}

function reach(machine: Machine, stage: string): Promise<unknown> {
  const from = machine.diary.length;
  return waitFor(() => machine.diary.slice(from).includes(stage), { what: `${machine.spec.name} to be ${stage}`, timeoutMs: 30_000 })
    .catch((error: unknown) => { throw new Error(machine.diary.slice(from).join('\n'), { cause: error }); });
}

/** Resolves once the machine went on, or tried to. */
function meets(machine: Machine): Promise<unknown> {
  const from = machine.diary.length;
  return waitFor(() => machine.diary.length > from, { what: `${machine.spec.name} to meet the outage` });
}

/** One claim of each step, every transition once, every version of the node once and in order. */
async function judge(id: string, machine: Machine, from: number): Promise<void> {
  const mine = (): Fact[] => rig.facts.of(id).filter((fact) => fact.sequence > from);
  await waitFor(() => transitions(mine()).at(-1) === 'Deploying → Deployed', { what: 'the fact that it is Deployed' });
  const facts = mine();
  const told = (type: string): string[] => facts.filter((fact) => fact.type === type).map((fact) => `${String(fact.data['step'])} ${String(fact.data['claim'])}`);
  const story = facts.map((fact) => `${fact.sequence} ${fact.type} ${fact.id}`).join('\n');
  assert.deepEqual(transitions(facts), ['Ready → Deploying', 'Deploying → Deployed'], story);
  assert.deepEqual(told('node.step-claimed'), ['write-image 1', 'grow 1', 'seed 1'], story);
  assert.deepEqual(told('node.step-reported'), ['write-image 1', 'grow 1', 'seed 1'], story);
  assert.equal(facts.filter((fact) => fact.type === 'node.phoned-home').length, 1, story);
  const versions = facts.filter((fact) => 'node' in fact.data).map((fact) => (fact.data['node'] as Node).version);
  assert.deepEqual(versions, versions.map((_, index) => (versions[0] ?? 0) + index), story);
  assert.equal(machine.diary.some((line) => line.startsWith('crashed')), false, machine.diary.slice(-60).join('\n'));
}
