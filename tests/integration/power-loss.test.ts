/**
 * Writes happen once. Power fails at every request of a deployment, of an installation and of an erase: before it left, and after it was
 * answered but before the machine could act. The simulated disk keeps what was done to it, and the log what was allowed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '@ironbus/testkit';
import type { Machine, Touch } from '@ironbus/sim';
import { loseAt, record, requestsOf, type Moment, type Operation } from './deploy-requests.ts';
import { transitions, type Fact } from './facts.ts';
import { createRig, type Rig } from './rig.ts';
import { askDeploy, makeReady, untilStatus } from './story.ts';

const lanes = 8;
const template = 'd-i netcfg/get_hostname string {{ machine.hostname }}\n{% include \'phone_home\' %}';

type Owned = { machine: Machine; id: string; owner: number };
let rig: Rig;
const idle: Owned[] = [];

before(async () => {
  rig = await createRig();
  await rig.up();
  await Promise.all(['first', 'second'].map((id) => rig.addImage(id)));
  const bytes = Buffer.from('not a kernel');
  for (const id of ['linux', 'initrd']) await rig.addFile(id, bytes);
  await rig.client.post('/profiles', { id: 'debian', kind: 'preseed', kernel: 'image:linux', initrd: 'image:initrd', template });
  const machines = Array.from({ length: lanes }, () => rig.addMachine());
  idle.push(...await Promise.all(machines.map(async (machine) => ({ machine, id: (await makeReady(rig, machine)).id, owner: 0 }))));
});
after(() => rig.stop());

/** One deployment for the next owner, on the disk of the last one. */
async function deployNext(owned: Owned, operation: Operation): Promise<{ system: string }> {
  const hostname = `${owned.machine.spec.name}-owner${owned.owner += 1}`;
  if (operation === 'profile') {
    await rig.client.post(`/machines/${owned.id}/deploy`, { profile: 'debian', hostname });
    return { system: `installed:${hostname}` };
  }
  const image = owned.owner % 2 === 0 ? 'second' : 'first';
  const { sha256 } = await rig.client.get<{ sha256: string }>(`/images/${image}`);
  await askDeploy(rig, owned.id, { image, hostname, ...(operation === 'maas' && { datasource: 'maas' }) });
  return { system: sha256 };
}

async function release({ machine, id }: Owned, erase: 'none' | 'quick'): Promise<void> {
  await rig.client.post(`/machines/${id}/release`, { erase });
  await untilStatus(rig, machine, id, 'Ready');
  await waitFor(() => machine.bmc.power() === 'off', { what: `${machine.spec.name} to be off` });
}

type Begun = { touches: number; sequence: number };
const begin = ({ machine }: Owned): Begun => ({ touches: machine.disk.history.length, sequence: rig.facts.seen.at(-1)?.sequence ?? 0 });
const factsOf = ({ id }: Owned, { sequence }: Begun, ...types: string[]): Fact[] => rig.facts.of(id, ...types).filter((fact) => fact.sequence > sequence);
const named = (fact: Fact): string => `${String(fact.data['attempt'])}/${String(fact.data['step'])}/${String(fact.data['claim'])}`;

/** Each beginning of a write or erase had a claim of its own, and no boot used the claim of another. */
function judgeWrites(owned: Owned, begun: Begun, story: string): Touch[] {
  const touches = owned.machine.disk.history.slice(begun.touches);
  const writes = touches.filter(({ what }) => what !== 'start');
  const allowed = factsOf(owned, begun, 'node.step-claimed');
  const agents = writes.filter(({ what }) => what !== 'install').map(({ by }) => by);
  assert.deepEqual(agents.filter((by) => !allowed.map(named).includes(String(by))), [], `written without a claim\n${story}`);
  assert.equal(new Set(writes.map(({ by }) => by)).size, writes.length, `one claim used twice\n${story}`);
  const installs = allowed.filter((fact) => fact.data['kind'] === 'install').length;
  assert.ok(writes.length - agents.length <= installs, `installed without a claim\n${story}`);
  return touches;
}

