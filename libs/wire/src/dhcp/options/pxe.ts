/**
 * PXE: options 93, 94, 97 (RFC 4578) and the sub-options of 43 in Intel's PXE 2.1 specification (table 2-1), among
 * them what a Raspberry Pi's boot ROM wants to see.
 */
import { formatIpv4, parseIpv4 } from '../../net.ts';
import { asBuffer, readTrimmedText } from '../../text.ts';
import type { DhcpMessage } from '../messages.ts';
import { u32At } from '../option-map.ts';
import { decodeSubOptions, findSubOption, type SubOption } from './sub-options.ts';

export const PxeSubOption = {
  mtftpIp: 1, mtftpClientPort: 2, mtftpServerPort: 3, mtftpTimeout: 4, mtftpDelay: 5, discoveryControl: 6,
  discoveryMulticast: 7, bootServers: 8, bootMenu: 9, menuPrompt: 10, credentialTypes: 12, bootItem: 71,
} as const;

/** Bits of sub-option 6; together they say "take the boot file of this answer, look for no other server". */
export const PxeDiscovery = { noBroadcast: 1, noMulticast: 2, onlyListedServers: 4, bootFileOnly: 8 } as const;

export type PxeBootServer = { type: number; addresses: readonly string[] };
export type PxeMenuItem = { type: number; text: string };
export type PxeVendorOptions = {
  discoveryControl?: number;
  discoveryMulticast?: string;
  bootServers?: readonly PxeBootServer[];
  bootMenu?: readonly PxeMenuItem[];
  /** seconds until the first item is taken; 0 at once, 255 never */
  menuPrompt?: { seconds: number; text: string };
  /** type and layer that a client picked from the menu, or that the server answers */
  bootItem?: { type: number; layer: number };
};

/** Option 93: the architectures the firmware boots, best first; a list though nearly all send one (RFC 4578 §2.1). */
export function clientArch(m: DhcpMessage): number[] | undefined {
  const v = m.options.get(93);
  if (v === undefined || v.length === 0 || v.length % 2 !== 0) return undefined;
  return Array.from({ length: v.length / 2 }, (_, i) => ((v[2 * i] ?? 0) << 8) | (v[2 * i + 1] ?? 0));
}

/** Option 94: type 1 is UNDI, then its version (RFC 4578 §2.2). */
export function networkInterface(m: DhcpMessage): { type: number; major: number; minor: number } | undefined {
  const v = m.options.get(94);
  if (v?.length !== 3) return undefined;
  return { type: v[0] ?? 0, major: v[1] ?? 0, minor: v[2] ?? 0 };
}

/** The 16 bytes of option 97, of type 0 only (RFC 4578 §2.3). */
export function clientUuidBytes(m: DhcpMessage): Uint8Array | undefined {
  const v = m.options.get(97);
  return v?.length === 17 && v[0] === 0 ? v.subarray(1) : undefined;
}

/**
 * Option 97 as dmidecode and `/sys/class/dmi` write it: the bytes are those of the SMBIOS table, whose first three
 * fields are little-endian (SMBIOS 2.6 §7.2.1). All zeros and duplicates are common: evidence, not identity.
 */
export function clientUuid(m: DhcpMessage): string | undefined {
  const v = clientUuidBytes(m);
  if (v === undefined) return undefined;
  const d = hexOf(v);
  const swapped = d.slice(6, 8) + d.slice(4, 6) + d.slice(2, 4) + d.slice(0, 2);
  return `${swapped}-${d.slice(10, 12)}${d.slice(8, 10)}-${d.slice(14, 16)}${d.slice(12, 14)}-${d.slice(16, 20)}-${d.slice(20)}`;
}

