/**
 * DhcpMessage to bytes: header, options in their order, the relay's option 82 last (RFC 3046 §2.1), end, padding to
 * BOOTP's 300 bytes (RFC 1542 §2.1). Values over 255 bytes are split (RFC 3396), and when the message is too long for
 * the client the fields file and sname carry options (RFC 2132 §9.3) before any option is dropped.
 * Throws RangeError on a caller's mistake only: a field that cannot be written, or no room and no leave to drop.
 */
import { parseIpv4 } from '../net.ts';
import { Header, MAGIC_COOKIE } from './decode.ts';
import { maxMessageSize } from './getters.ts';
import type { DhcpMessage } from './messages.ts';
import { type Area, type Entry, planAreas } from './pack.ts';

/** IP and UDP header bytes, which option 57 counts (RFC 2132 §9.10). */
export const IP_UDP_BYTES = 28;
/** UDP payload every client must take: 576 bytes of IP datagram (RFC 2131 §2). */
export const MIN_MAX_PAYLOAD = 576 - IP_UDP_BYTES;
/** UDP payload of a full Ethernet frame. */
export const ETHERNET_PAYLOAD = 1500 - IP_UDP_BYTES;
/** BOOTP's message size; relays and old clients drop shorter ones (RFC 1542 §2.1). */
export const BOOTP_BYTES = 300;

/** `maxBytes` and `minBytes` are UDP payload bytes. */
export type EncodeLimits = { maxBytes?: number; minBytes?: number };

/** `keep`: codes in order of importance, dropped last; codes it does not name go first, later ones before earlier ones. */
export type ReplyLimits = EncodeLimits & { keep?: readonly number[] };
export type EncodedReply = { bytes: Uint8Array; dropped: number[] };

/** What a reply can least do without: protocol first, then addressing, then boot, then names. */
export const KEEP_ORDER: readonly number[] = [
  53, 54, 82, 61, 51, 1, 3, 121, 58, 59, 60, 43, 66, 67, 97, 6, 175, 28, 26, 15, 12, 81, 119, 42, 150, 208, 209, 210, 211, 17,
];

/**
 * UDP payload bytes that this client takes: option 57 without headers, at least 548, at most an Ethernet frame
 * (RFC 2132 §9.10); 300 for a BOOTP client, whose vendor area has 64 bytes (RFC 951 §3).
 */
export function replyLimit(request: DhcpMessage, linkPayload = ETHERNET_PAYLOAD): number {
  if (!request.options.has(53)) return BOOTP_BYTES;
  const asked = (maxMessageSize(request) ?? 0) - IP_UDP_BYTES;
  return Math.max(MIN_MAX_PAYLOAD, Math.min(asked, linkPayload));
}

/** Encodes the whole message or throws RangeError when it does not fit maxBytes (an Ethernet frame unless told). */
export function encode(message: DhcpMessage, limits: EncodeLimits = {}): Uint8Array {
  const { bytes, dropped } = encodeReply(message, { maxBytes: ETHERNET_PAYLOAD, ...limits });
  if (dropped.length > 0) throw new RangeError(`options ${dropped.join(', ')} do not fit ${limits.maxBytes ?? ETHERNET_PAYLOAD} bytes`);
  return bytes;
}

/** Encodes within maxBytes (548 unless told), leaving out the least important options; returns the codes it left out. */
export function encodeReply(message: DhcpMessage, limits: ReplyLimits = {}): EncodedReply {
  const maxBytes = limits.maxBytes ?? MIN_MAX_PAYLOAD;
  const minBytes = Math.min(limits.minBytes ?? BOOTP_BYTES, maxBytes);
  if (maxBytes < BOOTP_BYTES) throw new RangeError(`maxBytes ${maxBytes} is below BOOTP's ${BOOTP_BYTES}`);

  const { entries, total } = collectEntries(message);
  if (Header.options + total + 1 <= maxBytes) return { bytes: encodeSimple(message, { entries, total, minBytes }), dropped: [] };

  const isDhcp = message.options.has(53); // a BOOTP client does not know option 52
  const plan = planAreas(entries, {
    main: maxBytes - Header.options,
    file: isDhcp && message.file === '' ? Header.cookie - Header.file : 0,
    sname: isDhcp && message.sname === '' ? Header.file - Header.sname : 0,
    keep: limits.keep ?? KEEP_ORDER,
  });
  const length = Math.max(minBytes, Header.options + plan.main.bytes + 1);
  const bytes = Buffer.alloc(length);
  writeHeader(bytes, message);
  writeArea(bytes, Header.options, plan.main);
  if (plan.file.entries.length > 0) writeArea(bytes, Header.file, plan.file);
  if (plan.sname.entries.length > 0) writeArea(bytes, Header.sname, plan.sname);
  return { bytes, dropped: plan.dropped };
}