/** Only the new owner's system was ever started, and nothing wrote once it was. */
async function judgeDeployed(owned: Owned, begun: Begun, system: string): Promise<void> {
  const { machine } = owned;
  await waitFor(() => transitions(factsOf(owned, begun)).at(-1) === 'Deploying → Deployed', { what: 'the fact that it is Deployed' });
  const facts = factsOf(owned, begun);
  const story = [...machine.disk.history.slice(begun.touches).map((touch) => JSON.stringify(touch)), ...machine.diary.slice(-60)].join('\n');
  const touches = judgeWrites(owned, begun, story);
  const starts = touches.filter(({ what }) => what === 'start');
  assert.deepEqual([...new Set(starts.map(({ image }) => image))].filter((image) => image !== system), [], `another system was started\n${story}`);
  const firstStart = touches.findIndex(({ what }) => what === 'start');
  if (firstStart >= 0) assert.deepEqual(touches.slice(firstStart).filter(({ what }) => what !== 'start'), [], `written after it was started\n${story}`);
  assert.equal(machine.disk.image, system, story);
  assert.deepEqual(transitions(facts), ['Ready → Deploying', 'Deploying → Deployed'], story);
  assert.equal(facts.filter(({ type }) => type === 'node.phoned-home').length, 1, story);
  assert.equal(machine.diary.some((line) => line.startsWith('crashed')), false, story);
}

for (const operation of ['image', 'maas', 'profile'] as const) {
  test(`${operation}: the table names every request of a deployment`, async () => {
    const owned = idle.pop() as Owned;
    const begun = begin(owned);
    const asked = record(owned.machine);
    const { system } = await deployNext(owned, operation);
    await untilStatus(rig, owned.machine, owned.id, 'Deployed');
    await waitFor(() => owned.machine.disk.history.at(-1)?.what === 'start', { what: 'the system to be started' });
    assert.deepEqual(asked, requestsOf[operation]);
    await judgeDeployed(owned, begun, system);
    await release(owned, 'none');
    idle.push(owned);
  });
}

type Row = { index: number; name: string; moment: Moment };
const rowsOf = (operation: Operation, from = 0): Row[] => requestsOf[operation].flatMap((name, index) => (['before', 'after'] as const).map((moment) => ({ index, name, moment }))).slice(2 * from);
const nth = (operation: Operation, { index, name }: Row): string => requestsOf[operation].indexOf(name as never) < index ? `${name}, second boot` : name;

/** What the MAAS data source adds comes after the last report. */
const tables: [operation: Operation, rows: Row[]][] = [['image', rowsOf('image')], ['maas', rowsOf('maas', requestsOf.maas.indexOf('report seed'))], ['profile', rowsOf('profile')]];
for (const [operation, rows] of tables) {
  describe(`${operation}: power fails once`, { concurrency: lanes }, () => {
    for (const row of rows) {
      test(`${row.moment} ${nth(operation, row)}: Deployed`, async () => {
        const owned = idle.pop() as Owned;
        const begun = begin(owned);
        const { lost } = loseAt(owned.machine, row);
        const { system } = await deployNext(owned, operation);
        await untilStatus(rig, owned.machine, owned.id, 'Deployed');
        await waitFor(() => lost() && owned.machine.disk.history.at(-1)?.what === 'start', { what: `power to fail ${row.moment} ${row.name}, and the system to be started` });
        await judgeDeployed(owned, begun, system);
        owned.machine.onRequest = undefined;
        await release(owned, 'none');
        idle.push(owned);
      });
    }
  });
}

describe('erase: power fails once', { concurrency: lanes }, () => {
  for (const row of rowsOf('erase')) {
    test(`${row.moment} ${row.name}: Ready, and nothing was started`, async () => {
      const owned = idle.pop() as Owned;
      const { machine } = owned;
      await deployNext(owned, 'image');
      await untilStatus(rig, machine, owned.id, 'Deployed');
      const begun = begin(owned);
      const { lost } = loseAt(machine, row);
      await release(owned, 'quick');
      const story = machine.diary.slice(-60).join('\n');
      const touches = judgeWrites(owned, begun, story);
      assert.ok(lost(), story);
      assert.deepEqual(touches.filter(({ what }) => what === 'start'), [], story);
      assert.deepEqual([machine.disk.image, machine.disk.seed], [null, null], story);
      machine.onRequest = undefined;
      idle.push(owned);
    });
  }
});
