/**
 * IPv4 and MAC helpers on plain numbers and strings: no sockets, no branded types.
 * An address is a dotted string on the outside and an unsigned 32-bit number inside; parsers return undefined, never throw.
 */

/** An IPv4 network: its address, as a number with the host bits cleared, and its prefix length 0..32. */
export type Ipv4Network = { network: number; prefix: number };

/** Reads a dotted quad into 0..2^32-1; undefined unless it is exactly four decimal octets without leading zeros. */
export function parseIpv4(text: string): number | undefined {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 46) {
      if (octet < 0 || dots === 3) return undefined;
      value = value * 256 + octet;
      octet = -1;
      dots++;
    } else if (c >= 48 && c <= 57 && octet !== 0) {
      octet = (octet < 0 ? 0 : octet * 10) + c - 48;
      if (octet > 255) return undefined;
    } else return undefined;
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : undefined;
}

const decimal = Array.from({ length: 256 }, (_, octet) => String(octet));

/** Writes an unsigned 32-bit number as a dotted quad; only the low 32 bits count. */
export function formatIpv4(value: number): string {
  if (value === 0) return '0.0.0.0';
  return `${decimal[value >>> 24]}.${decimal[(value >>> 16) & 255]}.${decimal[(value >>> 8) & 255]}.${decimal[value & 255]}`;
}

export function isIpv4(text: string): boolean {
  return parseIpv4(text) !== undefined;
}

/** The netmask of a prefix length as a number; a prefix outside 0..32 throws RangeError (a caller's mistake). */
export function maskOf(prefix: number): number {
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > 32) throw new RangeError(`prefix length ${prefix} is not in 0..32`);
  return prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
}

/** The prefix length of a netmask; undefined when its one bits are not contiguous from the left. */
export function prefixOf(mask: number): number | undefined {
  const prefix = Math.clz32(~mask);
  return maskOf(prefix) === mask >>> 0 ? prefix : undefined;
}

/** Reads `10.0.0.0/24`; host bits are cleared; undefined when either half is malformed. */
export function parseCidr(text: string): Ipv4Network | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseIpv4(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9]\d?)$/.test(digits) || Number(digits) > 32) return undefined;
  const prefix = Number(digits);
  return { network: networkOf(address, prefix), prefix };
}

export function formatCidr(network: Ipv4Network): string {
  return `${formatIpv4(network.network)}/${network.prefix}`;
}

/** The address with its host bits cleared. */
export function networkOf(address: number, prefix: number): number {
  return (address & maskOf(prefix)) >>> 0;
}

/** The last address of the network: all host bits set (RFC 919); of a /32 the address itself. */
export function broadcastOf(network: Ipv4Network): number {
  return (network.network | ~maskOf(network.prefix)) >>> 0;
}

export function contains(network: Ipv4Network, address: number): boolean {
  return networkOf(address, network.prefix) === network.network;
}

/** The addresses a host may have: without network and broadcast address, except in a /31 (RFC 3021) and a /32. */
export function hostRange(network: Ipv4Network): { first: number; last: number } {
  const last = broadcastOf(network);
  return network.prefix >= 31 ? { first: network.network, last } : { first: network.network + 1, last: last - 1 };
}

/** Order of two dotted quads by value, for sorting; a malformed one sorts first. */
export function compareIpv4(a: string, b: string): number {
  return (parseIpv4(a) ?? -1) - (parseIpv4(b) ?? -1);
}

/** Whether a dotted quad lies between two others, both included; false when any is malformed. */
export function inRange(address: string, first: string, last: string): boolean {
  const value = parseIpv4(address);
  const low = parseIpv4(first);
  const high = parseIpv4(last);
  return value !== undefined && low !== undefined && high !== undefined && value >= low && value <= high;
}

export type MacForm = 'colon' | 'bare' | 'dash';

const macPattern = /^([0-9a-f]{2})([:-]?)([0-9a-f]{2})\2([0-9a-f]{2})\2([0-9a-f]{2})\2([0-9a-f]{2})\2([0-9a-f]{2})$/i;
const hex = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));
const separators = { colon: ':', bare: '', dash: '-' } as const;

/** Reads the six bytes of `52:54:00:77:00:01`, `525400770001` or `52-54-00-77-00-01` in either case; undefined otherwise. */
export function parseMac(text: string): Uint8Array | undefined {
  const match = macPattern.exec(text);
  if (match === null) return undefined;
  const pairs = [match[1], match[3], match[4], match[5], match[6], match[7]];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair ?? '', 16));
}

/** Writes a hardware address of any length in lower-case hex; an empty one gives ''. */
export function formatMac(bytes: Uint8Array, form: MacForm = 'colon'): string {
  const separator = separators[form];
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += (i === 0 ? '' : separator) + hex[bytes[i] ?? 0];
  return text;
}

/** Rewrites a MAC in another form; undefined when it is not one. */
export function reformatMac(text: string, form: MacForm): string | undefined {
  const bytes = parseMac(text);
  return bytes && formatMac(bytes, form);
}
