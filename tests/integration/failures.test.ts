/** What goes wrong with machines, BMCs and images, each on its own machine at the same time, and what Ironbus says of it. */
import assert from 'node:assert/strict';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Failure, Image, Status } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { transitions } from './facts.ts';
import { call, Reset, type Machine } from '@ironbus/sim';
import { createRig, type Rig } from './rig.ts';
import { askDeploy, enlist, holdAt, makeReady, setPower, untilStatus } from './story.ts';

let rig: Rig;

before(async () => {
  rig = await createRig({ env: { LIFECYCLE_CHECK_IN_SECONDS: '3' } });
  await rig.up();
  await rig.addImage('debian');
});
after(() => rig.stop());

const failureOf = async (machine: Machine, id: string, status: Status): Promise<Failure> => {
  const node = await untilStatus(rig, machine, id, status);
  assert.ok(node.failure !== null);
  assert.equal(node.statusMessage, node.failure.message, 'a person reads the reason');
  return node.failure;
};
const claims = (machine: Machine, step: string): string[] => machine.diary.filter((line) => line.startsWith(`claim ${step} `));
const claimed = (id: string, step: string): number => rig.facts.of(id, 'node.step-claimed').filter((fact) => fact.data['step'] === step).length;

describe('failures', { concurrency: 6 }, () => {
  test('a wrong BMC password fails commissioning, and a later one deployment, with power-bmc-auth', async () => {
    const machine = rig.addMachine();
    const { id } = await enlist(rig, machine);
    await setPower(rig, machine, id, 'not-the-password');
    await rig.client.post(`/machines/${id}/accept`);
    const first = await failureOf(machine, id, 'Failed commissioning');
    assert.deepEqual([first.reason, first.during], ['power-bmc-auth', 'Commissioning']);
    assert.match(first.message, /refused the user name or password/);

    await setPower(rig, machine, id);
    await rig.client.post(`/machines/${id}/commission`);
    await untilStatus(rig, machine, id, 'Ready');
    machine.bmc.setPassword('changed-behind-our-back');
    await askDeploy(rig, id);
    const second = await failureOf(machine, id, 'Failed deployment');
    assert.deepEqual([second.reason, second.during, machine.disk.image], ['power-bmc-auth', 'Deploying', null]);
    assert.match(second.lastEvidence ?? '', /power cycle failed \(power-bmc-auth\)/);
  });

  test('a BMC that does not answer: power-bmc-unreachable', async () => {
    const machine = rig.addMachine();
    const { id } = await enlist(rig, machine);
    await setPower(rig, machine, id);
    machine.bmc.setSilent(true);
    await rig.client.post(`/machines/${id}/accept`);
    const failure = await failureOf(machine, id, 'Failed commissioning');
    assert.equal(failure.reason, 'power-bmc-unreachable');
    assert.match(failure.message, /does not answer/);
  });

  test('a machine that never checks in: every remedy once, then no-check-in with the last evidence', async () => {
    const machine = rig.addMachine();
    const node = await makeReady(rig, machine);
    machine.gate = (stage) => stage === 'leased' ? new Promise<void>(() => undefined) : undefined;
    await askDeploy(rig, node.id);
    const failure = await failureOf(machine, node.id, 'Failed deployment');
    assert.equal(failure.reason, 'no-check-in');
    assert.match(failure.message, /tried re-arm-netboot, power-cycle, other-boot-path/);
    assert.match(failure.lastEvidence ?? '', /^power on at .*, nothing since$/);
    const remedies = rig.facts.of(node.id, 'node.deadline-passed').map((fact) => fact.data['remedy']);
    assert.deepEqual(remedies, ['re-arm-netboot', 'power-cycle', 'other-boot-path', null]);
    const bootDevices = rig.facts.of(node.id, 'power.requested').slice(1).map((fact) => `${String(fact.data['action'])} ${String(fact.data['bootDevice'])}`);
    assert.deepEqual(bootDevices, ['cycle network', 'cycle network', 'cycle unchanged', 'cycle network', 'off unchanged']);
    await waitFor(() => machine.bmc.power() === 'off', { what: 'the failed machine to be off' });
    assert.equal(claimed(node.id, 'write-image'), 0);
  });

  test('image bytes that changed on the rack’s disk: the agent’s image-hash-mismatch is the reason', async () => {
    const machine = rig.addMachine();
    const node = await makeReady(rig, machine);
    const image = await rig.addImage('corrupt');
    await waitFor(async () => (await cached()).includes(image.sha256), { what: 'the rack to have the image' });
    // In one step: a file of another size for a moment would be fetched again.
    await writeFile(join(rig.dir, 'rotten'), Buffer.alloc(image.sizeBytes));
    await rename(join(rig.dir, 'rotten'), join(rig.dir, 'images', image.sha256));
    await askDeploy(rig, node.id, { image: 'corrupt' });
    const failure = await failureOf(machine, node.id, 'Failed deployment');
    assert.deepEqual([failure.reason, failure.during], ['image-hash-mismatch', 'Deploying']);
    await waitFor(() => machine.bmc.power() === 'off', { what: 'the failed machine to be off' });
  });

  test('image bytes that are nowhere: image-unavailable', async () => {
    const machine = rig.addMachine();
    const node = await makeReady(rig, machine);
    const image = await rig.addImage('gone');
    await waitFor(async () => (await cached()).includes(image.sha256), { what: 'the rack to have the image' });
    await removeEverywhere(image);
    await askDeploy(rig, node.id, { image: 'gone' });
    const failure = await failureOf(machine, node.id, 'Failed deployment');
    assert.equal(failure.reason, 'image-unavailable');
  });

  test('a machine that loses power in the middle of writing, each time: claims-exhausted after three', async () => {
    const machine = rig.addMachine();
    const node = await makeReady(rig, machine);
    machine.gate = (stage) => { if (stage === 'claimed write-image') throw new Reset(); };
    await askDeploy(rig, node.id);
    const failure = await failureOf(machine, node.id, 'Failed deployment');
    assert.equal(failure.reason, 'claims-exhausted');
    assert.deepEqual(claims(machine, 'write-image'), ['claim write-image 2 200', 'claim write-image 2 200', 'claim write-image 2 200', 'claim write-image 2 409']);
    assert.equal(claimed(node.id, 'write-image'), 3);
    assert.equal(machine.disk.image, null);
  });

  test('power that fails once in the middle of writing: the step is claimed again and the machine is Deployed', async () => {
    const machine = rig.addMachine();
    const node = await makeReady(rig, machine);
    let failed = false;
    machine.gate = (stage) => {
      if (stage !== 'claimed write-image' || failed) return;
      failed = true;
      throw new Reset();
    };
    await askDeploy(rig, node.id);
    await untilStatus(rig, machine, node.id, 'Deployed');
    assert.deepEqual([claimed(node.id, 'write-image'), claimed(node.id, 'seed')], [2, 1]);
  });

  test('an abort in the middle of a deployment: Allocated and off, and what the agent still says moves nothing', async () => {
    const machine = rig.addMachine();
    const node = await makeReady(rig, machine);
    const { reached } = holdAt(machine, 'claimed write-image');
    await askDeploy(rig, node.id);
    await reached;
    await rig.client.post(`/machines/${node.id}/abort`);
    const aborted = await untilStatus(rig, machine, node.id, 'Allocated');
    assert.deepEqual([aborted.operation, aborted.deployment], [null, null]);
    await waitFor(() => machine.bmc.power() === 'off', { what: 'the machine to be off' });
    machine.gate = () => undefined;
    machine.bmc.press('on');
    await waitFor(() => machine.diary.filter((line) => line === 'power off').length >= 4, { what: 'the machine to be held and to switch itself off' });
    assert.equal(claimed(node.id, 'write-image'), 1);
    await askDeploy(rig, node.id);
    await untilStatus(rig, machine, node.id, 'Deployed');
  });

  test('a stale agent of an earlier attempt gets 409 and no claim', async () => {
    const machine = rig.addMachine();
    const node = await makeReady(rig, machine);
    const { reached } = holdAt(machine, 'checked-in');
    await askDeploy(rig, node.id);
    await reached;
    // Only a person can switch it now, so the agent of the aborted attempt runs on.
    await rig.client.patch(`/machines/${node.id}`, { power: { type: 'manual' } });
    await rig.client.post(`/machines/${node.id}/abort`);
    await askDeploy(rig, node.id);
    const kernel = machine.commandLines.at(-1) ?? '';
    const word = (name: string): string => new RegExp(`${name}=(\\S+)`).exec(kernel)?.[1] ?? '';
    const address = (rig.facts.of(node.id, 'node.checked-in').at(-1)?.data['ip'] ?? '') as string;
    const stale = { machine, url: word('ironbus.url'), token: word('ironbus.token'), address, signal: AbortSignal.timeout(20_000) };
    const old = await waitFor(async () => {
      const answer = await call<{ error?: { code: string } }>(stale, 'steps/write-image/claim', { attempt: 2 });
      return answer.status === 409 && answer;
    }, { what: 'the old attempt to be over' });
    assert.equal(old.body.error?.code, 'AGENT_SUPERSEDED');
    assert.equal((await call(stale, 'steps/write-image/claim', { attempt: 3 })).status, 409, 'nor the new attempt, before it checked in');
    assert.equal(claimed(node.id, 'write-image'), 0);
    machine.bmc.press('off');
    machine.gate = () => undefined;
    machine.bmc.press('on');
    await untilStatus(rig, machine, node.id, 'Deployed');
    assert.deepEqual(rig.facts.of(node.id, 'node.step-claimed').filter((fact) => fact.data['step'] === 'write-image').map((fact) => fact.data['attempt']), [3]);
  });
});

