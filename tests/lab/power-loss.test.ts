/**
 * Writes happen once, on real virtual machines: one loses its power (QEMU killed) at every stage of a deployment, the other is deployed while
 * the region goes away twice, and its next owner's deployment fails by name where power never lasts. Every request of a deployment is gone
 * through in tests/integration/power-loss.test.ts.
 */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Envelope, Node, Status } from '@ironbus/contracts';
import { startApart, type Said } from './apart.ts';
import { useLabWith } from './fixture.ts';
import { waitUntil } from './harness/run.ts';
import { addressOf, commission, enlist, rackUp, release, setPower, ssh, type Rig } from './story.ts';

const use = useLabWith(startApart, {
  name: 'powerloss', base: '10.96', images: ['debian'],
  env: () => ({ LIFECYCLE_CHECK_IN_SECONDS: '60', LIFECYCLE_PHONE_HOME_SECONDS: '300', LIFECYCLE_MAX_CLAIMS: '2' }),
});
/** As long as the region may be away while the other machine boots a whole system. */
const stageMs = 600_000;
const startedAt = performance.now();
const tell = (text: string): void => console.log(`# ${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s  ${text}`);

/** A machine and how far the rack's log of it has been read. */
type Under = { rig: Rig; node: Node; from: number };
const machines: Under[] = [];

const linesOf = ({ rig, from }: Under): Said[] => use().stack.rackSaid().slice(from).filter(({ mac }) => mac === rig.machine.spec.mac);
/** From here on: what was said before does not count. */
const hereOn = (under: Under): void => { under.from = use().stack.rackSaid().length; };

async function untilSaid(under: Under, msg: string, more: Partial<Said> = {}): Promise<Said> {
  const fits = (line: Said): boolean => line.msg === msg && Object.entries(more).every(([name, value]) => line[name as keyof Said] === value);
  const { spec } = under.rig.machine;
  const said = await waitUntil(`${spec.name}: ${msg} ${JSON.stringify(more)}`, () => linesOf(under).find(fits), { timeoutMs: stageMs })
    .catch((error: Error) => assert.fail(`${error.message}\n${linesOf(under).map((line) => JSON.stringify(line)).slice(-12).join('\n')}\nits console ends:\n${under.rig.machine.serial().slice(-1500)}`));
  tell(`${spec.name}: ${msg} ${JSON.stringify(more)}`);
  return said;
}

/** The region may be away meanwhile. */
const untilStatus = ({ node: { id } }: Under, wanted: Status, timeoutMs: number): Promise<Node> => waitUntil(`${id} to be ${wanted}`, async () => {
  const node = await use().stack.client.machine(id).catch((error: unknown) => error instanceof TypeError ? undefined : Promise.reject(error));
  if (node !== undefined && node.status !== wanted && /^Failed|failed$/.test(node.status)) assert.fail(`${node.hostname} is ${node.status}: ${JSON.stringify(node.failure)}`);
  return node?.status === wanted && node;
}, { timeoutMs, everyMs: 250 });

/** A new system from a new owner; the log is read from here on. */
async function askDeploy(under: Under, hostname: string): Promise<void> {
  const { stack: { client }, key } = use();
  hereOn(under);
  await client.post(`/machines/${under.node.id}/allocate`);
  await client.post(`/machines/${under.node.id}/deploy`, { image: 'debian', hostname, sshKeys: [key.publicKey] });
}

async function lose({ rig: { machine } }: Under, when: string): Promise<void> {
  await machine.power('lose');
  tell(`${machine.spec.name}: power lost ${when}`);
}

/** A good part of the image is on the disk. */
const untilHalfWritten = ({ rig: { machine } }: Under, before: number): Promise<boolean> =>
  waitUntil(`${machine.spec.name} to write its disk`, () => statSync(join(machine.dir, 'disk0.qcow2')).blocks * 512 - before > 64 * 1024 * 1024, { timeoutMs: stageMs, everyMs: 20 });
const diskBytes = ({ rig: { machine } }: Under): number => statSync(join(machine.dir, 'disk0.qcow2')).blocks * 512;

const claimsOf = (under: Under): string[] => linesOf(under).filter(({ msg }) => msg === 'step claimed').map(({ step, claim }) => `${step} ${claim}`);
const sentToDisk = (under: Under): number => linesOf(under).filter(({ msg, answer }) => msg === 'boot script served' && answer === 'local').length;
const eventsOf = ({ node: { id } }: Under): Promise<Envelope[]> => use().stack.client.get(`/machines/${id}/events`);