/** Option 97 in the order of the bytes, for firmware that sends them as RFC 4122 has them. */
export function clientUuidNetworkOrder(m: DhcpMessage): string | undefined {
  const v = clientUuidBytes(m);
  if (v === undefined) return undefined;
  const d = hexOf(v);
  return `${d.slice(0, 8)}-${d.slice(8, 12)}-${d.slice(12, 16)}-${d.slice(16, 20)}-${d.slice(20)}`;
}

function hexOf(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex');
}

/** Option 43 read as PXE's; undefined when it is missing or not made of sub-options; a sub-option of wrong length is left out. */
export function pxeVendorOptions(m: DhcpMessage): PxeVendorOptions | undefined {
  const value = m.options.get(43);
  const subs = value && decodeSubOptions(value);
  if (subs === undefined) return undefined;
  const bytes = (code: number): Uint8Array | undefined => findSubOption(subs, code);
  const control = bytes(PxeSubOption.discoveryControl);
  const multicast = bytes(PxeSubOption.discoveryMulticast);
  const servers = readServers(bytes(PxeSubOption.bootServers));
  const menu = readMenu(bytes(PxeSubOption.bootMenu));
  const prompt = bytes(PxeSubOption.menuPrompt);
  const item = bytes(PxeSubOption.bootItem);
  return {
    ...(control?.length === 1 && { discoveryControl: control[0] ?? 0 }),
    ...(multicast?.length === 4 && { discoveryMulticast: formatIpv4(u32At(multicast, 0)) }),
    ...(servers && { bootServers: servers }),
    ...(menu && { bootMenu: menu }),
    ...(prompt && prompt.length > 0 && { menuPrompt: { seconds: prompt[0] ?? 0, text: textOf(prompt, 1) } }),
    ...(item?.length === 4 && { bootItem: { type: u16At(item, 0), layer: u16At(item, 2) } }),
  };
}

function readServers(v: Uint8Array | undefined): PxeBootServer[] | undefined {
  if (v === undefined) return undefined;
  const servers: PxeBootServer[] = [];
  for (let at = 0; at < v.length; ) {
    const count = v[at + 2] ?? 0;
    const next = at + 3 + 4 * count;
    if (next > v.length) return undefined;
    const start = at + 3;
    servers.push({ type: u16At(v, at), addresses: Array.from({ length: count }, (_, i) => formatIpv4(u32At(v, start + 4 * i))) });
    at = next;
  }
  return servers;
}

function readMenu(v: Uint8Array | undefined): PxeMenuItem[] | undefined {
  if (v === undefined) return undefined;
  const items: PxeMenuItem[] = [];
  for (let at = 0; at < v.length; ) {
    const next = at + 3 + (v[at + 2] ?? 0);
    if (next > v.length) return undefined;
    items.push({ type: u16At(v, at), text: textOf(v.subarray(0, next), at + 3) });
    at = next;
  }
  return items;
}

/** The sub-options for `options.setEncapsulated(43, …, true)`; texts over 255 bytes and malformed addresses throw RangeError. */
export function pxeSubOptions(pxe: PxeVendorOptions): SubOption[] {
  const subs: SubOption[] = [];
  const add = (code: number, ...bytes: number[]): number => subs.push({ code, value: Uint8Array.from(bytes) });
  if (pxe.discoveryControl !== undefined) add(PxeSubOption.discoveryControl, pxe.discoveryControl);
  if (pxe.discoveryMulticast !== undefined) add(PxeSubOption.discoveryMulticast, ...addressBytes(pxe.discoveryMulticast));
  if (pxe.bootServers) {
    add(PxeSubOption.bootServers, ...pxe.bootServers.flatMap((s) => [...u16Bytes(s.type), s.addresses.length, ...s.addresses.flatMap(addressBytes)]));
  }
  if (pxe.bootMenu) add(PxeSubOption.bootMenu, ...pxe.bootMenu.flatMap((i) => [...u16Bytes(i.type), ...lengthAndText(i.text)]));
  if (pxe.menuPrompt) add(PxeSubOption.menuPrompt, pxe.menuPrompt.seconds, ...Buffer.from(pxe.menuPrompt.text, 'utf8'));
  if (pxe.bootItem) add(PxeSubOption.bootItem, ...u16Bytes(pxe.bootItem.type), ...u16Bytes(pxe.bootItem.layer));
  return subs;
}

