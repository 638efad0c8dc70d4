/** iPXE's encapsulated option 175: what a client can do, and what a server tells it (iPXE's dhcp.h, ipxe.org/howto/dhcpd). */
import type { DhcpMessage } from '../messages.ts';
import { decodeSubOptions, findSubOption, type SubOption } from './sub-options.ts';

/** Feature sub-options, a version byte each, not 0 when present (iPXE src/include/ipxe/features.h). */
export const IpxeFeature = {
  pxeExt: 0x10, iscsi: 0x11, aoe: 0x12, http: 0x13, https: 0x14, tftp: 0x15, ftp: 0x16, dns: 0x17, bzimage: 0x18,
  multiboot: 0x19, slam: 0x1a, srp: 0x1b, nbi: 0x20, pxe: 0x21, elf: 0x22, comboot: 0x23, efi: 0x24, fcoe: 0x25,
  vlan: 0x26, menu: 0x27, sdi: 0x28, nfs: 0x29,
} as const;
export type IpxeFeatureName = keyof typeof IpxeFeature;

/** Other sub-options: settings a server may send, and the client's bus id and version. */
export const IpxeSubOption = {
  priority: 0x01, keepSan: 0x08, skipSanBoot: 0x09, busId: 0xb1, noProxyDhcp: 0xb0, biosDrive: 0xbd, username: 0xbe,
  password: 0xbf, reverseUsername: 0xc0, reversePassword: 0xc1, version: 0xeb, scriptlet: 0x51, syslogServers: 0x55,
  trustedRoot: 0x5a, crossCert: 0x5d,
} as const;

export type IpxeFeatures = {
  /** names of what the client announces, in its order */
  features: IpxeFeatureName[];
  /** `1.0.0`; Debian's 2019 ROM says this too */
  version?: string;
  /** PCI network card: vendor and device, as `1af4:1000` */
  pciId?: string;
  subOptions: SubOption[];
};

const featureNames: ReadonlyMap<number, IpxeFeatureName> = new Map(
  Object.entries(IpxeFeature).map(([name, code]) => [code, name as IpxeFeatureName]),
);

/** Option 175 read; undefined when it is missing or malformed, that is, when the client is not iPXE. */
export function ipxeFeatures(m: DhcpMessage): IpxeFeatures | undefined {
  const value = m.options.get(175);
  const subOptions = value && decodeSubOptions(value);
  if (subOptions === undefined) return undefined;
  const features: IpxeFeatureName[] = [];
  for (const sub of subOptions) {
    const name = featureNames.get(sub.code);
    if (name !== undefined && sub.value.some((byte) => byte !== 0)) features.push(name);
  }
  const version = findSubOption(subOptions, IpxeSubOption.version);
  const bus = findSubOption(subOptions, IpxeSubOption.busId);
  return {
    features, subOptions,
    ...(version && version.length > 0 && { version: version.join('.') }),
    ...(bus && bus.length === 5 && bus[0] === 1 && { pciId: pciText(bus) }),
  };
}

function pciText(bus: Uint8Array): string {
  const digits = Buffer.from(bus.subarray(1)).toString('hex');
  return `${digits.slice(0, 4)}:${digits.slice(4)}`;
}

/** Sub-option 176 = 1: do not wait about three seconds for a ProxyDHCP answer (`no-pxedhcp`; seen with Debian's ROM). */
export const noProxyDhcp: SubOption = { code: IpxeSubOption.noProxyDhcp, value: Uint8Array.of(1) };
