/**
 * Machines at every request of a deployment when the region goes away, when the rack's bootfiles is killed, and when their power does not
 * come back; and boot policies that are older than what the rack's ledger knows. What must be true of the disks is in witness.ts.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openBus } from '@ironbus/bus';
import { bootPoliciesBucket, macToken, type BootPolicy, type Mac } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { waitFor } from '@ironbus/testkit';
import { holdAtRequest, requestsOf } from './deploy-requests.ts';
import { createRig, waitReady, type Rig } from './rig.ts';
import { holdAt, untilStatus } from './story.ts';
import { addSystems, begin, deployNext, factsSince, judgeDeployed, judgeFailed, readyMachines, release, storyOf, systemStarted, type Begun, type Owned } from './witness.ts';

let rig: Rig;
/** One for each request. */
let fleet: Owned[];

before(async () => {
  rig = await createRig({ apart: ['bootfiles'], env: { BOOTFILES_IMAGE_WAIT: '1' } });
  await rig.up();
  await addSystems(rig);
  fleet = await readyMachines(rig, requestsOf.image.length);
});
after(() => rig.stop());

type Standing = { owned: Owned; begun: Begun; system: string; release(): void };

/** The whole fleet in the midst of its deployments, each machine before another request. */
async function standing(): Promise<Standing[]> {
  const all = await Promise.all(fleet.map(async (owned, index) => {
    const begun = begin(owned);
    const held = holdAtRequest(owned.machine, { index, moment: 'before' });
    return { owned, begun, ...held, ...await deployNext(owned, 'image') };
  }));
  for (const { owned, begun, reached } of all) {
    await Promise.race([reached, waitFor(() => false, { what: 'the request', timeoutMs: 30_000 }).catch(() => assert.fail(storyOf(owned, begun)))]);
  }
  return all;
}

async function judgeAll(all: readonly Standing[]): Promise<void> {
  for (const { owned, begun, system } of all) {
    await untilStatus(rig, owned.machine, owned.id, 'Deployed', 60_000);
    await systemStarted(owned);
    await judgeDeployed(owned, begun, system);
  }
  await Promise.all(fleet.map((owned) => release(owned, 'none')));
}

const since = ({ owned: { machine }, begun }: Pick<Standing, 'owned' | 'begun'>, line: string): boolean => machine.diary.slice(begun.diary).includes(line);

test('the region away at every request: the machines finish without it, and are Deployed when it is back', async () => {
  const all = await standing();
  await Promise.all([rig.services.lifecycle.stop(), rig.services.api.stop()]);
  for (const one of all) one.release();
  for (const one of all) await waitFor(() => since(one, 'phoned-home'), { what: `${one.owned.machine.spec.name} to call home without a region`, timeoutMs: 60_000 }).catch((error: unknown) => { throw new Error(storyOf(one.owned, one.begun), { cause: error }); });
  await rig.services.api.start();
  await rig.services.lifecycle.start();
  await judgeAll(all);
});

test('the region away with an image that the rack has not fetched yet: the machine asks until it is back', async () => {
  const owned = fleet[0] ?? assert.fail();
  const begun = begin(owned);
  const held = holdAtRequest(owned.machine, { index: requestsOf.image.indexOf('image'), moment: 'before' });
  const { system } = await deployNext(owned, 'image');
  await held.reached;
  await rig.services.api.stop();
  await rm(join(rig.dir, 'images', system));
  held.release();
  await waitFor(() => since({ owned, begun }, 'retry download 503'), { what: 'the rack to have no image', timeoutMs: 20_000 });
  await rig.services.api.start();
  await untilStatus(rig, owned.machine, owned.id, 'Deployed');
  await systemStarted(owned);
  await judgeDeployed(owned, begun, system);
  await release(owned, 'none');
});

test('bootfiles killed with SIGKILL at every request, three times: claims and reports go on in the next process', async () => {
  const all = await standing();
  const lines = (): number => all.reduce((sum, { owned }) => sum + owned.machine.diary.length, 0);
  for (let kill = 0; kill < 3; kill += 1) {
    const before = lines();
    if (kill === 0) for (const one of all) one.release();
    await waitFor(() => lines() > before + 5, { what: 'the machines to go on', everyMs: 1 });
    await rig.services.bootfiles.kill();
    await rig.services.bootfiles.start();
    await waitReady(rig.services.bootfiles);
  }
  await judgeAll(all);
});

