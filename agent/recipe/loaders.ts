/** Network loaders, the memory test and the boot code written to disks, out of Debian's iPXE, shim, GRUB, syslinux and memtest86+ packages. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodeNewc } from './newc.ts';
import type { Architecture } from './packages.ts';
import { readStaged, runStaged, type Stage } from './stage.ts';

export const SECTOR_BYTES = 512;
/** Where the agent puts core.img: the first sector of the BIOS boot partition, 1 MiB. boot.img carries this number. */
export const CORE_SECTOR = 2048;

const SYSLINUX_MODULES = 'usr/lib/syslinux/modules/bios';
/** What pxelinux cannot start without, then what a menu of a person's own may name (chain and menu need the two libraries). */
const C32 = ['ldlinux', 'libcom32', 'libutil', 'menu', 'chain', 'reboot', 'poweroff'];

/** Target in the output tree → file of the packages. */
const COPIES: Readonly<Record<Architecture, Readonly<Record<string, string>>>> = {
  amd64: {
    'loaders/undionly.kpxe': 'usr/lib/ipxe/undionly.kpxe',
    'loaders/ipxe.pxe': 'usr/lib/ipxe/ipxe.pxe',
    'loaders/ipxe.efi': 'usr/lib/ipxe/ipxe.efi',
    'loaders/snponly.efi': 'usr/lib/ipxe/snponly.efi',
    'loaders/ipxe-arm64.efi': 'usr/lib/ipxe/ipxe-arm64.efi',
    'loaders/shimx64.efi': 'usr/lib/shim/shimx64.efi.signed',
    'loaders/grubx64.efi': 'usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed',
    'loaders/grubia32.efi': 'usr/lib/grub/i386-efi/monolithic/grubnetia32.efi',
    'loaders/pxelinux.0': 'usr/lib/PXELINUX/pxelinux.0',
    'loaders/lpxelinux.0': 'usr/lib/PXELINUX/lpxelinux.0',
    ...Object.fromEntries(C32.map((name) => [`loaders/${name}.c32`, `${SYSLINUX_MODULES}/${name}.c32`])),
    'loaders/memtest-x64.bin': 'boot/memtest86+x64.bin',
    'loaders/memtest-x64.efi': 'boot/memtest86+x64.efi',
    'loaders/memtest-ia32.efi': 'boot/memtest86+ia32.efi',
    'boot-assets/uefi/shimx64.efi': 'usr/lib/shim/shimx64.efi.signed',
    'boot-assets/uefi/grubx64.efi': 'usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed',
  },
  arm64: {
    'loaders/shimaa64.efi': 'usr/lib/shim/shimaa64.efi.signed',
    'loaders/grubaa64.efi': 'usr/lib/grub/arm64-efi-signed/grubnetaa64.efi.signed',
  },
};

const GRUB_DIR = 'usr/lib/grub/i386-pc';
/** `(,gpt3)` is partition 3 of the disk the BIOS booted: no search that a second deployed disk could win. */
const DISK_PREFIX = '(,gpt3)/boot/grub';
const COMMON_MODULES = [
  'biosdisk', 'part_gpt', 'part_msdos', 'ext2', 'fat', 'normal', 'configfile', 'linux', 'search', 'search_fs_uuid', 'search_fs_file',
  'search_label', 'serial', 'terminal', 'echo', 'test', 'true', 'sleep', 'loadenv', 'gzio', 'minicmd', 'reboot', 'halt', 'all_video',
];
/** The same folder as in Debian's signed network GRUBs; GRUB puts the TFTP server it came from before it. */
const NET_PREFIX = '/grub';
const NET_CONFIG = 'grub-pc-netboot.cfg';
const NET_MODULES = [...COMMON_MODULES, 'pxe', 'tftp', 'http', 'regexp', 'chain', 'memdisk', 'newc'];

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

type GrubImage = { format: 'i386-pc' | 'i386-pc-pxe'; prefix: string; modules: readonly string[]; memdisk?: Buffer };

/** A memdisk holds the configuration that `normal` starts with: a configuration embedded by itself knows no loops and no tests. */
function makeGrubImage(stage: Stage, { format, prefix, modules, memdisk }: GrubImage): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'ironbus-grub-'));
  const path = (name: string): string => join(dir, name);
  try {
    const start = memdisk === undefined ? [] : ['-m', path('memdisk'), '-c', path('start.cfg')];
    if (memdisk !== undefined) {
      writeFileSync(path('memdisk'), memdisk);
      writeFileSync(path('start.cfg'), 'normal (memdisk)/grub.cfg\n');
    }
    const args = ['-d', join(stage.root, GRUB_DIR), '-O', format, '-p', prefix, ...start, '-o', path('image'), ...modules];
    runStaged(stage, 'usr/bin/grub-mkimage', args);
    return readFileSync(path('image'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const makeCoreImage = (stage: Stage): Buffer => makeGrubImage(stage, { format: 'i386-pc', prefix: DISK_PREFIX, modules: COMMON_MODULES });

function makeNetImage(stage: Stage): Buffer {
  const data = readFileSync(join(import.meta.dirname, NET_CONFIG));
  const memdisk = encodeNewc([{ path: 'grub.cfg', kind: 'file', mode: 0o644, data }]);
  return makeGrubImage(stage, { format: 'i386-pc-pxe', prefix: NET_PREFIX, modules: NET_MODULES, memdisk });
}

function made(stage: Stage): [string, Buffer][] {
  if (stage.architecture !== 'amd64') return [];
  return [
    ['boot-assets/bios/boot.img', patchBootImage(readStaged(stage, `${GRUB_DIR}/boot.img`))],
    ['boot-assets/bios/core.img', patchCoreImage(makeCoreImage(stage))],
    ['loaders/grub-i386-pc.0', makeNetImage(stage)],
  ];
}

/** Writes `loaders/` and `boot-assets/` of the stage's architecture under `out`. */
export function writeLoaders(stage: Stage, out: string): void {
  const copies = Object.entries(COPIES[stage.architecture]).map(([target, source]): [string, Buffer] => [target, readStaged(stage, source)]);
  for (const [target, bytes] of [...copies, ...made(stage)]) {
    mkdirSync(dirname(join(out, target)), { recursive: true });
    writeFileSync(join(out, target), bytes);
  }
}
