/** What goes wrong ends in a named failure, and not in a hang. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Image, Node } from '@ironbus/contracts';
import { useLab } from './fixture.ts';
import { enlist, rackUp, setPower, type Rig } from './story.ts';

const use = useLab('fail', '10.84', ['tiny']);
let rig: Rig;
let node: Node;

test('a wrong BMC password: commissioning fails at once, saying so; the right one mends it', async () => {
  const { lab, stack: { client } } = use();
  rig = await rackUp(lab, 0, 'bios');
  node = await setPower(client, await enlist(client, rig), rig.bmc, 'wrong-password');
  await client.post(`/machines/${node.id}/accept`);
  node = await client.waitForStatus(node.id, ['Failed commissioning'], 60_000);
  assert.equal(node.failure?.reason, 'power-bmc-auth');
  assert.match(node.failure?.message ?? '', /user name or password/);
  await setPower(client, node, rig.bmc);
  await client.post(`/machines/${node.id}/commission`);
  node = await client.waitForStatus(node.id, ['Ready'], 180_000);
});

test('an image whose bytes are gone: the deployment fails with image-unavailable', async () => {
  const { stack } = use();
  const image = await stack.client.get<Image>('/images/tiny');
  await rm(join(stack.dataDir, 'api/images', image.sha256));
  await rm(join(stack.dataDir, 'bootfiles/images', image.sha256), { force: true });
  await stack.client.post(`/machines/${node.id}/deploy`, { image: 'tiny' });
  node = await stack.client.waitForStatus(node.id, ['Failed deployment'], 300_000);
  assert.equal(node.failure?.reason, 'image-unavailable');
});

test('an image that is no longer offered is refused before anything is touched', async () => {
  const { client } = use().stack;
  await client.delete('/images/tiny');
  await assert.rejects(client.post(`/machines/${node.id}/deploy`, { image: 'tiny' }), /IMAGE_UNKNOWN/);
});

test('a kernel that never checks in: the ladder is climbed, then a failure that names the last evidence', async () => {
  const { stack } = use();
  await stack.stop();
  await stack.start({ LIFECYCLE_KERNEL_ARGUMENTS: 'rdinit=/no-such-program', LIFECYCLE_CHECK_IN_SECONDS: '20', LIFECYCLE_LADDER: 'power-cycle' });
  await stack.client.post(`/machines/${node.id}/release`, { erase: 'none' });
  node = await stack.client.waitForStatus(node.id, ['Ready'], 60_000);
  await stack.client.post(`/machines/${node.id}/commission`);
  node = await stack.client.waitForStatus(node.id, ['Failed commissioning'], 180_000);
  assert.equal(node.failure?.reason, 'no-check-in');
  assert.ok(node.failure?.lastEvidence, 'the last evidence is kept');
  const history = await stack.client.get<{ type: string }[]>(`/machines/${node.id}/events`);
  assert.ok(history.some((event) => event.type === 'node.deadline-passed'));
});

test('with the kernel mended the same machine is commissioned', async () => {
  const { stack } = use();
  await stack.stop();
  await stack.start();
  await stack.client.post(`/machines/${node.id}/commission`);
  node = await stack.client.waitForStatus(node.id, ['Ready'], 180_000);
});
