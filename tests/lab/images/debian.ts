/** The `debian` image: a Debian 12 with its real cloud-init, openssh and systemd, as a raw disk; tuned so that emulation takes seconds less. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../harness/run.ts';
import { grubConfig, makeDiskImage } from './disk-image.ts';

/** What is installed on top of Debian's minimal base. */
export const debianPackages = [
  'linux-image-cloud-amd64', 'initramfs-tools', 'systemd-sysv', 'systemd-resolved', 'udev', 'dbus', 'kmod', 'zstd', 'openssh-server',
  'cloud-init', 'cloud-guest-utils', 'netplan.io', 'iproute2', 'iputils-ping', 'netbase', 'e2fsprogs', 'fdisk', 'sudo',
  'ca-certificates', 'grub-common', 'grub-pc-bin', 'grub-efi-amd64-signed', 'shim-signed',
] as const;

const recipe = join(import.meta.dirname, 'debian');
const rootMb = 900;

/** Installs the packages into `tree`; documentation and translations are left out. About 80 s and 150 MB of downloads. */
export async function installDebian(tree: string, sources: readonly string[], suite: string): Promise<void> {
  const excluded = ['doc', 'man', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  await mustRun(['mmdebstrap', '--quiet', '--variant=minbase', '--format=directory', '--aptopt=Apt::Install-Recommends "false"', ...excluded,
    `--include=${debianPackages.join(',')}`, suite, tree, ...sources], { timeoutMs: 900_000 });
}

/** Makes the tree an image: nothing in it may belong to one machine alone. */
export function customiseDebian(tree: string): void {
  const kernel = readdirSync(join(tree, 'lib/modules'))[0];
  if (kernel === undefined) throw new Error('the Debian tree has no kernel');
  for (const name of readdirSync(join(tree, 'etc/ssh')).filter((file) => file.startsWith('ssh_host_'))) rmSync(join(tree, 'etc/ssh', name));
  for (const path of ['var/lib/apt/lists', 'var/cache/apt/pkgcache.bin', 'var/cache/apt/srcpkgcache.bin', 'var/lib/dbus/machine-id']) {
    rmSync(join(tree, path), { recursive: true, force: true });
  }
  mkdirSync(join(tree, 'var/lib/apt/lists/partial'), { recursive: true });
  mkdirSync(join(tree, 'boot/grub'), { recursive: true });
  writeFileSync(join(tree, 'etc/machine-id'), '');
  writeFileSync(join(tree, 'etc/hostname'), 'localhost\n');
  writeFileSync(join(tree, 'etc/fstab'), 'LABEL=root / ext4 defaults,noatime,errors=remount-ro 0 1\n');
  writeFileSync(join(tree, 'boot/grub/grub.cfg'), grubConfig(kernel));
  writeFileSync(join(tree, 'etc/cloud/cloud.cfg.d/90_dpkg.cfg'), 'datasource_list: [ NoCloud, MAAS, None ]\n');
  copyFileSync(join(recipe, '99-lab.cfg'), join(tree, 'etc/cloud/cloud.cfg.d/99-lab.cfg'));
  for (const unit of readFileSync(join(recipe, 'masked-units'), 'utf8').trim().split('\n')) mask(tree, unit);
}

/** The raw disk and its zstd form. */
export async function packDebian(tree: string, raw: string, out: string): Promise<void> {
  await makeDiskImage({ tree, tools: tree, out: raw, rootMb });
  await mustRun(['zstd', '-q', '-f', '-6', '-T2', raw, '-o', out], { timeoutMs: 300_000 });
}

function mask(tree: string, unit: string): void {
  const path = join(tree, 'etc/systemd/system', unit);
  rmSync(path, { force: true });
  symlinkSync('/dev/null', path);
}
