/**
 * Writes happen once. Power fails at every request of a deployment, of an installation and of an erase: before it left, and after it was
 * answered but before the machine could act. What the disk and the log say of it is in witness.ts.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Reset } from '@ironbus/sim';
import { waitFor } from '@ironbus/testkit';
import { loseAt, record, requestsOf, type Moment, type Operation } from './deploy-requests.ts';
import { createRig, type Rig } from './rig.ts';
import { untilStatus } from './story.ts';
import { addSystems, begin, deployNext, factsSince, judgeDeployed, judgeFailed, judgeWrites, readyMachines, release, storyOf, systemStarted, type Owned } from './witness.ts';

const lanes = 8;
let rig: Rig;
const idle: Owned[] = [];

before(async () => {
  rig = await createRig();
  await rig.up();
  await addSystems(rig);
  idle.push(...await readyMachines(rig, lanes));
});
after(() => rig.stop());

/** A machine for as long as the test takes; Ready again after it, with the last owner's system on its disk. */
async function withMachine(use: (owned: Owned) => Promise<void>): Promise<void> {
  const owned = idle.pop() ?? assert.fail('as many machines as lanes');
  await use(owned);
  owned.machine.onRequest = undefined;
  await release(owned, 'none');
  idle.push(owned);
}

for (const operation of ['image', 'maas', 'profile'] as const) {
  test(`${operation}: the table names every request of a deployment`, () => withMachine(async (owned) => {
    const begun = begin(owned);
    const asked = record(owned.machine);
    const { system } = await deployNext(owned, operation);
    await untilStatus(rig, owned.machine, owned.id, 'Deployed');
    await systemStarted(owned);
    assert.deepEqual(asked, requestsOf[operation]);
    await judgeDeployed(owned, begun, system);
  }));
}

type Row = { index: number; name: string; moment: Moment };
const rowsOf = (operation: Operation, from = 0): Row[] =>
  requestsOf[operation].flatMap((name, index) => (['before', 'after'] as const).map((moment) => ({ index, name, moment }))).slice(2 * from);
const placeOf = (operation: Operation, { index, name, moment }: Row): string =>
  `${moment} ${name}${(requestsOf[operation] as readonly string[]).indexOf(name) < index ? ' of the second boot' : ''}`;

/** What the MAAS data source adds comes after the last report. */
const tables = [['image', rowsOf('image')], ['maas', rowsOf('maas', requestsOf.maas.indexOf('report seed'))], ['profile', rowsOf('profile')]] as const;
for (const [operation, rows] of tables) {
  describe(`${operation}: power fails once`, { concurrency: lanes }, () => {
    for (const row of rows) {
      test(`${placeOf(operation, row)}: Deployed`, () => withMachine(async (owned) => {
        const begun = begin(owned);
        const { lost } = loseAt(owned.machine, row);
        const { system } = await deployNext(owned, operation);
        await untilStatus(rig, owned.machine, owned.id, 'Deployed');
        await waitFor(lost, { what: `power to fail ${row.moment} ${row.name}` });
        await systemStarted(owned);
        await judgeDeployed(owned, begun, system);
      }));
    }
  });
}

describe('erase: power fails once', { concurrency: lanes }, () => {
  for (const row of rowsOf('erase')) {
    test(`${placeOf('erase', row)}: Ready, and nothing was started`, () => withMachine(async (owned) => {
      const { machine } = owned;
      await deployNext(owned, 'image');
      await untilStatus(rig, machine, owned.id, 'Deployed');
      const begun = begin(owned);
      const { lost } = loseAt(machine, row);
      await release(owned, 'quick');
      const story = storyOf(owned, begun);
      assert.ok(lost(), story);
      assert.deepEqual(judgeWrites(owned, begun).filter(({ what }) => what === 'start'), [], story);
      assert.deepEqual([machine.disk.image, machine.disk.seed], [null, null], story);
      machine.onRequest = undefined;
      await deployNext(owned, 'image');
      await untilStatus(rig, machine, owned.id, 'Deployed');
    }));
  }
});

/** Each time the machine gets there; every claim of the step is used up. */
const always = [['image', 'claim write-image', 'after', 'write-image'], ['image', 'claim grow', 'after', 'grow'], ['maas', 'report seed', 'before', 'seed'], ['profile', 'config', 'after', 'install']] as const;
describe('power fails at every boot', { concurrency: lanes }, () => {
  for (const [operation, request, moment, step] of always) {
    test(`${operation}: ${moment} ${request}: three claims of ${step}, then Failed deployment by claims-exhausted, and nothing was started`, () => withMachine(async (owned) => {
      const begun = begin(owned);
      owned.machine.onRequest = (name, now) => { if (name === request && now === moment) throw new Reset(`${moment} ${request}`); };
      await deployNext(owned, operation);
      await judgeFailed(owned, begun, 'claims-exhausted');
      const claims = factsSince(owned, begun, 'node.step-claimed').filter(({ data }) => data['step'] === step).map(({ data }) => data['claim']);
      assert.deepEqual(claims, [1, 2, 3]);
      assert.deepEqual(owned.machine.disk.history.slice(begun.touches).filter(({ what }) => what === 'start'), [], storyOf(owned, begun));
    }));
  }
});
