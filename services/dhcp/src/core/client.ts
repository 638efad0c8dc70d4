/**
 * What kind of client a packet comes from, by options 60, 77, 93 and 175 (RFC 2132 §9.13, RFC 3004, RFC 4578 §2.1,
 * ipxe.org/howto/dhcpd). The hardware address says who it is; nothing here does.
 */
import { ClientArch, clientArch, userClass, vendorClass, type DhcpMessage } from '@ironbus/wire';

export const clientKinds = [
  'plain', 'ipxe', 'pxe-bios', 'pxe-uefi-ia32', 'pxe-uefi-x64', 'pxe-uefi-arm64', 'pxe-other',
  'http-uefi-ia32', 'http-uefi-x64', 'http-uefi-arm64', 'http-other',
] as const;
export type ClientKind = (typeof clientKinds)[number];
/** How far a boot has come: the machine's firmware, our loader, an operating system (or installer, or initramfs). */
export type Stage = 'firmware' | 'ipxe' | 'os';
/** `architecture` is option 93's first number, as the firmware sent it; null where it sent none. */
export type Client = { kind: ClientKind; stage: Stage; architecture: number | null };

const pxeKinds: ReadonlyMap<number, ClientKind> = new Map([
  [ClientArch.biosX86, 'pxe-bios'], [ClientArch.efiIa32, 'pxe-uefi-ia32'], [ClientArch.efiX64, 'pxe-uefi-x64'],
  // EFI byte code by the registry; firmware older than its erratum says 9 and means x64 (dnsmasq and MAAS read it so).
  [ClientArch.efiBc, 'pxe-uefi-x64'], [ClientArch.efiArm64, 'pxe-uefi-arm64'],
]);
const httpKinds: ReadonlyMap<number, ClientKind> = new Map([
  [ClientArch.efiIa32Http, 'http-uefi-ia32'], [ClientArch.efiX64Http, 'http-uefi-x64'], [ClientArch.efiBcHttp, 'http-uefi-x64'],
  [ClientArch.efiArm64Http, 'http-uefi-arm64'],
  // Some firmware keeps its PXE number when it boots by HTTP.
  [ClientArch.efiIa32, 'http-uefi-ia32'], [ClientArch.efiX64, 'http-uefi-x64'], [ClientArch.efiArm64, 'http-uefi-arm64'],
]);

/**
 * Classifies one message. Only what says PXEClient, HTTPClient or iPXE boots: an installer that got a boot file took it
 * for its preseed (debian-installer 12, lab).
 */
export function classify(message: DhcpMessage): Client {
  const vendor = vendorClass(message) ?? '';
  const architecture = clientArch(message)?.[0] ?? architectureIn(vendor);
  const known = architecture ?? -1;
  if (isIpxe(message)) return { kind: 'ipxe', stage: 'ipxe', architecture };
  if (vendor.startsWith('HTTPClient')) return { kind: httpKinds.get(known) ?? 'http-other', stage: 'firmware', architecture };
  if (vendor.startsWith('PXEClient')) return { kind: pxeKinds.get(known) ?? 'pxe-other', stage: 'firmware', architecture };
  return { kind: 'plain', stage: 'os', architecture };
}

/** Option 77 is the bare word `iPXE` (witness: every capture of the lab); builds without it still send option 175. */
const isIpxe = (message: DhcpMessage): boolean => userClass(message)?.includes('iPXE') === true || message.options.has(175);

/** The number inside `PXEClient:Arch:00007:UNDI:003000`, for firmware that leaves option 93 out (PXE 2.1 §2.2.3). */
function architectureIn(vendor: string): number | null {
  const digits = /^(?:PXE|HTTP)Client:Arch:(\d{5})/.exec(vendor)?.[1];
  return digits === undefined ? null : Number(digits);
}
