/**
 * Makes a bootable raw disk out of a directory: GPT with a BIOS boot partition, an ESP and an ext4 root labelled `root`;
 * boots by BIOS (GRUB) and by UEFI, with Secure Boot too (shim, signed GRUB).
 *
 * Files only: no loop device, no mount, no partition support of the kernel. What the installers would do with those is
 * done here by mke2fs -d, mtools and a hand-placed GRUB core.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '../harness/run.ts';

const sectorBytes = 512;
const biosStart = 2048;
const espStart = 4096;
const espMb = 30;
const rootStart = espStart + espMb * 2048;

const partitionTypes = {
  biosBoot: '21686148-6449-6E6F-744E-656564454649',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linuxRoot: '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
} as const;

export type DiskRecipe = {
  /** The root file system; its /boot/grub/grub.cfg must exist. */
  tree: string;
  /** A tree with grub-mkimage, GRUB's i386-pc modules, and the signed shim and GRUB for UEFI. */
  tools: string;
  /** The raw file to make. */
  out: string;
  rootMb: number;
};

/** Makes the disk. Root needed (it runs grub-mkimage in `tools` by chroot); throws with the failing tool's words. */
export async function makeDiskImage(recipe: DiskRecipe): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'ironbus-disk-'));
  try {
    writeFileSync(recipe.out, '');
    truncateSync(recipe.out, (rootStart + recipe.rootMb * 2048 + 2048) * sectorBytes);
    await mustRun(['sfdisk', '-q', recipe.out], { input: partitionTable(recipe.rootMb) });
    const features = '^metadata_csum_seed,^orphan_file'; // GRUB 2.06 can't read the first
    await mustRun(['mke2fs', '-q', '-t', 'ext4', '-L', 'root', '-d', recipe.tree, '-O', await knownFeatures(features),
      '-E', `offset=${rootStart * sectorBytes},lazy_itable_init=0,nodiscard`, recipe.out, `${recipe.rootMb}M`], { timeoutMs: 300_000 });
    await placeBiosGrub(recipe);
    await placeEsp(recipe, join(work, 'esp'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** sfdisk(8) script; sizes in sectors of 512 bytes. Pure. */
export function partitionTable(rootMb: number): string {
  const line = (start: number, size: number, type: string, name: string): string =>
    `start=${start}, size=${size}, type=${type}, name="${name}"`;
  return [
    'label: gpt',
    line(biosStart, 2048, partitionTypes.biosBoot, 'bios'),
    line(espStart, espMb * 2048, partitionTypes.esp, 'esp'),
    line(rootStart, rootMb * 2048, partitionTypes.linuxRoot, 'root'),
    '',
  ].join('\n');
}

/** grub.cfg of an image: one entry, no menu, both consoles. Pure. */
export function grubConfig(kernelVersion: string, extra = ''): string {
  return [
    'set timeout=0',
    'if serial --unit=0 --speed=115200; then terminal_output console serial; fi',
    'search --no-floppy --label --set=root root',
    `linux /boot/vmlinuz-${kernelVersion} root=LABEL=root ro console=tty0 console=ttyS0,115200 quiet ${extra}`.trim(),
    `initrd /boot/initrd.img-${kernelVersion}`,
    'boot',
    '',
  ].join('\n');
}

/** GRUB's boot.img made to load core.img from `coreSector` (grub's i386/pc/boot.h: 0x5c kernel sector, 0x66 drive check). Pure. */
export function patchedBootSector(bootImage: Buffer, coreSector: number): Buffer {
  const boot = Buffer.from(bootImage.subarray(0, 440));
  boot.writeBigUInt64LE(BigInt(coreSector), 0x5c);
  boot.writeUInt16LE(0x9090, 0x66); // two NOPs: trust the drive number the BIOS gives, as grub-bios-setup does for hard disks
  return boot;
}

/** GRUB's core.img told where the rest of it lies: the block list that ends its first sector (grub's diskboot.h). Pure. */
export function patchedCore(core: Buffer, coreSector: number): Buffer {
  const patched = Buffer.from(core);
  const sectors = Math.ceil(core.length / sectorBytes);
  patched.writeBigUInt64LE(BigInt(coreSector + 1), 0x1f4);
  patched.writeUInt16LE(sectors - 1, 0x1fc);
  patched.writeUInt16LE(0x820, 0x1fe);
  return patched;
}

async function placeBiosGrub(recipe: DiskRecipe): Promise<void> {
  const platform = '/usr/lib/grub/i386-pc';
  const modules = ['biosdisk', 'part_gpt', 'ext2', 'normal', 'search', 'search_label', 'linux', 'serial', 'terminal', 'configfile', 'test', 'echo'];
  const core = '/tmp/ironbus-core.img';
  await mustRun(['chroot', recipe.tools, '/usr/bin/grub-mkimage', '-d', platform, '-O', 'i386-pc', '-p', '(hd0,gpt3)/boot/grub', '-o', core, ...modules]);
  const image = await open(recipe.out, 'r+');
  try {
    await image.write(patchedBootSector(readFileSync(join(recipe.tools, platform, 'boot.img')), biosStart), 0, 440, 0);
    const bytes = patchedCore(readFileSync(join(recipe.tools, core)), biosStart);
    await image.write(bytes, 0, bytes.length, biosStart * sectorBytes);
  } finally {
    await image.close();
    rmSync(join(recipe.tools, core), { force: true });
  }
}

/** The removable-media path, so that no boot entry is needed, and the grub.cfg that Debian's signed GRUB looks for. */
async function placeEsp(recipe: DiskRecipe, esp: string): Promise<void> {
  const usr = join(recipe.tools, 'usr/lib');
  const config = 'search --no-floppy --label --set=root root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n';
  await mustRun(['mkfs.vfat', '-C', '-F', '16', '-n', 'ESP', esp, String(espMb * 1024)]);
  await mustRun(['mmd', '-i', esp, '::/EFI', '::/EFI/BOOT', '::/EFI/debian']);
  await mustRun(['mcopy', '-i', esp, join(usr, 'shim/shimx64.efi.signed'), '::/EFI/BOOT/BOOTX64.EFI']);
  await mustRun(['mcopy', '-i', esp, join(usr, 'grub/x86_64-efi-signed/grubx64.efi.signed'), '::/EFI/BOOT/grubx64.efi']);
  writeFileSync(`${esp}.cfg`, config);
  await mustRun(['mcopy', '-i', esp, `${esp}.cfg`, '::/EFI/debian/grub.cfg']);
  await mustRun(['dd', `if=${esp}`, `of=${recipe.out}`, `bs=${sectorBytes}`, `seek=${espStart}`, 'conv=notrunc,sparse', 'status=none']);
}

/** mke2fs refuses features it has never heard of, also when told to leave them out. */
async function knownFeatures(features: string): Promise<string> {
  const conf = '/etc/mke2fs.conf';
  const known = existsSync(conf) ? readFileSync(conf, 'utf8') : '';
  return features.split(',').filter((feature) => feature === '^metadata_csum_seed' || known.includes(feature.slice(1))).join(',');
}
