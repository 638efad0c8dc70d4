/** Network loaders and the boot code written to disks, out of Debian's iPXE, shim and GRUB packages. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readStaged, runStaged, type Stage } from './stage.ts';

export const SECTOR_BYTES = 512;
/** Where the agent puts core.img: the first sector of the BIOS boot partition, 1 MiB. boot.img carries this number. */
export const CORE_SECTOR = 2048;

/** Target in the output tree → file of the packages. */
const COPIES: Readonly<Record<string, string>> = {
  'loaders/undionly.kpxe': 'usr/lib/ipxe/undionly.kpxe',
  'loaders/ipxe.efi': 'usr/lib/ipxe/ipxe.efi',
  'loaders/snponly.efi': 'usr/lib/ipxe/snponly.efi',
  'loaders/ipxe-arm64.efi': 'usr/lib/ipxe/ipxe-arm64.efi',
  'loaders/shimx64.efi': 'usr/lib/shim/shimx64.efi.signed',
  'loaders/grubx64.efi': 'usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed',
  'boot-assets/uefi/shimx64.efi': 'usr/lib/shim/shimx64.efi.signed',
  'boot-assets/uefi/grubx64.efi': 'usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed',
};

const GRUB_DIR = 'usr/lib/grub/i386-pc';
/** `(,gpt3)` is partition 3 of the disk the BIOS booted: no search that a second deployed disk could win. */
const GRUB_PREFIX = '(,gpt3)/boot/grub';
const GRUB_MODULES = [
  'biosdisk', 'part_gpt', 'part_msdos', 'ext2', 'fat', 'normal', 'configfile', 'linux', 'search', 'search_fs_uuid', 'search_fs_file',
  'search_label', 'serial', 'terminal', 'echo', 'test', 'true', 'sleep', 'loadenv', 'gzio', 'minicmd', 'reboot', 'halt', 'all_video',
];

/**
 * boot.img as grub-bios-setup leaves it for a hard disk: the sector of core.img at 0x5c, and two NOPs at 0x66 in place of
 * the jump that believes the BIOS's drive number (grub-core/boot/i386/pc/boot.S). 440 bytes: the rest is the disk's own.
 */
export function patchBootImage(image: Buffer): Buffer {
  const boot = Buffer.from(image.subarray(0, 440));
  boot.writeBigUInt64LE(BigInt(CORE_SECTOR), 0x5c);
  boot.fill(0x90, 0x66, 0x68);
  return boot;
}

/** core.img padded to sectors, its block list (0x1f4: start, sectors, segment; diskboot.S) naming what follows its first sector. */
export function patchCoreImage(image: Buffer): Buffer {
  const sectors = Math.ceil(image.length / SECTOR_BYTES);
  const core = Buffer.alloc(sectors * SECTOR_BYTES);
  image.copy(core);
  core.writeBigUInt64LE(BigInt(CORE_SECTOR + 1), 0x1f4);
  core.writeUInt16LE(sectors - 1, 0x1fc);
  core.writeUInt16LE(0x820, 0x1fe);
  return core;
}

function makeCoreImage(stage: Stage): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'ironbus-core-'));
  try {
    const output = join(dir, 'core.img');
    runStaged(stage, 'usr/bin/grub-mkimage', ['-d', join(stage.root, GRUB_DIR), '-O', 'i386-pc', '-p', GRUB_PREFIX, '-o', output, ...GRUB_MODULES]);
    return readFileSync(output);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Writes `loaders/` and `boot-assets/` under `out`. */
export function writeLoaders(stage: Stage, out: string): void {
  const files = new Map(Object.entries(COPIES).map(([target, source]) => [target, readStaged(stage, source)]));
  files.set('boot-assets/bios/boot.img', patchBootImage(readStaged(stage, `${GRUB_DIR}/boot.img`)));
  files.set('boot-assets/bios/core.img', patchCoreImage(makeCoreImage(stage)));
  for (const [target, bytes] of files) {
    mkdirSync(dirname(join(out, target)), { recursive: true });
    writeFileSync(join(out, target), bytes);
  }
}
