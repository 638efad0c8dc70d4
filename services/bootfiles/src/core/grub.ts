/**
 * The same answers for GRUB (shim + signed GRUB under Secure Boot, which can not run iPXE). Pure text.
 * `device` is where files come from: `(tftp,10.77.0.1)` for Debian 12's signed GRUB, which has no http module, or
 * `(http,10.77.0.1:5248)`.
 */
import type { BootAnswer } from './ipxe.ts';
import { macInPath } from './kernel.ts';
import type { Mac } from '@ironbus/contracts';

export type GrubPlace = { device: string; mac: Mac };

/** Loaders that an installed system leaves on its EFI system partition, the distribution's own before the fallback. */
const espLoaders = [
  '/EFI/debian/shimx64.efi', '/EFI/ubuntu/shimx64.efi', '/EFI/fedora/shimx64.efi', '/EFI/rocky/shimx64.efi',
  '/EFI/almalinux/shimx64.efi', '/EFI/centos/shimx64.efi', '/EFI/redhat/shimx64.efi', '/EFI/opensuse/shim.efi',
  '/EFI/BOOT/BOOTX64.EFI',
];

/** Throws where `device` is not one GRUB device. */
export function renderGrub(boot: BootAnswer, place: GrubPlace): string {
  if (!/^\((tftp|http),[A-Za-z0-9.:[\]-]+\)$/.test(place.device)) throw new Error('a GRUB device is (tftp,host) or (http,host:port)');
  return `# ironbus: ${boot.rule}\nset timeout=0\n${body(boot, place).join('\n')}\n`;
}

function body(boot: BootAnswer, place: GrubPlace): string[] {
  switch (boot.answer) {
    case 'agent':
    case 'hold': return renderAgent(boot, place);
    case 'local': return renderLocal();
    case 'retry': return renderRetry(place);
    case 'ignore': return ['exit'];
  }
}

function renderAgent(boot: Extract<BootAnswer, { commandLine: readonly string[] }>, place: GrubPlace): string[] {
  const image = `${place.device}/agent-image/${boot.architecture}`;
  return [
    `if linux ${image}/vmlinuz ${boot.commandLine.map(quote).join(' ')}; then`,
    `  if initrd ${image}/initrd.img; then boot; fi`,
    'fi',
    ...renderRetry(place),
  ];
}

function renderLocal(): string[] {
  return [
    'if [ "$grub_platform" = "efi" ]; then',
    ...espLoaders.map((path) => `  if search --no-floppy --file --set=esp ${path}; then chainloader ($esp)${path}; boot; fi`),
    '  exit 1',
    'fi',
    'if [ -e (hd0) ]; then set root=(hd0); chainloader +1; boot; fi',
    'exit',
  ];
}

const renderRetry = (place: GrubPlace): string[] => ['sleep 5', `configfile ${place.device}/boot/${macInPath(place.mac)}/grub.cfg`];

/** GRUB reads single-quoted text as it is; words hold no quote (kernel.ts). */
const quote = (word: string): string => /^[A-Za-z0-9_.,:=/-]+$/.test(word) ? word : `'${word}'`;