function encodeSimple(message: DhcpMessage, simple: { entries: Entry[]; total: number; minBytes: number }): Uint8Array {
  const needed = message.cookie ? Header.options + simple.total + 1 : Header.cookie;
  const bytes = Buffer.alloc(Math.max(simple.minBytes, needed));
  writeHeader(bytes, message);
  if (message.cookie) writeArea(bytes, Header.options, { entries: simple.entries, bytes: simple.total });
  return bytes;
}

/** The options with option 82 moved last (RFC 3046 §2.1) and without 52, which is decided here alone. */
function collectEntries(message: DhcpMessage): { entries: Entry[]; total: number } {
  const entries: Entry[] = [];
  let total = 0;
  let relay: Entry | undefined;
  message.options.forEach((value, code) => {
    if (code === 52) return;
    const entry = { code, value, bytes: optionBytes(value.length) };
    total += entry.bytes;
    if (code === 82) relay = entry;
    else entries.push(entry);
  });
  if (relay !== undefined) entries.push(relay);
  if (total > 0 && !message.cookie) throw new RangeError('a BOOTP message without the cookie cannot carry options');
  return { entries, total };
}

/** Bytes of one option on the wire, with a code and a length for each piece of at most 255 (RFC 3396 §6). */
export function optionBytes(valueBytes: number): number {
  return valueBytes + 2 * Math.max(1, Math.ceil(valueBytes / 255));
}

function writeArea(bytes: Buffer, from: number, area: Area): void {
  let at = from;
  for (const { code, value } of area.entries) {
    let start = 0;
    do {
      const length = Math.min(255, value.length - start);
      bytes[at] = code;
      bytes[at + 1] = length;
      at += 2;
      for (let i = 0; i < length; i++) bytes[at + i] = value[start + i] ?? 0;
      at += length;
      start += 255;
    } while (start < value.length);
  }
  bytes[at] = 255;
}

function writeHeader(bytes: Buffer, m: DhcpMessage): void {
  if (m.chaddr.length > 16 || m.hlen > 16) throw new RangeError(`hardware address of ${m.chaddr.length} bytes, more than 16`);
  bytes[0] = m.op;
  bytes[1] = m.htype;
  bytes[2] = m.hlen;
  bytes[3] = m.hops;
  bytes.writeUInt32BE(m.xid, 4);
  bytes.writeUInt16BE(m.secs, 8);
  bytes.writeUInt16BE((m.flags & 0x7fff) | (m.broadcast ? 0x8000 : 0), 10);
  writeAddress(bytes, m.ciaddr, 12);
  writeAddress(bytes, m.yiaddr, 16);
  writeAddress(bytes, m.siaddr, 20);
  writeAddress(bytes, m.giaddr, 24);
  bytes.set(m.chaddr, Header.chaddr);
  writeField(bytes, m.sname, { at: Header.sname, size: Header.file - Header.sname, name: 'sname' });
  writeField(bytes, m.file, { at: Header.file, size: Header.cookie - Header.file, name: 'file' });
  if (m.cookie) bytes.writeUInt32BE(MAGIC_COOKIE, Header.cookie);
}

function writeAddress(bytes: Buffer, address: string, at: number): void {
  if (address === '0.0.0.0') return;
  const value = parseIpv4(address);
  if (value === undefined) throw new RangeError(`'${address}' is not an IPv4 address`);
  bytes.writeUInt32BE(value, at);
}

/** A text and at least one NUL (RFC 2131 §2 "null terminated string"). */
function writeField(bytes: Buffer, text: string, field: { at: number; size: number; name: string }): void {
  if (text === '') return;
  if (Buffer.byteLength(text) >= field.size) throw new RangeError(`${field.name} has more than ${field.size - 1} bytes; use option 66 or 67`);
  bytes.write(text, field.at, 'utf8');
}