test('lifecycle away when the last step is done: the ledger beats the stale policy, and the disk is written once', async () => {
  const machine = rig.addMachine();
  const node = await makeReady(rig, machine);
  const { reached, release } = holdAt(machine, 'claimed seed');
  await askDeploy(rig, node.id);
  await reached;
  await rig.services.lifecycle.stop();
  release();
  await waitFor(() => machine.diary.includes('phoned-home'), { what: 'the new system to call', timeoutMs: 20_000 });
  assert.ok(machine.diary.includes('script deployment-done'), machine.diary.join('\n'));
  // Its policy still says "deploy": a machine that starts again must get its disk all the same.
  machine.bmc.press('off');
  machine.bmc.press('on');
  await waitFor(() => machine.diary.filter((line) => line === 'script deployment-done').length === 2, { what: 'a second boot' });
  await rig.services.lifecycle.start();
  await untilStatus(rig, machine, node.id, 'Deployed');
  assert.equal(claimed(node.id, 'write-image'), 1);
  assert.deepEqual(transitions(rig.facts.of(node.id)).slice(-2), ['Ready → Deploying', 'Deploying → Deployed']);
});

const cached = (): Promise<string[]> => readdir(join(rig.dir, 'images'));

/** The region loses the bytes first, so that the rack can not fetch them again. */
async function removeEverywhere({ sha256 }: Image): Promise<void> {
  await rm(join(rig.dir, 'api', 'images', sha256));
  await rm(join(rig.dir, 'images', sha256));
}
