/** The tests that every firmware has to pass, from a button press to a second deployment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '@ironbus/contracts';
import { follow, type Fixture } from './fixture.ts';
import { diskDigest } from './harness/machine.ts';
import type { Firmware } from './harness/qemu-argv.ts';
import { waitUntil } from './harness/run.ts';
import { assertOneIdPerBoot, assertOrder } from './story-in-events.ts';
import { addressOf, commission, deploy, enlist, rackUp, release, setPower, ssh, type Rig } from './story.ts';

/** JSON, which is YAML: the small system's own reader of cloud-config knows no more. */
const userData = '#cloud-config\n{ "runcmd": [["sh", "-c", "echo user-data-ran > /root/ran"]] }\n';

export function machineLife(firmware: Firmware, use: () => Fixture): void {
  let rig: Rig;
  let node: Node;
  let blank: string;
  const refresh = async (): Promise<Node> => { node = await use().stack.client.machine(node.id); return node; };

  test(`${firmware}: a machine that nobody prepared is enlisted`, async () => {
    const { lab, stack } = use();
    rig = await rackUp(lab, 0, firmware, { disks: [{ sizeGb: 5, serial: 'TARGET' }, { sizeGb: 1, serial: 'UNTOUCHED' }] });
    blank = await diskDigest(rig.machine, 1);
    node = await enlist(stack.client, rig);
    assert.equal(node.status, 'New');
    assert.equal(node.firmware, firmware === 'bios' ? 'bios' : 'uefi');
    assert.equal(node.serial, 'LAB-1');
    assert.deepEqual(node.hardware?.disks.map((disk) => disk.serial), ['TARGET', 'UNTOUCHED']);
    assert.equal(node.hardware?.bmcAddress, rig.bmc.address, 'the agent asked its BMC in-band');
    assert.deepEqual(node.hardware?.nics.map((nic) => [nic.mac, nic.link, nic.booted]), [[rig.machine.spec.mac, true, true]]);
  });

  test(`${firmware}: it is commissioned through its BMC`, async () => {
    const { client } = use().stack;
    node = await setPower(client, node, rig.bmc);
    node = await commission(client, node);
    await waitUntil('the commissioned machine to be off', async () => await rig.machine.status() === 'off', { timeoutMs: 30_000 });
    assert.equal(node.power.bootDeviceVerified, true, 'the network boot proved what the BMC could not be read for');
    const [switched] = use().events.filter((event) => event.type === 'power.changed');
    assert.ok(switched, 'no power.changed');
    assert.equal((switched.data as { bootDeviceVerified: boolean }).bootDeviceVerified, false, 'ipmi_sim keeps no readable boot device: until then it is unverified');
  });

  test(`${firmware}: it is deployed and reached by ssh`, async () => {
    const { lab, stack, key } = use();
    node = await deploy(stack.client, node, { image: 'tiny', hostname: 'first-name', disk: 'TARGET', sshKeys: [key.publicKey], userData });
    assert.equal(await ssh(lab, key, addressOf(node), 'hostname'), 'first-name');
    await waitUntil('user-data to run', async () => await ssh(lab, key, addressOf(node), 'cat /root/ran 2>/dev/null || echo not-yet') === 'user-data-ran', { timeoutMs: 30_000, everyMs: 500 });
    const size = Number((await ssh(lab, key, addressOf(node), 'df -k / | tail -1')).trim().split(/\s+/)[1]);
    assert.ok(size > 4_000_000, `the root file system has ${size} KiB of a 5 GiB disk`);
  });

  test(`${firmware}: it boots from its disk with every service stopped, network first`, async () => {
    const { lab, stack, key } = use();
    await stack.stop();
    await rig.machine.power('off');
    await rig.machine.power('on');
    assert.equal(await ssh(lab, key, addressOf(node), 'hostname', 420_000), 'first-name');
    await stack.start();
    await follow(use());
    assert.equal((await refresh()).status, 'Deployed');
  });

  test(`${firmware}: with the services there it is sent to its disk`, async () => {
    const { lab, stack, key } = use();
    await stack.client.post(`/machines/${node.id}/power`, { action: 'cycle' });
    const uptime = (): Promise<string> => ssh(lab, key, addressOf(node), 'cut -d. -f1 /proc/uptime', 120_000);
    await waitUntil('the machine to be up again', async () => Number(await uptime()) < 40 && await ssh(lab, key, addressOf(node), 'hostname') === 'first-name', { timeoutMs: 180_000, everyMs: 1000 });
  });

  test(`${firmware}: released with its disks erased, deployed again under another name`, async () => {
    const { lab, stack, key } = use();
    node = await release(stack.client, node, 'quick');
    await waitUntil('the erased machine to be off', async () => await rig.machine.status() === 'off', { timeoutMs: 30_000 });
    node = await deploy(stack.client, node, { image: 'tiny', hostname: 'second-name', disk: 'TARGET', sshKeys: [key.publicKey] });
    assert.equal(await ssh(lab, key, addressOf(node), 'hostname; ls /root/ran 2>/dev/null; true'), 'second-name');
  });

  test(`${firmware}: nothing but the target disk was written`, async () => {
    const { stack } = use();
    const claims = use().events.filter((event) => event.type === 'node.step-claimed' && (event.data as { kind: string }).kind === 'write-image');
    assert.equal(new Set(claims.map((event) => event.id)).size, 2, 'two deployments, one claim each');
    node = await release(stack.client, node, 'none');
    assert.equal(await diskDigest(rig.machine, 1), blank, 'the other disk (a quick erase of a blank disk leaves it blank)');
  });

  test(`${firmware}: the log tells the whole story in order, with one boot id per boot`, () => {
    const { events, sequences } = use();
    assert.deepEqual(sequences, sequences.toSorted((a, b) => a - b));
    assertOrder(events, ['lease.granted', 'node.checked-in', 'node.discovered', 'node.inventory-reported', 'power.requested', 'power.changed', 'node.phoned-home']);
    assertOneIdPerBoot(events, firmware === 'bios' ? [] : ['tftp.rrq']);
  });
}
