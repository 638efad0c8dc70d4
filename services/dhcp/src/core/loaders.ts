/**
 * Which loader each firmware gets: one row for each file we have for it, in the order in which `auto` tries them.
 * The files lie under `loaders/`; a file that Debian does not build has no row.
 */
import type { LoaderChoice } from '@ironbus/contracts';
import type { ClientKind } from './client.ts';

export type Firmware = 'bios' | 'uefi-ia32' | 'uefi-x64' | 'uefi-arm64';
export type LoaderRow = {
  rule: string; firmware: Firmware; loader: Exclude<LoaderChoice, 'auto'>; file: string; witness: string;
  /** The rule by UEFI HTTP boot; BIOS has no such thing. */
  http?: string;
  /** Its signature is one that Secure Boot firmware takes. */
  signed?: true;
  /** Left out of `auto`: only where a person chose it. */
  byChoice?: true;
};

export const loaderTable: readonly LoaderRow[] = [
  { firmware: 'bios', loader: 'ipxe', file: 'undionly.kpxe', rule: 'bios-undionly', witness: 'ipxe-undionly-chain.pcap' },
  {
    firmware: 'bios', loader: 'ipxe', file: 'ipxe.pxe', rule: 'bios-ipxe',
    witness: "iPXE with drivers of its own, for a ROM whose UNDI is broken (Debian's ipxe package); not run",
  },
  {
    firmware: 'bios', loader: 'pxelinux', file: 'lpxelinux.0', rule: 'bios-pxelinux',
    witness: 'lpxelinux.pcap: TFTP for its configuration, HTTP for kernels',
  },
  {
    firmware: 'bios', loader: 'grub', file: 'grub-i386-pc.0', rule: 'bios-grub', byChoice: true,
    witness: 'grub-mkimage -O i386-pc-pxe (GRUB manual, "Booting GRUB from the network"); not run: it hangs in the UNDI of an iPXE ROM, and QEMU has no other',
  },
  {
    firmware: 'uefi-ia32', loader: 'grub', file: 'grubia32.efi', rule: 'uefi-ia32-grub', http: 'http-ia32-grub',
    witness: 'Debian builds no 32-bit iPXE for UEFI; grubnetia32.efi of grub-efi-ia32-bin, unsigned: by TFTP tests/lab/loaders.test.ts; by HTTP not run',
  },
  {
    firmware: 'uefi-x64', loader: 'ipxe', file: 'snponly.efi', rule: 'uefi-x64-snponly', http: 'http-x64-snponly',
    witness: 'ovmf-pxe-snponly.pcap; by HTTP ovmf-httpboot.pcap',
  },
  {
    firmware: 'uefi-x64', loader: 'grub', file: 'shimx64.efi', rule: 'uefi-x64-shim', http: 'http-x64-shim', signed: true,
    witness: 'ovmf-secureboot-shim-grubnet.pcap; by HTTP tests/lab/firmwares.test.ts',
  },
  {
    firmware: 'uefi-x64', loader: 'ipxe', file: 'ipxe.efi', rule: 'uefi-x64-ipxe', http: 'http-x64-ipxe',
    witness: 'ovmf-pxe-ipxe-efi.pcap; by HTTP ovmf-httpboot.pcap',
  },
  {
    firmware: 'uefi-arm64', loader: 'ipxe', file: 'ipxe-arm64.efi', rule: 'uefi-arm64-ipxe', http: 'http-arm64-ipxe',
    witness: 'aarch64-aavmf-pxe.pcap (its DISCOVER); Debian builds no snponly for arm64',
  },
  {
    firmware: 'uefi-arm64', loader: 'grub', file: 'shimaa64.efi', rule: 'uefi-arm64-shim', http: 'http-arm64-shim', signed: true,
    witness: 'as for x64: by TFTP tests/lab/firmwares.test.ts; by HTTP not run',
  },
];

const firmwares: ReadonlyMap<ClientKind, Firmware> = new Map([
  ['pxe-bios', 'bios'], ['pxe-uefi-ia32', 'uefi-ia32'], ['pxe-uefi-x64', 'uefi-x64'], ['pxe-uefi-arm64', 'uefi-arm64'],
  ['http-uefi-ia32', 'uefi-ia32'], ['http-uefi-x64', 'uefi-x64'], ['http-uefi-arm64', 'uefi-arm64'],
]);

/** Undefined for a client that we have no loader for. */
export const firmwareOf = (kind: ClientKind): Firmware | undefined => firmwares.get(kind);
export const byHttp = (kind: ClientKind): boolean => kind.startsWith('http-');
export const hasLoader = (firmware: Firmware, loader: LoaderRow['loader']): boolean =>
  loaderTable.some((row) => row.firmware === firmware && row.loader === loader);

/** `turn` counts up with every boot that the last loader failed; `secureBoot`: known to be on, so that only a signed loader starts. */
export type LoaderWish = { choice: LoaderChoice; turn: number; secureBoot: boolean };

/**
 * Secure Boot takes the signed row whatever was chosen, for the others would be refused; then what was chosen, or every
 * `auto` row where this firmware has nothing of that choice; several take turns.
 */
export function pickLoader(firmware: Firmware, { choice, turn, secureBoot }: LoaderWish): LoaderRow {
  const rows = loaderTable.filter((row) => row.firmware === firmware);
  const signed = secureBoot ? rows.filter((row) => row.signed) : [];
  const chosen = rows.filter((row) => row.loader === choice);
  const candidates = [signed, chosen, rows.filter((row) => !row.byChoice)].find((list) => list.length > 0) ?? [];
  const row = candidates[turn % candidates.length];
  if (row === undefined) throw new Error(`no loader row for ${firmware}`);
  return row;
}