describe('old boot policies', () => {
  const bus = (): ReturnType<typeof openBus> => openBus({ servers: rig.servers.nats.url, origin: { service: 'lifecycle', rack: 'region', instance: 'old' }, log: createLogger({ svc: 'old', level: 'silent' }) });
  let lifecycle: ReturnType<typeof openBus>;
  let owned: Owned;
  const key = (): string => macToken(owned.machine.spec.mac as Mac);
  const policy = async (): Promise<BootPolicy> => (await lifecycle.kv(bootPoliciesBucket).get(key()))?.value ?? assert.fail('no policy');
  /** As a relay that was killed may publish it once more: a newer revision with an older content. */
  const publish = async (old: BootPolicy): Promise<void> => {
    const revision = await lifecycle.kv(bootPoliciesBucket).put(key(), old);
    await waitFor(async () => (await lifecycle.kv(bootPoliciesBucket).get(key()))?.revision === revision);
  };
  const cycle = async (): Promise<number> => {
    const { machine } = owned;
    machine.bmc.press('off');
    await waitFor(() => machine.diary.at(-1) === 'power off', { what: 'the machine to be off' });
    machine.bmc.press('on');
    return machine.diary.length;
  };
  const nextScript = (from: number): Promise<string> => waitFor(() => owned.machine.diary.slice(from).find((line) => line.startsWith('script ')), { what: 'a boot script', timeoutMs: 20_000 });

  before(async () => {
    lifecycle = bus();
    await lifecycle.whenReady();
    owned = fleet[0] ?? assert.fail();
  });
  after(() => lifecycle.close());

  test('a finished deployment told to deploy once more: its own disk, and nothing is written', async () => {
    const begun = begin(owned);
    const { reached, release: goOn } = holdAt(owned.machine, 'checked-in');
    const { system } = await deployNext(owned, 'image');
    await reached;
    const old = await policy();
    assert.equal(old.answer, 'agent');
    goOn();
    await untilStatus(rig, owned.machine, owned.id, 'Deployed');
    await publish(old);
    assert.equal(await nextScript(await cycle()), 'script deployment-done');
    await systemStarted(owned);
    await judgeDeployed(owned, begun, system);
    await release(owned, 'none');
  });

  test('a system that called before its last report was heard is not deployed once more', async () => {
    const begun = begin(owned);
    const { machine } = owned;
    const { reached, release: goOn } = holdAtRequest(machine, { index: requestsOf.image.indexOf('report seed'), moment: 'before' });
    const { system } = await deployNext(owned, 'image');
    await reached;
    const old = await policy();
    // Its firmware took the disk first: the system is there, though nobody said so.
    const url = /http[^"]+phone-home[^"]+/.exec(machine.disk.seed?.['vendor-data'] ?? '')?.[0] ?? assert.fail('no URL in the seed');
    assert.equal((await fetch(url, { method: 'POST' })).status, 200);
    await untilStatus(rig, machine, owned.id, 'Deployed');
    await publish(old);
    const from = await cycle();
    goOn();
    assert.equal(await nextScript(from), 'script deployment-done');
    await systemStarted(owned);
    await judgeDeployed(owned, begun, system);
    await release(owned, 'none');
  });

  test('while the next owner’s system is about to be written, the last owner’s is neither started nor written again', async () => {
    const { machine } = owned;
    const first = holdAt(machine, 'checked-in');
    await deployNext(owned, 'image');
    await first.reached;
    const agent = await policy();
    first.release();
    await untilStatus(rig, machine, owned.id, 'Deployed');
    const local = await policy();
    assert.equal(local.answer, 'local');
    await release(owned, 'none');

    const begun = begin(owned);
    const second = holdAt(machine, 'claimed write-image');
    const { system } = await deployNext(owned, 'image');
    await second.reached;
    const now = await policy();
    for (const old of [local, agent]) {
      await publish(old);
      assert.equal(await nextScript(await cycle()), 'script policy-older-than-ledger', storyOf(owned, begun));
    }
    second.release();
    await publish(now);
    await untilStatus(rig, machine, owned.id, 'Deployed');
    await systemStarted(owned);
    assert.deepEqual(factsSince(owned, begun, 'node.step-claimed').filter(({ data }) => data['step'] === 'write-image').map(({ data }) => data['claim']), [1, 2]);
    await judgeDeployed(owned, begun, system);
    await release(owned, 'none');
  });
});

/** The stages that end differently where the machine is dead: no remedy of the ladder helps then. */
const stages = [['check-in', 'no-check-in'], ['claim write-image', 'step-timeout'], ['image', 'step-timeout'], ['report seed', 'step-timeout'], ['phone-home', 'no-phone-home']] as const;
describe('power that stays away', () => {
  let owned: Owned[];
  before(async () => {
    await rig.stop();
    rig = await createRig({ env: { LIFECYCLE_CHECK_IN_SECONDS: '4', LIFECYCLE_SHORT_STEP_SECONDS: '4', LIFECYCLE_STEP_SECONDS: '4', LIFECYCLE_PHONE_HOME_SECONDS: '4' } });
    await rig.up();
    await addSystems(rig);
    owned = await readyMachines(rig, 2 * stages.length);
  });

  test('lifecycle switches each machine on again, wherever it went off: Deployed', async () => {
    await Promise.all(owned.slice(0, stages.length).map(async (one, index) => {
      const begun = begin(one);
      const { machine } = one;
      let went = false;
      machine.onRequest = (request, moment) => {
        if (went || moment !== 'before' || request !== stages[index]?.[0]) return;
        went = true;
        machine.bmc.press('off');
        return new Promise(() => undefined);
      };
      const { system } = await deployNext(one, 'image');
      await untilStatus(rig, machine, one.id, 'Deployed', 40_000);
      await systemStarted(one);
      await judgeDeployed(one, begun, system);
    }));
  });

  test('a machine that goes off each time it gets there has failed, by name, and is off', async () => {
    await Promise.all(owned.slice(stages.length).map(async (one, index) => {
      const begun = begin(one);
      const { machine } = one;
      const [at, reason] = stages[index] ?? assert.fail();
      machine.onRequest = (request, moment) => {
        if (moment !== 'before' || request !== at) return;
        machine.bmc.press('off');
        return new Promise(() => undefined);
      };
      await deployNext(one, 'image');
      await judgeFailed(one, begun, reason);
    }));
  });
});
