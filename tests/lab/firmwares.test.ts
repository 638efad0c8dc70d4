/** Firmware that the whole lives (bios.test.ts, uefi.test.ts) leave out, each from the power button to the check-in of a machine nobody knows. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { buildAssets } from '../../agent/build.ts';
import { firstBoot, newcomer, type Newcomer } from './first-boot.ts';
import { useLab } from './fixture.ts';
import type { Machine } from './harness/machine.ts';
import { cacheDir } from './stack.ts';

/** Nobody waits for arm64 at setup; the stack reads its assets when it starts. */
before(() => void buildAssets({ out: join(cacheDir, 'assets'), suite: 'trixie', architectures: ['arm64'], say: (line) => console.log(`# ${line}`) }));
const use = useLab('firm', '10.85', []);

/** A machine for which a person chose GRUB, beside those before it. */
async function newcomerWithGrub(which: Newcomer, host: string): Promise<Machine> {
  const { lab, stack: { client } } = use();
  const machine = await newcomer(lab, which);
  const network = await client.get<{ reservations: unknown[] }>('/networks/pxe');
  await client.put('/networks/pxe', { ...network, reservations: [...network.reservations, { mac: machine.spec.mac, address: `${lab.base}.0.${host}`, loader: 'grub' }] });
  return machine;
}

test('UEFI HTTP boot: the loader and all after it come over HTTP', async () => {
  const { checkIn, offers, filesByTftp } = await firstBoot(use(), await newcomer(use().lab, { index: 0, firmware: 'uefi-http' }));
  assert.deepEqual([checkIn.firmware, checkIn.secureBoot, checkIn.architecture], ['uefi', false, 'amd64']);
  assert.deepEqual(offers.map(({ client }) => client), ['http-uefi-x64', 'ipxe', 'plain']);
  assert.match(offers[0]?.bootFile ?? '', /^http:.*\/loaders\/.*\.efi$/);
  assert.deepEqual(filesByTftp, []);
});

test('Secure Boot: an unsigned loader is refused, shim and the signed GRUB boot the signed kernel', async () => {
  const { checkIn, offers } = await firstBoot(use(), await newcomer(use().lab, { index: 1, firmware: 'uefi-secure' }));
  assert.deepEqual([checkIn.firmware, checkIn.secureBoot], ['uefi', true]);
  assert.match(offers.at(-2)?.bootFile ?? '', /shimx64\.efi$/, 'the last loader before the agent');
});

test('Secure Boot where a person chose GRUB: shim at the first go, by TFTP', async () => {
  const machine = await newcomerWithGrub({ index: 2, firmware: 'uefi-secure' }, '50');
  const { checkIn, offers, filesByTftp } = await firstBoot(use(), machine);
  assert.deepEqual([checkIn.secureBoot, checkIn.ip], [true, `${use().lab.base}.0.50`]);
  assert.deepEqual(offers.map(({ client: kind, bootFile }) => [kind, bootFile]), [['pxe-uefi-x64', 'shimx64.efi'], ['plain', undefined]]);
  assert.deepEqual(filesByTftp.slice(0, 2), ['shimx64.efi', 'grubx64.efi']);
});

test('Secure Boot by HTTP: shim, the signed GRUB and all after it come over HTTP', async () => {
  const machine = await newcomerWithGrub({ index: 4, firmware: 'uefi-secure-http' }, '51');
  const { checkIn, offers, filesByTftp } = await firstBoot(use(), machine);
  assert.deepEqual([checkIn.firmware, checkIn.secureBoot], ['uefi', true]);
  assert.match(offers[0]?.bootFile ?? '', /^http:.*\/loaders\/shimx64\.efi$/);
  assert.deepEqual(filesByTftp, []);
});

test('aarch64: an agent of its own architecture', async () => {
  const { checkIn, offers } = await firstBoot(use(), await newcomer(use().lab, { index: 3, firmware: 'uefi-arm64' }));
  assert.deepEqual([checkIn.firmware, checkIn.architecture], ['uefi', 'arm64']);
  assert.deepEqual(offers.map(({ client }) => client), ['pxe-uefi-arm64', 'ipxe', 'plain']);
});

test('aarch64 where a person chose GRUB: shim, GRUB and the agent', async () => {
  const machine = await newcomerWithGrub({ index: 5, firmware: 'uefi-arm64' }, '52');
  const { checkIn, filesByTftp } = await firstBoot(use(), machine);
  assert.deepEqual([checkIn.firmware, checkIn.architecture], ['uefi', 'arm64']);
  assert.deepEqual(filesByTftp.slice(0, 2), ['shimaa64.efi', 'grubaa64.efi']);
});
