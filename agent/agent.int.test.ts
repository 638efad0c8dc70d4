/**
 * The built kernel and initramfs on virtual machines, against a rack that plays the protocol. Needs root's apt cache or a
 * network for the first build, qemu-system-x86_64 and OVMF.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { CheckIn, Heartbeat, Inventory, StepReport } from '@ironbus/contracts';
import { Check, Errors } from 'typebox/value';
import type { TSchema } from 'typebox';
import { buildAssets } from './build.ts';
import { assetPaths, kernelArguments, verifyAssets } from './paths.ts';
import { FakeRack, type Act, type Call, type Faults } from './test/fake-rack.ts';
import { GUEST_MAC, RACK_URL, runGuest, type Firmware, type GuestDisk } from './test/guest.ts';
import { BOOTED, tinyRootfs } from './test/tiny-image.ts';

const ASSETS = resolve(import.meta.dirname, '../.cache/assets');
const TOKEN = 'Zm9yLXRlc3RzLW9ubHktMDEyMzQ1Njc4OWFiY2RlZmc';
const MIB = 1024 * 1024;
const TARGET = { serial: 'TARGET', bytes: 256 * MIB };
const OTHER = { serial: 'OTHER', bytes: 400 * MIB };

let dir: string;
let rootfs: Buffer;
const assetFiles: Record<string, Buffer> = {};

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const diskOf = ({ serial, bytes }: { serial: string; bytes: number }) => ({ serial, wwn: null, path: '/dev/vdz', sizeBytes: bytes });
const urlOf = (name: string): string => `${RACK_URL}/files/${name}`;

async function blankDisk(name: string, bytes: number): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, '');
  await truncate(file, bytes);
  return file;
}

async function isZero(file: string): Promise<boolean> {
  await using handle = await open(file);
  const chunk = Buffer.alloc(4 * MIB);
  for (;;) {
    const { bytesRead } = await handle.read(chunk);
    if (bytesRead === 0) return true;
    if (chunk.subarray(0, bytesRead).some((byte) => byte !== 0)) return false;
  }
}

function bootAssets() {
  const asset = (path: string) => ({ url: urlOf(path), sha256: sha256(assetFiles[path] as Buffer) });
  return {
    bios: { boot: asset(assetPaths.biosBoot), core: asset(assetPaths.biosCore) }, uefi: { shim: asset(assetPaths.uefiShim), grub: asset(assetPaths.uefiGrub) },
  };
}

function writeImage(disk: object, image: Buffer, more: object = {}): Act['steps'][number] {
  const described = { id: 'tiny', format: 'rootfs', compression: 'zstd', url: urlOf('image'), sizeBytes: image.length, sha256: sha256(image), ...more };
  return { id: 'write-image', kind: 'write-image', parameters: { disk, image: described, bootAssets: bootAssets() } };
}

function seed(disk: object): Act['steps'][number] {
  const files = { 'meta-data': Buffer.from('instance-id: i-1\n').toString('base64'), 'user-data': Buffer.from('#cloud-config\n').toString('base64') };
  return { id: 'seed', kind: 'seed', parameters: { disk, files, bootOrder: 'network-first' } };
}

const act = (attempt: number, end: Act['end'], steps: Act['steps']): Act => ({ node: 'k7x2mp', operation: 'deploying', attempt, steps, end, pollSeconds: 1 });

type AgentRun = { name: string; acts: Act[]; disks: GuestDisk[]; image: Buffer; faults?: Faults; firmware?: Firmware };

/** Boots the agent until it powers off; returns the rack's calls and the console. */
async function runAgent({ name, acts, disks, image, faults, firmware }: AgentRun): Promise<{ calls: Call[]; serial: string }> {
  await using rack = await FakeRack.start({ token: TOKEN, acts, files: { ...assetFiles, image }, ...(faults && { faults }) });
  const append = [...kernelArguments, 'console=ttyS0,115200', `ironbus.url=${RACK_URL}`, `ironbus.token=${TOKEN}`, `BOOTIF=01-${GUEST_MAC.replaceAll(':', '-')}`];
  const direct = { kernel: join(ASSETS, assetPaths.kernel), initrd: join(ASSETS, assetPaths.initrd), append: append.join(' '), rackPort: rack.port };
  const end = await runGuest({ dir, name, disks, direct, ...(firmware && { firmware }) });
  assert.equal(end.timedOut, false, `the machine did not power off:\n${end.serial.slice(-3000)}`);
  return { calls: rack.calls, serial: end.serial };
}

