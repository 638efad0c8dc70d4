/** What must be true of a machine’s disk whatever went wrong: the simulated disk says what was done, the log what was allowed. */
import assert from 'node:assert/strict';
import { waitFor } from '@ironbus/testkit';
import type { Machine, Touch } from '@ironbus/sim';
import type { Operation } from './deploy-requests.ts';
import { transitions, type Fact } from './facts.ts';
import type { Rig } from './rig.ts';
import { askDeploy, makeReady, untilStatus } from './story.ts';

/** A machine that one owner after the other gets. */
export type Owned = { rig: Rig; machine: Machine; id: string; owner: number };
export type Begun = { touches: number; diary: number; sequence: number };

const template = 'd-i netcfg/get_hostname string {{ machine.hostname }}\n{% include \'phone_home\' %}';

/** Two images and an installer, so that a system tells whose it is. */
export async function addSystems(rig: Rig): Promise<void> {
  await Promise.all(['first', 'second'].map((id) => rig.addImage(id)));
  for (const id of ['linux', 'initrd']) await rig.addFile(id, Buffer.from(`not really ${id}`));
  await rig.client.post('/profiles', { id: 'debian', kind: 'preseed', kernel: 'image:linux', initrd: 'image:initrd', template });
}

export async function readyMachines(rig: Rig, count: number): Promise<Owned[]> {
  const machines = Array.from({ length: count }, () => rig.addMachine());
  return Promise.all(machines.map(async (machine) => ({ rig, machine, id: (await makeReady(rig, machine)).id, owner: 0 })));
}

/** One deployment for the next owner, on the disk of the last one; `system` is what has to be on it in the end. */
export async function deployNext(owned: Owned, operation: Exclude<Operation, 'erase'>): Promise<{ system: string }> {
  const { rig, id, machine } = owned;
  const hostname = `${machine.spec.name}-owner${owned.owner += 1}`;
  if (operation === 'profile') {
    await rig.client.post(`/machines/${id}/deploy`, { profile: 'debian', hostname });
    return { system: `installed:${hostname}` };
  }
  const image = owned.owner % 2 === 0 ? 'second' : 'first';
  const { sha256 } = await rig.client.get<{ sha256: string }>(`/images/${image}`);
  await askDeploy(rig, id, { image, hostname, ...(operation === 'maas' && { datasource: 'maas' }) });
  return { system: sha256 };
}

export async function release({ rig, machine, id }: Owned, erase: 'none' | 'quick'): Promise<void> {
  await rig.client.post(`/machines/${id}/release`, { erase });
  await untilStatus(rig, machine, id, 'Ready');
  await waitFor(() => machine.bmc.power() === 'off', { what: `${machine.spec.name} to be off` });
}

export const begin = ({ rig, machine }: Owned): Begun =>
  ({ touches: machine.disk.history.length, diary: machine.diary.length, sequence: rig.facts.seen.at(-1)?.sequence ?? 0 });
export const factsSince = ({ rig, id }: Owned, { sequence }: Begun, ...types: string[]): Fact[] => rig.facts.of(id, ...types).filter((fact) => fact.sequence > sequence);
export const storyOf = ({ machine }: Owned, { touches, diary }: Begun): string =>
  [machine.spec.name, ...machine.disk.history.slice(touches).map((touch) => JSON.stringify(touch)), ...machine.diary.slice(diary)].join('\n');
export const systemStarted = ({ machine }: Owned): Promise<unknown> => waitFor(() => machine.disk.history.at(-1)?.what === 'start', { what: `the system of ${machine.spec.name} to be started` });

const claimOf = (fact: Fact): string => `${String(fact.data['attempt'])}/${String(fact.data['step'])}/${String(fact.data['claim'])}`;

/** Every write and erase began under a claim that the log knows, and no two under one. An installer knows its token alone: there they are counted. */
export function judgeWrites(owned: Owned, begun: Begun): Touch[] {
  const story = storyOf(owned, begun);
  const touches = owned.machine.disk.history.slice(begun.touches);
  const writes = touches.filter(({ what }) => what !== 'start');
  const claims = factsSince(owned, begun, 'node.step-claimed');
  const agents = writes.filter(({ what }) => what !== 'install').map(({ by }) => String(by));
  assert.deepEqual(agents.filter((by) => !claims.map(claimOf).includes(by)), [], `written without a claim\n${story}`);
  assert.equal(new Set(writes.map(({ by }) => by)).size, writes.length, `one claim was used twice\n${story}`);
  assert.ok(writes.length - agents.length <= claims.filter(({ data }) => data['kind'] === 'install').length, `installed without a claim\n${story}`);
  return touches;
}

/** Deployed once, by way of nothing else; only this owner's system was started, and nothing wrote to the disk from then on. */
export async function judgeDeployed(owned: Owned, begun: Begun, system: string): Promise<void> {
  const { machine } = owned;
  const story = storyOf(owned, begun);
  await waitFor(() => transitions(factsSince(owned, begun)).at(-1) === 'Deploying → Deployed', { what: 'the fact that it is Deployed' });
  const facts = factsSince(owned, begun);
  const touches = judgeWrites(owned, begun);
  const first = touches.findIndex(({ what }) => what === 'start');
  assert.ok(first > 0, `written, then started\n${story}`);
  assert.deepEqual(touches.slice(first).filter(({ what }) => what !== 'start'), [], `written after it was started\n${story}`);
  assert.deepEqual(touches.filter(({ what, image }) => what === 'start' && image !== system), [], `another system was started\n${story}`);
  assert.equal(machine.disk.image, system, story);
  assert.deepEqual(transitions(facts), ['Ready → Deploying', 'Deploying → Deployed'], story);
  assert.equal(facts.filter(({ type }) => type === 'node.phoned-home').length, 1, story);
  assert.equal(machine.diary.slice(begun.diary).some((line) => line.startsWith('crashed')), false, story);
}

/** Failed for the reason, off, and no system was started since. */
export async function judgeFailed(owned: Owned, begun: Begun, reason: string): Promise<void> {
  const { rig, machine, id } = owned;
  const { failure } = await untilStatus(rig, machine, id, 'Failed deployment');
  await waitFor(() => machine.bmc.power() === 'off', { what: `the failed ${machine.spec.name} to be off` });
  assert.equal(failure?.reason, reason, storyOf(owned, begun));
  judgeWrites(owned, begun);
}