test('two machines are taken in', async () => {
  const { lab, stack: { client } } = use();
  machines.push(...await Promise.all([0, 1].map(async (index) => {
    const rig = await rackUp(lab, index, 'bios', { memoryMb: 1536 });
    const node = await commission(client, await setPower(client, await enlist(client, rig), rig.bmc));
    tell(`${rig.machine.spec.name}: Ready`);
    return { rig, node, from: 0 };
  })));
});
after(() => Promise.all(machines.map(({ rig }) => rig.machine.power('off'))));

describe('power and region', { concurrency: 2 }, () => {
  test('power lost while the agent boots, while the image is written, once it was written, and while the new system boots: Deployed, each step once more at most', async () => {
    const under = machines[0] ?? assert.fail();
    const { lab, key } = use();
    const { machine } = under.rig;
    const [serial, empty] = [machine.serial().length, diskBytes(under)];
    await askDeploy(under, 'often-dark');
    await machine.waitForSerial(/ironbus agent: .* starting/, { from: serial, timeoutMs: stageMs });
    await lose(under, 'while the agent boots; nobody but lifecycle switches it on again');
    await untilSaid(under, 'step claimed', { step: 'write-image', claim: 1 });
    await untilHalfWritten(under, empty);
    await lose(under, 'while the image is written');
    await machine.power('on');
    await untilSaid(under, 'step claimed', { step: 'write-image', claim: 2 });
    await untilSaid(under, 'step reported', { step: 'write-image' });
    await lose(under, 'once the image was written');
    await machine.power('on');
    await untilSaid(under, 'step reported', { step: 'seed' });
    await untilSaid(under, 'boot script served', { answer: 'local' });
    const booting = machine.serial().length;
    await machine.waitForSerial(/Cloud-init v/i, { from: booting, timeoutMs: stageMs });
    await lose(under, 'while the new system boots');
    await machine.power('on');
    const node = await untilStatus(under, 'Deployed', stageMs);
    tell(`${machine.spec.name}: Deployed`);
    assert.equal(await ssh(lab, key, addressOf(node), 'hostname'), 'often-dark');
    assert.deepEqual(claimsOf(under), ['write-image 1', 'write-image 2', 'grow 1', 'seed 1']);
    const passed = (await eventsOf(under)).filter(({ type }) => type === 'node.deadline-passed').map(({ data }) => (data as { remedy: string | null }).remedy);
    assert.deepEqual(passed, ['re-arm-netboot'], 'the first loss was mended by the ladder, and nothing else had to be');
  });

  test('the region away while the image is written and until the new system has called: Deployed; for the next owner power never lasts: Failed deployment by claims-exhausted', async () => {
    const under = machines[1] ?? assert.fail();
    const { lab, key, stack: { region, client } } = use();
    const { machine } = under.rig;
    await askDeploy(under, 'alone');
    await untilSaid(under, 'step claimed', { step: 'write-image' });
    await region.stop();
    tell('the region is away');
    await untilSaid(under, 'step reported', { step: 'write-image' });
    await region.start();
    tell('the region is back');
    await untilSaid(under, 'boot script served', { answer: 'local' });
    await region.stop();
    tell('the region is away');
    await untilSaid(under, 'machine phoned home');
    await region.start();
    tell('the region is back');
    const deployed = await untilStatus(under, 'Deployed', 60_000);
    assert.equal(await ssh(lab, key, addressOf(deployed), 'hostname'), 'alone');
    assert.deepEqual(claimsOf(under), ['write-image 1', 'grow 1', 'seed 1']);

    await release(client, deployed, 'none');
    await askDeploy(under, 'never');
    for (const claim of [1, 2]) {
      await untilSaid(under, 'step claimed', { step: 'write-image', claim });
      await lose(under, `as claim ${claim} of the next owner's image was given`);
      await machine.power('on');
    }
    await untilSaid(under, 'claim refused');
    const failed = await waitUntil('the deployment to fail', async () => {
      const node = await client.machine(under.node.id);
      return node.status === 'Failed deployment' && node;
    }, { timeoutMs: 30_000, everyMs: 250 });
    assert.deepEqual([failed.failure?.reason, failed.failure?.during], ['claims-exhausted', 'Deploying']);
    await waitUntil('the failed machine to be off', async () => await machine.status() === 'off', { timeoutMs: 30_000 });
    assert.equal(sentToDisk(under), 0, 'the last owner’s system was never booted');
    tell(`${machine.spec.name}: Failed deployment`);
  });
});