function assertValid(schema: TSchema, value: unknown): void {
  assert.ok(Check(schema, value), JSON.stringify([...Errors(schema, value)].slice(0, 3)));
}

const reportsOf = (calls: Call[]): StepReport[] => calls.filter((call) => call.path.endsWith('/report')).map((call) => call.body as StepReport);
const ordered = (calls: Call[]): string[] => calls.map(({ path, status }) => `${path.replace('/agent/v1/', '')} ${status}`)
  .filter((line) => /^(check-in|inventory|steps)/.test(line));

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ironbus-agent-'));
  buildAssets({ out: ASSETS, suite: 'trixie', architectures: ['amd64'] });
  for (const path of [assetPaths.biosBoot, assetPaths.biosCore, assetPaths.uefiShim, assetPaths.uefiGrub]) assetFiles[path] = await readFile(join(ASSETS, path));
  rootfs = await tinyRootfs({ assets: ASSETS });
});
after(() => rm(dir, { recursive: true }));

test('the built assets are as their manifest says', async () => {
  assert.deepEqual((await verifyAssets(ASSETS)).ok, true);
});

describe('a deployment by rootfs', () => {
  let calls: Call[];
  let serial: string;
  let target: string;
  let other: string;

  before(async () => {
    target = await blankDisk('target', TARGET.bytes);
    other = await blankDisk('other', OTHER.bytes);
    const steps = [{ id: 'inventory', kind: 'inventory', parameters: {} }, writeImage(diskOf(TARGET), rootfs), seed(diskOf(TARGET))];
    ({ calls, serial } = await runAgent({
      name: 'rootfs', acts: [act(3, 'poweroff', steps)], disks: [{ file: other, serial: OTHER.serial }, { file: target, serial: TARGET.serial }], image: rootfs,
      faults: { refuseFirst: { '/agent/v1/check-in': 1, '/agent/v1/steps/seed/claim': 1 }, breakAfterBytes: { image: 700_000 } },
    }));
  });

  test('steps are claimed and reported in order, and what was refused is asked again', () => {
    assert.deepEqual(ordered(calls), [
      'check-in 503', 'check-in 200', 'steps/inventory/claim 200', 'inventory 204', 'steps/inventory/report 200',
      'steps/write-image/claim 200', 'steps/write-image/report 200', 'steps/seed/claim 503', 'steps/seed/claim 200', 'steps/seed/report 200']);
    for (const { body } of calls.filter((call) => call.path.endsWith('/heartbeat'))) assertValid(Heartbeat, body);
    for (const report of reportsOf(calls)) {
      assertValid(StepReport, report);
      assert.equal(report.outcome, 'succeeded', report.message ?? '');
    }
  });

  test('the check-in and the inventory are what the contracts say, with the machine\'s own facts', () => {
    const checkIn = calls.find((call) => call.path.endsWith('check-in'))?.body as CheckIn;
    assertValid(CheckIn, checkIn);
    assert.equal(checkIn.mac, GUEST_MAC);
    const inventory = calls.find((call) => call.path.endsWith('/inventory'))?.body as Inventory;
    assertValid(Inventory, inventory);
    assert.deepEqual(inventory.disks.map(({ serial: name, sizeBytes }) => [name, sizeBytes]), [[OTHER.serial, OTHER.bytes], [TARGET.serial, TARGET.bytes]]);
    assert.deepEqual(inventory.nics.map(({ mac, link, booted, driver }) => [mac, link, booted, driver]), [[GUEST_MAC, true, true, 'virtio_net']]);
    assert.deepEqual([inventory.dmi.manufacturer, inventory.dmi.product, inventory.dmi.serial], ['ACME', 'Lab "1"', 'S1']);
  });

  test('a broken download is resumed', () => {
    assert.deepEqual(calls.filter((call) => call.path === '/files/image').map((call) => call.status), [200, 206]);
  });

  test('the other disk is untouched', async () => assert.ok(await isZero(other)));

  test('the token is nowhere on the console', () => {
    const ours = serial.split('\n').filter((line) => !line.includes('ommand line:'));
    assert.ok(!ours.some((line) => line.includes(TOKEN)));
  });

  for (const firmware of ['bios', 'uefi', 'secure-boot'] as const) {
    test(`the disk boots by ${firmware}`, async () => {
      const end = await runGuest({ dir, name: `disk-${firmware}`, disks: [{ file: target, serial: TARGET.serial }], firmware });
      assert.match(end.serial, new RegExp(`${BOOTED}\n.*root=UUID=.*console=ttyS0,115200`), end.serial.slice(-2000));
    });
  }

  test('as a raw image it is written to a bigger disk, grown and seeded there, and by UEFI gets a boot entry', async () => {
    const raw = zstdCompressSync(await readFile(target));
    const steps = [writeImage(diskOf(OTHER), raw, { format: 'raw' }), { id: 'grow', kind: 'grow', parameters: { disk: diskOf(OTHER) } }, seed(diskOf(OTHER))];
    const run = await runAgent({ name: 'raw', acts: [act(4, 'poweroff', steps)], disks: [{ file: other, serial: OTHER.serial }], image: raw, firmware: 'uefi',
      faults: { breakAfterBytes: { image: 300_000 }, ignoreRange: ['image'] } });
    const [written, grown, seeded] = reportsOf(run.calls);
    assert.deepEqual(written?.evidence, { bytesWritten: TARGET.bytes, sha256: sha256(raw), disk: '/dev/vda' }, written?.message ?? '');
    assert.deepEqual(grown?.evidence, { rootPartition: '/dev/vda3', filesystem: 'ext4', sizeBytes: grown?.evidence.sizeBytes, grown: true });
    assert.ok(Number(grown?.evidence.sizeBytes) > OTHER.bytes - 70 * MIB, String(grown?.evidence.sizeBytes));
    assert.match(String(seeded?.evidence.bootEntry), /^[0-9A-F]{4}$/);
    const end = await runGuest({ dir, name: 'raw-boot', disks: [{ file: other, serial: OTHER.serial }], firmware: 'uefi' });
    assert.match(end.serial, new RegExp(BOOTED), end.serial.slice(-2000));
  });
});

