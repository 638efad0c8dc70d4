/** Other wires, other loaders, other people's DHCP: each from the power button to the check-in of a machine nobody knows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstBoot, newcomer } from './first-boot.ts';
import { useLab } from './fixture.ts';
import { startForeignDhcp } from './harness/foreign-dhcp.ts';
import { startRelay } from './harness/relay.ts';
import { cacheDir, farNetwork, labNetwork } from './stack.ts';

const use = useLab('load', '10.86', [], { router: true, env: (lab) => ({ API_NETWORKS: JSON.stringify([labNetwork(lab), farNetwork(lab)]) }) });
const change = (what: Record<string, unknown>): Promise<unknown> => use().stack.client.put('/networks/pxe', { ...labNetwork(use().lab), ...what });

test('behind a relay: a machine of the far segment', async () => {
  const { lab } = use();
  const relay = await startRelay(lab, { cacheDir, say: console.log });
  const { checkIn, offers } = await firstBoot(use(), await newcomer(lab, { index: 0, firmware: 'bios', network: 'far' }));
  await relay.stop();
  assert.match(checkIn.ip, new RegExp(`^${lab.base}\\.1\\.1\\d\\d$`));
  assert.deepEqual(offers.map(({ client }) => client), ['ipxe', 'plain']);
});

test('another NIC: e1000e', async () => {
  const { checkIn } = await firstBoot(use(), await newcomer(use().lab, { index: 1, firmware: 'bios', nic: 'e1000e' }));
  assert.equal(checkIn.firmware, 'bios');
});

test('a 32-bit UEFI on a 64-bit machine: GRUB, and the 64-bit agent', async () => {
  const { checkIn, offers } = await firstBoot(use(), await newcomer(use().lab, { index: 2, firmware: 'uefi-ia32' }));
  assert.deepEqual([checkIn.firmware, checkIn.architecture], ['uefi', 'amd64']);
  assert.match(offers[0]?.bootFile ?? '', /grubia32\.efi$/);
});

test('a network whose loader is pxelinux: lpxelinux.0 on a BIOS machine, from the next packet on', async () => {
  await change({ loader: 'pxelinux' });
  const { checkIn, offers, filesByTftp } = await firstBoot(use(), await newcomer(use().lab, { index: 3, firmware: 'bios' }));
  assert.deepEqual([checkIn.firmware, offers[0]?.bootFile], ['bios', 'lpxelinux.0']);
  assert.ok(filesByTftp.some((name) => name.startsWith('pxelinux.cfg/')), `it read ${filesByTftp.join(', ')}`);
});

test('beside another DHCP server: it hands out the addresses, Ironbus says what to boot', async () => {
  const { lab } = use();
  await change({ mode: 'proxy' });
  const foreign = await startForeignDhcp(lab, console.log);
  for (const [index, firmware] of [[5, 'bios'], [6, 'uefi']] as const) {
    const { checkIn } = await firstBoot(use(), await newcomer(lab, { index, firmware }));
    assert.equal(checkIn.firmware, firmware);
    assert.match(checkIn.ip, new RegExp(`^${lab.base}\\.0\\.2[12]\\d$`), `an address of ${foreign.from} to ${foreign.to}`);
  }
  await foreign.stop();
});

test('another DHCP server hands out pxelinux.0, and Ironbus answers no DHCP: everything comes by TFTP', async () => {
  const { lab } = use();
  await change({ mode: 'off' });
  const foreign = await startForeignDhcp(lab, console.log, [`--dhcp-boot=pxelinux.0,,${lab.addresses.prov}`]);
  const { checkIn, offers } = await firstBoot(use(), await newcomer(lab, { index: 7, firmware: 'bios' }));
  assert.deepEqual([checkIn.firmware, offers], ['bios', []]);
  // dhcp knows no boot of this machine, so that its transfers are told of its address alone.
  const transfers = use().events.filter(({ type }) => type === 'tftp.completed').map(({ data }) => data as { address: string; file: string });
  const files = transfers.filter(({ address }) => address === checkIn.ip).map(({ file }) => file);
  for (const file of ['pxelinux.0', 'ldlinux.c32', 'agent-image/amd64/vmlinuz', 'agent-image/amd64/initrd.img']) assert.ok(files.includes(file), `${file} of ${files.join(', ')}`);
  await foreign.stop();
});
