/**
 * debian-installer on a machine that Ironbus deploys a profile to: its kernel and initrd come through the firmware's own iPXE, it fetches its
 * preseed, and runs what the preseed says. The lab has no Debian mirror, so no package is installed: calling home is the preseed's first command
 * instead of its last.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Envelope, Node } from '@ironbus/contracts';
import { addInstaller, early, marker, profile } from './debian-installer.ts';
import { useLab } from './fixture.ts';
import { waitUntil } from './harness/run.ts';
import { commission, enlist, rackUp, setPower, type Rig } from './story.ts';

const use = useLab('inst', '10.88', [], { env: () => ({ LIFECYCLE_CHECK_IN_SECONDS: '600', LIFECYCLE_INSTALL_SECONDS: '1200' }) });
const bootMs = 600_000;
let rig: Rig;
let node: Node;

/** Events of the attempt, by type. */
const told = (type: string): Envelope[] => use().events.filter((event) => event.type === type && event.nodeid === node.id);
const claims = (): Envelope[] => told('node.step-claimed').filter((event) => (event.data as { kind: string }).kind === 'install');
const ended = (): string => `the serial console ends:\n${rig.machine.serial().slice(-1500)}`;
const untilClaimed = (count: number): Promise<boolean> =>
  waitUntil(`claim ${count} of the installer`, () => claims().length === count, { timeoutMs: bootMs, everyMs: 250 }).catch((error: Error) => assert.fail(`${error.message}; ${ended()}`));

test('a machine is taken in, and a profile of debian-installer with it', async () => {
  const { lab, stack: { client } } = use();
  await addInstaller(use());
  rig = await rackUp(lab, 0, 'bios', { memoryMb: 1024 });
  node = await commission(client, await setPower(client, await enlist(client, rig, bootMs), rig.bmc), bootMs);
  const preview = await client.post<{ kernelLine: string; problems: string[] }>(`/profiles/debian/preview?machine=${node.id}`);
  assert.deepEqual(preview.problems, []);
  assert.match(preview.kernelLine, /^auto=true priority=critical url=http\S+ .* console=ttyS0 DEBIAN_FRONTEND=text --- quiet$/);
});

test('deployed, it boots the installer, which fetches its preseed: that is the claim', async () => {
  await use().stack.client.post(`/machines/${node.id}/deploy`, { profile: 'debian', hostname: 'by-preseed' });
  await untilClaimed(1);
  const waiting = await waitUntil('lifecycle to wait for the call', async () => {
    const now = await use().stack.client.machine(node.id);
    return now.operation?.awaits === 'node.phoned-home' ? now : undefined;
  }, { timeoutMs: 60_000 });
  assert.deepEqual([waiting.status, waiting.statusMessage], ['Deploying', 'The installer runs; waiting until it calls']);
  const served = told('boot.file-served').map((event) => (event.data as { path: string; complete: boolean })).filter(({ complete }) => complete).map(({ path }) => path);
  assert.ok(served.includes('/profiles/debian/initrd'), `the joined initrd was sent whole: ${served.join(', ')}`);
});

test('power fails in the middle: the next boot is the next claim, with what the profile says by then, and calling home ends it', async () => {
  const { client } = use().stack;
  await client.put('/profiles/debian', { ...profile, template: early });
  await rig.machine.power('cycle');
  await untilClaimed(2);
  assert.deepEqual(claims().map((event) => (event.data as { claim: number }).claim), [1, 2]);
  node = await client.waitForStatus(node.id, ['Deployed'], 120_000).catch((error: Error) => assert.fail(`${error.message}; ${ended()}`));
  assert.match(rig.machine.serial(), marker, 'its shell ran the preseed’s command and read a file of the overlay');
  assert.deepEqual([node.hostname, node.deployment?.profile, told('node.phoned-home').length], ['by-preseed', 'debian', 1]);
});

test('from then on it is sent to its disk, and nothing of the installation can be fetched', async () => {
  const scripts = (): string[] => told('boot.script-served').map((event) => (event.data as { rule: string }).rule);
  const before = scripts().length;
  await rig.machine.power('cycle');
  await waitUntil('the next boot script', () => scripts().length > before, { timeoutMs: bootMs, everyMs: 250 });
  assert.equal(scripts().at(-1), 'policy-local');
  assert.equal(claims().length, 2);
  await rig.machine.power('off');
});
