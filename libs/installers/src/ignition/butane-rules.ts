/** What Butane refuses, or warns of with `--strict`, before it translates (coreos/butane, the Validate methods). Pure. */
import type { Judge } from './rules.ts';
import type { Butane, Config, filesystem, resource, Static } from './schema.ts';
import { layouts } from './sugar.ts';

/** `variant` is fcos or flatcar. */
export function judgeButane(butane: Butane, variant: string, judge: Judge): void {
  const { storage = {}, grub } = butane;
  for (const one of storage.filesystems ?? []) judgeMount(one, variant, judge);
  if (variant === 'flatcar') for (const one of storage.luks ?? []) if (saysSomething(one.clevis)) judge.problem(one, 'clevis', 'Flatcar has no clevis: remove it, and give the volume a key_file');
  if (variant !== 'fcos') return;
  judgeBootDevice(butane, judge);
  for (const user of grub?.users ?? []) {
    for (const key of ['name', 'passwordHash'] as const) if ((user[key] ?? '') === '') judge.problem(user, key, `a user of GRUB needs a ${judge.say(key)}: "grub2-mkpasswd-pbkdf2" makes the hash`);
  }
}

const saysSomething = (value: unknown): boolean => typeof value === 'object' && value !== null ? Object.values(value).some(saysSomething) : value !== undefined;

/** Of a file’s or a configuration’s content one source. */
export function judgeResource(value: Static<typeof resource>, judge: Judge): void {
  if (value.inline !== undefined && value.source !== undefined) judge.problem(value, 'inline', 'inline and source are the same content twice: remove one');
}

function judgeMount(one: Static<typeof filesystem>, variant: string, judge: Judge): void {
  if (one.withMountUnit !== true) return;
  const { format = '', path = '' } = one;
  if (format === '') judge.problem(one, 'withMountUnit', 'a mount unit needs a format: write it');
  else if (format === 'swap' && judge.spec < 3) judge.problem(one, 'withMountUnit', 'a unit for swap came with fcos 1.4.0: write that version');
  else if (format !== 'swap' && path === '') judge.problem(one, 'withMountUnit', 'a mount unit needs a path: write where it is mounted');
  if (path !== '' && variant === 'fcos' && judge.spec >= 5 && !/^\/(etc|var)(\/|$)/.test(path)) judge.problem(one, 'path', `${path} can not be mounted on Fedora CoreOS: choose a path under /var or /etc`);
}

const bootDiskName = '/dev/disk/by-id/coreos-boot-disk';
/** Partitions of Fedora CoreOS that a boot disk has by number. */
const reservedNumbers: Readonly<Record<string, number>> = { 'BIOS-BOOT': 1, 'PowerPC-PReP-boot': 1, 'EFI-SYSTEM': 2, boot: 3, root: 4 };

/** Of what was translated: partitions that would become others than the person meant. */
export function judgePartitions({ storage = {} }: Config, judge: Judge, { bootDevices }: { bootDevices: boolean }): void {
  for (const { device = '', wipeTable, partitions = [] } of storage.disks ?? []) {
    partitions.forEach((partition, index) => {
      const { label = '', number = 0, sizeMiB = 0 } = partition;
      const ownNumber = reservedNumbers[label];
      if (wipeTable !== true && ownNumber !== undefined && number !== ownNumber) {
        judge.problem(partition, 'label', `${JSON.stringify(label)} is partition ${ownNumber} of Fedora CoreOS: write number: ${ownNumber}, or another label`);
      }
      if (judge.spec >= 5 && wipeTable !== true && device !== bootDiskName && number === 0 && label !== '') {
        judge.problem(partition, 'label', `Ignition does not find a partition by its label on ${device}: write its number, or wipe_table: true`);
      }
      if (!bootDevices || label !== 'root') return;
      if (sizeMiB > 0 && sizeMiB < 8192) judge.problem(partition, 'sizeMiB', `the root partition has ${sizeMiB} MiB, Fedora CoreOS needs 8192: write at least that`);
      if (sizeMiB === 0 && partitions.some(({ startMiB = 0 }, other) => other !== index && startMiB === 0)) {
        judge.problem(partition, 'label', 'the root partition fills its disk and another follows it: write size_mib for root, or start_mib for the others');
      }
    });
  }
}

function judgeBootDevice({ bootDevice }: Butane, judge: Judge): void {
  if (bootDevice === undefined) return;
  const { layout, luks = {}, mirror = {} } = bootDevice;
  const devices = mirror.devices ?? [];
  const known = Object.keys(layouts).filter((name) => (layouts[name]?.since ?? 0) <= judge.spec);
  const s390x = layout?.startsWith('s390x') === true;
  if (devices.length === 1) judge.problem(mirror, 'devices', 'a mirror needs two devices or more: add one');
  if (devices.length > 0 && layout === undefined) judge.problem(bootDevice, 'mirror', 'a mirror needs the layout of the disk: write layout: x86_64, or another');
  if (layout !== undefined && !known.includes(layout)) return judge.problem(bootDevice, 'layout', `there is no layout ${JSON.stringify(layout)}: there are ${known.join(', ')}`);
  if (s390x && devices.length > 0) judge.problem(bootDevice, 'mirror', `${layout} can not be mirrored: remove it`);
  const { root } = layouts[layout ?? ''] ?? {};
  if (root !== undefined && !root.disk.test(luks.device ?? '')) judge.problem(bootDevice, 'layout', `${layout} needs luks.device, a disk such as ${root.suffix === '2' ? '/dev/dasda' : '/dev/sda'}: write it`);
  const clevis = luks.tpm2 === true || (luks.tang ?? []).length > 0;
  if (luks.cex?.enabled === true && !s390x) judge.problem(luks, 'cex', 'cex is of s390x: write a layout of s390x, or remove it');
  if (luks.cex?.enabled === true && clevis) judge.problem(luks, 'cex', 'cex goes without tang and tpm2: remove one');
  if (judge.spec >= 6 && (luks.device ?? '') !== '' && !clevis && luks.cex?.enabled !== true) judge.problem(luks, 'device', 'nothing would open the volume: write tpm2, tang or cex');
}