test('what cannot be right is refused by name, and the disks stay as they were', async () => {
  const target = await blankDisk('refused', TARGET.bytes);
  const other = await blankDisk('refused-other', OTHER.bytes);
  const corrupt = Buffer.from(rootfs);
  corrupt.fill(0x55, corrupt.length >> 1, (corrupt.length >> 1) + 16);
  const honest = { sha256: sha256(rootfs) };
  const testOf = (name: string): Act['steps'][number] => ({ id: name, kind: 'test', parameters: { name, seconds: 1 } });
  const { calls } = await runAgent({
    name: 'refused', image: corrupt, disks: [{ file: target, serial: TARGET.serial }, { file: other, serial: OTHER.serial }],
    acts: [
      act(1, 'wait', [writeImage(diskOf({ ...OTHER, bytes: OTHER.bytes - 512 }), rootfs), seed(diskOf(TARGET))]),
      act(2, 'wait', [writeImage(diskOf(TARGET), rootfs, honest)]),
      act(3, 'poweroff', [
        { id: 'erase', kind: 'erase', parameters: { mode: 'secure', disks: [diskOf(TARGET)] } }, testOf('memory'), testOf('disk-read'), testOf('network')]),
    ],
  });
  assert.deepEqual(reportsOf(calls).map(({ attempt, outcome, reason, message }) => [attempt, outcome, reason, outcome === 'failed' ? null : message]), [
    [1, 'failed', 'disk-changed', null], [2, 'failed', 'image-hash-mismatch', null],
    [3, 'succeeded', null, null], [3, 'succeeded', null, null], [3, 'succeeded', null, null], [3, 'succeeded', null, null]]);
  assert.ok(await isZero(target), 'the erased disk');
  assert.ok(await isZero(other), 'the disk that changed');
});
