/**
 * debian-installer on a machine that Ironbus deploys a profile to: its kernel and initrd come through the firmware's own iPXE, it fetches its
 * preseed, and runs what the preseed says. The lab has no Debian mirror, so no package is installed: calling home is the preseed's first command
 * instead of its last.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Envelope, Node } from '@ironbus/contracts';
import { firstBoot, newcomer } from './first-boot.ts';
import { useLab, type Fixture } from './fixture.ts';
import { unpackPackage } from './harness/packages.ts';
import { waitUntil } from './harness/run.ts';
import { cacheDir, labNetwork } from './stack.ts';
import { commission, enlist, rackUp, release, setPower, type Rig } from './story.ts';

const installer = 'debian-installer-12-netboot-amd64';
const files = 'usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64';
const use = useLab('inst', '10.88', [], { env: () => ({ LIFECYCLE_CHECK_IN_SECONDS: '600', LIFECYCLE_INSTALL_SECONDS: '1200' }) });
const bootMs = 600_000;
let rig: Rig;
let node: Node;

const questions = 'd-i debian-installer/locale string en_US.UTF-8\nd-i keyboard-configuration/xkb-keymap select us\nd-i netcfg/get_hostname string {{ machine.hostname }}\n';
const early = `${questions}d-i preseed/early_command string echo "marker {{ values.marker }} $(cat /overlay-marker)" > /dev/ttyS0; {{ phone_home.command }}\n`;
const profile = {
  id: 'debian', kind: 'preseed', kernel: 'image:d-i-linux', initrd: 'image:d-i-initrd', overlays: ['marker'],
  kernelArguments: 'locale=en_US keymap=us console=ttyS0 DEBIAN_FRONTEND=text --- quiet', template: `${questions}{% include 'phone_home' %}`,
};

/** Events of the attempt, by type. */
const told = (type: string): Envelope[] => use().events.filter((event) => event.type === type && event.nodeid === node.id);
const claims = (): Envelope[] => told('node.step-claimed').filter((event) => (event.data as { kind: string }).kind === 'install');
const ended = (): string => `the serial console ends:\n${rig.machine.serial().slice(-1500)}`;
const untilClaimed = (count: number): Promise<boolean> =>
  waitUntil(`claim ${count} of the installer`, () => claims().length === count, { timeoutMs: bootMs, everyMs: 250 }).catch((error: Error) => assert.fail(`${error.message}; ${ended()}`));

async function addFiles({ stack: { client }, lab }: Fixture): Promise<void> {
  const from = join(await unpackPackage(installer, cacheDir, console.log), files);
  const directory = join(lab.dir, 'overlay');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'overlay-marker'), 'from the overlay\n');
  const overlay = join(lab.dir, 'overlay.cpio');
  writeFileSync(overlay, execFileSync('cpio', ['--create', '--format=newc', '--quiet'], { cwd: directory, input: 'overlay-marker\n' }));
  for (const [id, file] of [['d-i-linux', join(from, 'linux')], ['d-i-initrd', join(from, 'initrd.gz')], ['marker', overlay]] as const) await client.addImage(file, { id, name: id, format: 'file' });
  await client.post('/profiles', profile);
  await client.put('/layers/global', { values: { marker: 'of-the-layer' } });
}

test('a machine is taken in, and a profile of debian-installer with it', async () => {
  const { lab, stack: { client } } = use();
  await addFiles(use());
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
  }, { timeoutMs: 20_000 });
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
  assert.match(rig.machine.serial(), /marker of-the-layer from the overlay/, 'its shell ran the preseed’s command and read a file of the overlay');
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

test('released, and installed once more by GRUB, which takes kernel and initrd by HTTP', async () => {
  const { lab, stack: { client } } = use();
  node = await release(client, node, 'none');
  await client.put('/networks/pxe', { ...labNetwork(lab), loader: 'grub' });
  await client.post(`/machines/${node.id}/deploy`, { profile: 'debian', hostname: 'by-grub' });
  await untilClaimed(3);
  node = await client.waitForStatus(node.id, ['Deployed'], 120_000).catch((error: Error) => assert.fail(`${error.message}; ${ended()}`));
  const flavours = told('boot.script-served').map((event) => event.data as { rule: string; flavour?: string }).filter(({ rule }) => rule === 'policy-install').map(({ flavour }) => flavour);
  assert.deepEqual([node.hostname, flavours.at(-1)], ['by-grub', 'grub']);
  await rig.machine.power('off');
});

/** The entry that nobody chose is `enlist` here, so that something is heard of it. */
const consoleMenu = { prompt: 'Lab: choose', timeoutSeconds: 2, entries: [{ text: 'Enlist', boots: 'enlist' }, { text: 'Local disk', boots: 'local-disk' }, { text: 'netboot.xyz', boots: 'netboot-xyz' }] };

for (const [index, loader] of [[3, 'ipxe'], [4, 'grub']] as const) {
  test(`${loader} shows the menu of a machine nobody knows, and takes the first entry when the time is over`, async () => {
    const { lab, stack: { client } } = use();
    await client.put('/networks/pxe', { ...labNetwork(lab), loader, unknownMachines: 'menu', consoleMenu });
    const { checkIn, events } = await firstBoot(use(), await newcomer(lab, { index, firmware: 'bios' }), bootMs);
    assert.equal(checkIn.firmware, 'bios');
    const rules = events.filter((event) => event.type === 'boot.script-served').map((event) => (event.data as { rule: string }).rule);
    assert.ok(rules.includes('unknown-menu') && rules.at(-1) === 'chosen-enlist', rules.join(', '));
  });
}
