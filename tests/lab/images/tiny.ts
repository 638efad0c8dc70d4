/**
 * The `tiny` image: a Debian cloud kernel, busybox, dropbear, jq and a small cloud-init, as a root file system tarball.
 * A machine under emulation has it on its disk and answers ssh in seconds; what it shares with a real image is every
 * interface that a provisioner sees: /boot, /etc/os-release, the NoCloud seed, phone_home.
 */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mustRun } from '../harness/run.ts';
import { grubConfig } from './disk-image.ts';

/** What is taken from Debian; the GRUB and shim packages are only tools for making disks. */
export const tinyPackages = [
  'linux-image-cloud-amd64', 'busybox', 'dropbear-bin', 'jq', 'grub-common', 'grub-pc-bin', 'grub-efi-amd64-signed', 'shim-signed',
] as const;

const recipe = join(import.meta.dirname, 'tiny');
const initrdModules = ['virtio_pci', 'virtio_blk', 'nvme', 'ext4'];
const rootModules = [...initrdModules, 'virtio_net', 'virtio_rng', 'evdev', 'button'];

/** Unpacks (installs nothing) the packages into `tree`. */
export async function extractTiny(tree: string, sources: readonly string[], suite: string): Promise<void> {
  await mustRun(['mmdebstrap', '--quiet', '--variant=extract', '--format=directory', '--aptopt=Apt::Install-Recommends "false"',
    `--include=${tinyPackages.join(',')}`, suite, tree, ...sources], { timeoutMs: 600_000 });
}

/** Assembles the root file system in `root` from the unpacked packages in `tree`. */
export async function assembleTiny(tree: string, root: string): Promise<void> {
  rmSync(root, { recursive: true, force: true });
  for (const path of ['bin', 'boot/grub', 'dev', 'etc/acpi/PWRF', 'etc/cloud/cloud.cfg.d', 'etc/dropbear', 'home/debian', 'lib64', 'lib/x86_64-linux-gnu',
    'mnt', 'proc', 'root', 'run', 'sbin', 'sys', 'tmp', 'usr/bin', 'usr/lib/cloud-seed', 'usr/sbin', 'var/lib/cloud/seed/nocloud', 'var/log']) {
    mkdirSync(join(root, path), { recursive: true });
  }
  const kernel = only(readdirSync(join(tree, 'lib/modules')), 'kernel');
  copyFileSync(join(tree, `boot/vmlinuz-${kernel}`), join(root, `boot/vmlinuz-${kernel}`));
  await installBusybox(tree, root);
  for (const program of ['usr/sbin/dropbear', 'usr/bin/dropbearkey', 'usr/bin/jq']) await installProgram(tree, root, program);
  await mustRun(['depmod', '-b', tree, kernel]);
  for (const path of await modulePaths(tree, kernel, rootModules)) copyInto(tree, root, path);
  for (const path of readdirSync(join(tree, 'lib/modules', kernel)).filter((name) => name.startsWith('modules.'))) {
    copyInto(tree, root, join('lib/modules', kernel, path));
  }
  await mustRun(['depmod', '-b', root, kernel]);
  installConfiguration(root);
  writeFileSync(join(root, 'boot/grub/grub.cfg'), grubConfig(kernel));
  await makeInitrd(tree, root, kernel);
}

/** A tarball of the tree, zstd, owned by root, with the same bytes for the same tree. */
export async function packRootfs(root: string, out: string): Promise<void> {
  const tar = `${out}.tar`;
  await mustRun(['tar', '-C', root, '--numeric-owner', '--owner=0', '--group=0', '--sort=name', '--mtime=@0', '-cf', tar, '.']);
  await mustRun(['zstd', '-q', '-f', '-19', '-T2', tar, '-o', out], { timeoutMs: 300_000 });
  rmSync(tar);
}

/** The initrd: busybox, the modules between firmware and root file system, in load order. */
async function makeInitrd(tree: string, root: string, kernel: string): Promise<void> {
  const initrd = `${root}.initrd`;
  rmSync(initrd, { recursive: true, force: true });
  for (const path of ['bin', 'dev', 'proc', 'root', 'sys', 'lib', 'tmp']) mkdirSync(join(initrd, path), { recursive: true });
  await installProgram(tree, initrd, 'bin/busybox');
  for (const applet of await applets(tree)) linkUnlessThere('busybox', join(initrd, 'bin', applet.split('/').at(-1) ?? ''));
  const modules = await modulePaths(tree, kernel, initrdModules);
  for (const path of modules) copyFileSync(join(tree, path), join(initrd, 'lib', path.split('/').at(-1) ?? ''));
  writeFileSync(join(initrd, 'modules'), modules.map((path) => `/lib/${path.split('/').at(-1)}\n`).join(''));
  copyFileSync(join(recipe, 'initrd-init'), join(initrd, 'init'));
  chmodSync(join(initrd, 'init'), 0o755);
  const out = join(root, `boot/initrd.img-${kernel}`);
  await mustRun(['sh', '-c', 'cd "$1" && find . | sort | cpio -o -H newc -R 0:0 --quiet | zstd -q -19 -f -o "$2"', 'sh', initrd, out]);
  rmSync(initrd, { recursive: true, force: true });
}

