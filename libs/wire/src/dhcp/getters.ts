/**
 * What a server reads from a message, option by option. Each returns undefined when the option is missing or has a
 * wrong length (RFC 2131 §4.1 wants it ignored); none throws. Families with a structure of their own are in options/.
 */
import { formatMac } from '../net.ts';
import { asBuffer, readText } from '../text.ts';
import { type DhcpMessage, HardwareType, MessageType } from './messages.ts';
import { decodeDomains } from './options/domains.ts';
import { decodeRoutes, type Route } from './options/routes.ts';
import { decodeSubOptions, type SubOption } from './options/sub-options.ts';

const messageTypes: ReadonlySet<number> = new Set(Object.values(MessageType));

/** Option 53; undefined also for a number that is no message type: a message without one is BOOTP (RFC 2131 §3). */
export function messageType(m: DhcpMessage): MessageType | undefined {
  const value = m.options.u8(53);
  return value !== undefined && messageTypes.has(value) ? (value as MessageType) : undefined;
}

/** Option 50 (RFC 2132 §9.1). */
export function requestedAddress(m: DhcpMessage): string | undefined {
  return m.options.address(50);
}

/** Option 54 (RFC 2132 §9.7). */
export function serverId(m: DhcpMessage): string | undefined {
  return m.options.address(54);
}

/** Option 51 in seconds; 0xffffffff is for ever (RFC 2132 §9.2). */
export function leaseSeconds(m: DhcpMessage): number | undefined {
  return m.options.u32(51);
}

/** Option 57 in bytes of IP datagram; under 576 is not legal and ignored (RFC 2132 §9.10). */
export function maxMessageSize(m: DhcpMessage): number | undefined {
  const bytes = m.options.u16(57);
  return bytes !== undefined && bytes >= 576 ? bytes : undefined;
}

/** Option 55, the codes the client wants, in its order (RFC 2132 §9.8). */
export function parameterList(m: DhcpMessage): Uint8Array | undefined {
  const codes = m.options.get(55);
  return codes !== undefined && codes.length > 0 ? codes : undefined;
}

/** Option 12 as sent, with no check that it is a host name (RFC 2132 §3.14). */
export function hostName(m: DhcpMessage): string | undefined {
  return m.options.text(12);
}

/** Option 15 (RFC 2132 §3.17). */
export function domainName(m: DhcpMessage): string | undefined {
  return m.options.text(15);
}

/** Option 60 as text, such as `PXEClient:Arch:00007:UNDI:003000` (RFC 2132 §9.13). */
export function vendorClass(m: DhcpMessage): string | undefined {
  return m.options.text(60);
}

/** Option 61, type byte included; at least two bytes (RFC 2132 §9.14); kept raw (RFC 4361 §6.1). */
export function clientId(m: DhcpMessage): Uint8Array | undefined {
  const id = m.options.get(61);
  return id !== undefined && id.length >= 2 ? id : undefined;
}

/**
 * Option 77 as a list. RFC 3004 §4 prefixes each class with its length; iPXE sends its name alone (witness: every iPXE
 * capture in golden/), so what does not parse to the last byte is taken as one class.
 */
export function userClass(m: DhcpMessage): string[] | undefined {
  const value = m.options.get(77);
  if (value === undefined || value.length === 0) return undefined;
  const bytes = asBuffer(value);
  const classes: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = bytes[at] ?? 0;
    if (length === 0 || at + 1 + length > bytes.length) return [readText(bytes, 0, bytes.length)];
    classes.push(readText(bytes, at + 1, at + 1 + length));
    at += 1 + length;
  }
  return classes;
}

/** Option 150: TFTP servers as addresses, Cisco's list (RFC 5859 §3). */
export function tftpServers(m: DhcpMessage): string[] | undefined {
  return m.options.addresses(150);
}

/** Option 66, or the sname field when that is not empty (RFC 2132 §9.4). */
export function tftpServerName(m: DhcpMessage): string | undefined {
  return m.options.text(66) ?? (m.sname === '' ? undefined : m.sname);
}

/** Option 67, or the file field when that is not empty (RFC 2132 §9.5). */
export function bootFile(m: DhcpMessage): string | undefined {
  return m.options.text(67) ?? (m.file === '' ? undefined : m.file);
}

/** Option 118: the subnet an address is wanted from, without a relay (RFC 3011). */
export function subnetSelection(m: DhcpMessage): string | undefined {
  return m.options.address(118);
}

/** Option 116: whether the client would configure itself without an answer (RFC 2563 §2). */
export function autoConfigure(m: DhcpMessage): boolean | undefined {
  const value = m.options.u8(116);
  return value === 0 ? false : value === 1 ? true : undefined;
}

/** Option 80: the client takes an ACK to its DISCOVER (RFC 4039 §4); the option has no value. */
export function rapidCommit(m: DhcpMessage): boolean {
  return m.options.get(80)?.length === 0;
}

/** Option 121 (RFC 3442). */
export function routes(m: DhcpMessage): Route[] | undefined {
  const value = m.options.get(121);
  return value && decodeRoutes(value);
}

/** Option 119 (RFC 3397). */
export function domainSearch(m: DhcpMessage): string[] | undefined {
  const value = m.options.get(119);
  return value && decodeDomains(value);
}

/** Option 43 as sub-options, whatever the vendor (RFC 2132 §8.4); undefined when it is not made of them. */
export function vendorOptions(m: DhcpMessage): SubOption[] | undefined {
  const value = m.options.get(43);
  return value && decodeSubOptions(value);
}

/** The MAC as `52:54:00:77:00:01`; undefined unless it is Ethernet with six bytes. */
export function hardwareMac(m: DhcpMessage): string | undefined {
  return m.htype === HardwareType.ethernet && m.chaddr.length === 6 ? formatMac(m.chaddr) : undefined;
}

/**
 * What a lease is keyed by: `<htype>/<hex>`, or `id/<hex of option 61>` where there is no hardware address, as over
 * InfiniBand (RFC 4390 §2.1: hlen 0, option 61 obligatory). Undefined when neither is there.
 */
export function clientKey(m: DhcpMessage): string | undefined {
  if (m.chaddr.length > 0) return `${m.htype}/${formatMac(m.chaddr, 'bare')}`;
  const id = clientId(m);
  return id && `id/${formatMac(id, 'bare')}`;
}