/**
 * Option 43 that lets a Raspberry Pi 3 or later go on to TFTP: its ROM looks for the words "Raspberry Pi Boot" in the
 * menu (Raspberry Pi documentation, "Network boot"; the bytes dnsmasq sends for `pxe-service=0,"Raspberry Pi Boot"`).
 */
export const raspberryPiVendorOptions: PxeVendorOptions = {
  discoveryControl: PxeDiscovery.noBroadcast | PxeDiscovery.noMulticast,
  bootMenu: [{ type: 0, text: 'Raspberry Pi Boot' }],
  menuPrompt: { seconds: 0, text: 'PXE' },
};

/**
 * The same for the boot ROM of the first Pi 3, which takes the length of the words wrong and wants three spaces after them
 * (Raspberry Pi documentation, "Known problems").
 */
export const raspberryPi3VendorOptions: PxeVendorOptions = { ...raspberryPiVendorOptions, bootMenu: [{ type: 0, text: 'Raspberry Pi Boot   ' }] };

const raspberryOuis: ReadonlySet<number> = new Set([0xb827eb, 0xdca632, 0xe45f01, 0x28cdc1, 0xd83add, 0x2ccf67, 0x88a29e]);

/** Whether a Raspberry Pi's boot ROM asks: its UUID starts with `RPi` (Pi 4 and later), or a PXE client has the maker's MAC prefix. */
export function isRaspberryPi(m: DhcpMessage): boolean {
  const uuid = clientUuidBytes(m);
  if (uuid && textOf(uuid.subarray(0, 3), 0) === 'RPi') return true;
  const oui = ((m.chaddr[0] ?? 0) << 16) | ((m.chaddr[1] ?? 0) << 8) | (m.chaddr[2] ?? 0);
  return m.chaddr.length === 6 && raspberryOuis.has(oui) && m.options.text(60)?.startsWith('PXEClient') === true;
}

/**
 * Which boot code of a Raspberry Pi asks. `rom`: the chip's own, of Pi 2 and 3, which boots from the OFFER and never sends
 * a REQUEST; `constantUuid`: the first Pi 3, whose option 97 is sixteen times 0x44. `eeprom`: Pi 4 and later (Raspberry Pi
 * documentation, "Known problems" of network booting and DHCP_OPTION97). Undefined for what is no Pi.
 */
export function raspberryPiBoot(m: DhcpMessage): { code: 'rom' | 'eeprom'; constantUuid: boolean } | undefined {
  if (!isRaspberryPi(m)) return undefined;
  const uuid = clientUuidBytes(m);
  const constantUuid = uuid?.every((byte) => byte === 0x44) === true;
  const rom = constantUuid || ((m.chaddr[0] ?? 0) << 16 | (m.chaddr[1] ?? 0) << 8 | (m.chaddr[2] ?? 0)) === 0xb827eb;
  return { code: rom ? 'rom' : 'eeprom', constantUuid };
}

function textOf(bytes: Uint8Array, start: number): string {
  return readTrimmedText(asBuffer(bytes), start, bytes.length);
}

function u16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function u16Bytes(value: number): [number, number] {
  return [(value >>> 8) & 255, value & 255];
}

function addressBytes(address: string): number[] {
  const value = parseIpv4(address);
  if (value === undefined) throw new RangeError(`'${address}' is not an IPv4 address`);
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function lengthAndText(text: string): number[] {
  const bytes = [...Buffer.from(text, 'utf8')];
  if (bytes.length > 255) throw new RangeError(`menu text has ${bytes.length} bytes, more than 255`);
  return [bytes.length, ...bytes];
}