function installConfiguration(root: string): void {
  const put = (name: string, path: string, mode: number): void => {
    copyFileSync(join(recipe, name), join(root, path));
    chmodSync(join(root, path), mode);
  };
  put('inittab', 'etc/inittab', 0o644);
  put('os-release', 'etc/os-release', 0o644);
  put('rc', 'etc/rc', 0o755);
  put('rc.stop', 'etc/rc.stop', 0o755);
  put('dhcp-event', 'etc/dhcp-event', 0o755);
  put('power-button', 'etc/acpi/PWRF/00000080', 0o755);
  put('cloud-seed', 'usr/sbin/cloud-seed', 0o755);
  put('seed.jq', 'usr/lib/cloud-seed/seed.jq', 0o644);
  const files: [string, string, number][] = [
    ['etc/passwd', 'root:x:0:0:root:/root:/bin/sh\ndebian:x:1000:1000:debian:/home/debian:/bin/sh\n', 0o644],
    ['etc/group', 'root:x:0:\ntty:x:5:\ndebian:x:1000:\n', 0o644],
    ['etc/shadow', 'root:*:19000:0:99999:7:::\ndebian:*:19000:0:99999:7:::\n', 0o600],
    ['etc/shells', '/bin/sh\n', 0o644],
    ['etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n', 0o644],
    ['etc/hostname', 'tiny\n', 0o644],
    ['etc/fstab', 'LABEL=root / ext4 noatime 0 1\n', 0o644],
  ];
  for (const [path, text, mode] of files) writeFileSync(join(root, path), text, { mode });
  chmodSync(join(root, 'root'), 0o700);
}

async function installBusybox(tree: string, root: string): Promise<void> {
  await installProgram(tree, root, 'bin/busybox');
  for (const applet of await applets(tree)) {
    if (applet === 'bin/busybox') continue;
    mkdirSync(dirname(join(root, applet)), { recursive: true });
    linkUnlessThere('/bin/busybox', join(root, applet));
  }
  linkUnlessThere('/bin/busybox', join(root, 'sbin/init'));
}

/** A program with the libraries that its own loader names. */
async function installProgram(tree: string, root: string, path: string): Promise<void> {
  rmSync(join(root, path), { force: true });
  copyInto(tree, root, path);
  const list = await mustRun(['chroot', tree, '/lib64/ld-linux-x86-64.so.2', '--list', `/${path}`]);
  for (const match of list.matchAll(/=> (\/\S+)/g)) copyInto(tree, root, (match[1] ?? '').slice(1));
  copyInto(tree, root, 'lib64/ld-linux-x86-64.so.2');
}

/** Files of kernel modules and what they need, relative to the tree, in load order; built-in ones have none. */
async function modulePaths(tree: string, kernel: string, names: readonly string[]): Promise<string[]> {
  const argv = ['modprobe', '-d', tree, '-S', kernel, '-a', '--show-depends', '-C', '/dev/null', ...names];
  const lines = (await mustRun(argv)).split('\n').filter((line) => line.startsWith('insmod '));
  const paths = lines.map((line) => line.slice(line.indexOf('/lib/modules/') + 1).trim());
  return [...new Set(paths)];
}

async function applets(tree: string): Promise<string[]> {
  return (await mustRun(['chroot', tree, '/bin/busybox', '--list-full'])).trim().split('\n');
}

/** Follows links, and keeps the path. */
function copyInto(tree: string, root: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  copyFileSync(resolveIn(tree, path), join(root, path));
}

/** Absolute links inside a tree mean the tree's own files. */
function resolveIn(tree: string, path: string): string {
  return path === 'lib64/ld-linux-x86-64.so.2' ? join(tree, 'lib/x86_64-linux-gnu/ld-linux-x86-64.so.2') : join(tree, path);
}

function linkUnlessThere(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function only(found: readonly string[], what: string): string {
  const [first, ...others] = found;
  if (first === undefined || others.length > 0) throw new Error(`expected one ${what}, found ${found.length}`);
  return first;
}
