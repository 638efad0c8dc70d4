/**
 * What kind of client a packet comes from, by options 60, 77, 93, 97 and 175 (RFC 2132 §9.13, RFC 3004, RFC 4578 §2.1,
 * ipxe.org/howto/dhcpd). The hardware address says who it is; only a Raspberry Pi is known by its maker's prefix, because
 * its boot ROM says nothing else. PXELINUX and GRUB have no kind: they use the firmware's answer, or ask as `plain`.
 */
import {
  bsdpSystem, ClientArch, clientArch, ipxeFeatures, raspberryPiBoot, userClass, vendorClass, type DhcpMessage, type IpxeFeatureName,
} from '@ironbus/wire';

export const clientKinds = [
  'plain', 'ipxe', 'pxe-bios', 'pxe-uefi-ia32', 'pxe-uefi-x64', 'pxe-uefi-arm32', 'pxe-uefi-arm64', 'pxe-uefi-riscv64', 'pxe-uefi-loongarch64', 'pxe-other',
  'http-bios', 'http-uefi-ia32', 'http-uefi-x64', 'http-uefi-arm32', 'http-uefi-arm64', 'http-uefi-riscv64', 'http-uefi-loongarch64', 'http-other',
  'raspberry-pi', 'bsdp', 'onie',
] as const;
export type ClientKind = (typeof clientKinds)[number];
/** How far a boot has come: the machine's firmware, our loader, an operating system (or installer, or initramfs). */
export type Stage = 'firmware' | 'ipxe' | 'os';
/** `architecture` is option 93's first number, as the firmware sent it; null where it sent none. */
export type Client = {
  kind: ClientKind; stage: Stage; architecture: number | null;
  /** What an iPXE says it can do (option 175), in its order. */
  features?: readonly IpxeFeatureName[];
  /** Raspberry Pi: whether the ROM of the chip asks or the code of its EEPROM, and whether it is the first Pi 3 with its faults. */
  pi?: { code: 'rom' | 'eeprom'; constantUuid: boolean };
  /** A Mac: its processor and model, as in `AAPLBSDPC/i386/MacBookPro11,1`. */
  bsdp?: { architecture: string; model: string };
  /** It boots from the OFFER and never sends a REQUEST: the offer is the lease (Raspberry Pi documentation, "Known problems"). */
  offerOnly?: true;
};

const pxeKinds: ReadonlyMap<number, ClientKind> = new Map([
  [ClientArch.biosX86, 'pxe-bios'], [ClientArch.efiIa32, 'pxe-uefi-ia32'], [ClientArch.efiX64, 'pxe-uefi-x64'],
  // EFI byte code by the registry; firmware older than its erratum says 9 and means x64 (dnsmasq and MAAS read it so).
  [ClientArch.efiBc, 'pxe-uefi-x64'], [ClientArch.efiArm32, 'pxe-uefi-arm32'], [ClientArch.efiArm64, 'pxe-uefi-arm64'],
  [ClientArch.efiRiscv64, 'pxe-uefi-riscv64'], [ClientArch.efiLoongarch64, 'pxe-uefi-loongarch64'], [ClientArch.raspberryPi, 'raspberry-pi'],
]);
const httpKinds: ReadonlyMap<number, ClientKind> = new Map([
  [ClientArch.biosX86Http, 'http-bios'], [ClientArch.efiIa32Http, 'http-uefi-ia32'], [ClientArch.efiX64Http, 'http-uefi-x64'],
  [ClientArch.efiBcHttp, 'http-uefi-x64'], [ClientArch.efiArm32Http, 'http-uefi-arm32'], [ClientArch.efiArm64Http, 'http-uefi-arm64'],
  [ClientArch.efiRiscv64Http, 'http-uefi-riscv64'], [ClientArch.efiLoongarch64Http, 'http-uefi-loongarch64'],
  // Some firmware keeps its PXE number when it boots by HTTP.
  [ClientArch.efiIa32, 'http-uefi-ia32'], [ClientArch.efiX64, 'http-uefi-x64'], [ClientArch.efiArm64, 'http-uefi-arm64'],
]);

/**
 * Classifies one message. Only what says PXEClient, HTTPClient, AAPLBSDPC or iPXE boots: an installer that got a boot file
 * took it for its preseed (debian-installer 12, lab).
 */
export function classify(message: DhcpMessage): Client {
  const vendor = vendorClass(message) ?? '';
  const architecture = clientArch(message)?.[0] ?? architectureIn(vendor);
  if (isIpxe(message)) return { kind: 'ipxe', stage: 'ipxe', architecture, features: ipxeFeatures(message)?.features ?? [] };
  if (isOnie(message, vendor)) return { kind: 'onie', stage: 'os', architecture };
  const bsdp = bsdpSystem(message);
  if (bsdp !== undefined) return { kind: 'bsdp', stage: 'firmware', architecture, bsdp };
  const kind = firmwareKind(message, vendor, architecture ?? -1);
  return kind === 'raspberry-pi' ? raspberryPi(message, architecture) : { kind, stage: kind === 'plain' ? 'os' : 'firmware', architecture };
}

function firmwareKind(message: DhcpMessage, vendor: string, architecture: number): ClientKind {
  if (raspberryPiBoot(message) !== undefined) return 'raspberry-pi';
  if (vendor.startsWith('HTTPClient')) return httpKinds.get(architecture) ?? 'http-other';
  if (vendor.startsWith('PXEClient')) return pxeKinds.get(architecture) ?? 'pxe-other';
  return 'plain';
}

/** `rpiboot` (number 41 of option 93) is the EEPROM's way too. */
function raspberryPi(message: DhcpMessage, architecture: number | null): Client {
  const pi = raspberryPiBoot(message) ?? { code: 'eeprom' as const, constantUuid: false };
  return { kind: 'raspberry-pi', stage: 'firmware', architecture, pi, ...(pi.code === 'rom' && { offerOnly: true as const }) };
}

/** Option 77 is the bare word `iPXE` (witness: every capture of the lab); builds without it still send option 175. */
const isIpxe = (message: DhcpMessage): boolean => userClass(message)?.includes('iPXE') === true || message.options.has(175);

/** `onie_vendor:<architecture>-<vendor>_<machine>-r<revision>`, user class `onie_dhcp_user_class` (ONIE design, "DHCP Requests and Responses"). */
const isOnie = (message: DhcpMessage, vendor: string): boolean =>
  vendor.startsWith('onie_vendor:') || userClass(message)?.includes('onie_dhcp_user_class') === true;

/** The number inside `PXEClient:Arch:00007:UNDI:003000`, for firmware that leaves option 93 out (PXE 2.1 §2.2.3). */
function architectureIn(vendor: string): number | null {
  const digits = /^(?:PXE|HTTP)Client:Arch:(\d{5})/.exec(vendor)?.[1];
  return digits === undefined ? null : Number(digits);
}
