/**
 * Reads UDP datagrams over IPv4 out of a capture: classic pcap (both byte orders, micro- and nanoseconds) and pcapng
 * (Section Header, Interface Description, Enhanced and Simple Packet Blocks; draft-ietf-opsawg-pcapng). Whole files in
 * memory, for explaining packets and cutting goldens. Not a reassembler: of a fragmented datagram nothing is returned.
 */
import { asBuffer } from './text.ts';
import { formatIpv4 } from './net.ts';

/** `timeMs` is milliseconds since 1970, 0 when the file has none. */
export type Datagram = { timeMs: number; source: string; sourcePort: number; target: string; targetPort: number; payload: Uint8Array };
export type Capture = { ok: true; datagrams: Datagram[] } | { ok: false; at: number; why: 'not-a-capture' | 'cut' };

type Frame = { timeMs: number; linkType: number; bytes: Buffer };
type Read = { u16(at: number): number; u32(at: number): number };

const PCAP_MAGICS: ReadonlyMap<number, { little: boolean; perMs: number }> = new Map([
  [0xa1b2c3d4, { little: false, perMs: 1e3 }], [0xd4c3b2a1, { little: true, perMs: 1e3 }],
  [0xa1b23c4d, { little: false, perMs: 1e6 }], [0x4d3cb2a1, { little: true, perMs: 1e6 }],
]);
const PCAPNG_MAGIC = 0x0a0d0d0a;

/** Datagrams in file order. A file cut in its last packet gives what is whole; a file cut before its header ends is 'cut'. */
export function readCapture(bytes: Uint8Array): Capture {
  const b = asBuffer(bytes);
  if (b.length < 24) return { ok: false, at: b.length, why: 'cut' };
  const magic = b.readUInt32BE(0);
  const classic = PCAP_MAGICS.get(magic);
  if (classic === undefined && magic !== PCAPNG_MAGIC) return { ok: false, at: 0, why: 'not-a-capture' };
  const frames = classic === undefined ? pcapngFrames(b) : pcapFrames(b, classic);
  return { ok: true, datagrams: frames.map(udpOf).filter((datagram) => datagram !== undefined) };
}

function reader(b: Buffer, little: boolean): Read {
  return little
    ? { u16: (at) => b.readUInt16LE(at), u32: (at) => b.readUInt32LE(at) }
    : { u16: (at) => b.readUInt16BE(at), u32: (at) => b.readUInt32BE(at) };
}

function pcapFrames(b: Buffer, { little, perMs }: { little: boolean; perMs: number }): Frame[] {
  const { u32 } = reader(b, little);
  const linkType = u32(20) & 0xffff;
  const frames: Frame[] = [];
  let at = 24;
  while (at + 16 <= b.length) {
    const length = u32(at + 8);
    const end = at + 16 + length;
    if (end > b.length) break;
    frames.push({ timeMs: u32(at) * 1000 + Math.floor(u32(at + 4) / perMs), linkType, bytes: b.subarray(at + 16, end) });
    at = end;
  }
  return frames;
}

function pcapngFrames(b: Buffer): Frame[] {
  const frames: Frame[] = [];
  let little = true;
  let interfaces: Array<{ linkType: number; ticksPerMs: number }> = [];
  let at = 0;
  while (at + 12 <= b.length) {
    if (b.readUInt32BE(at) === PCAPNG_MAGIC) {
      little = b.readUInt32LE(at + 8) === 0x1a2b3c4d;
      interfaces = [];
    }
    const read = reader(b, little);
    const length = read.u32(at + 4);
    if (length < 12 || at + length > b.length) break;
    const type = read.u32(at);
    if (type === 1 && length >= 20) interfaces.push({ linkType: read.u16(at + 8), ticksPerMs: ticksPerMs(b, read, { at: at + 16, end: at + length - 4 }) });
    if (type === 3 && length >= 16) pushSimple(frames, b.subarray(at + 12, at + length - 4), interfaces[0]?.linkType);
    if (type === 6 && length >= 32) pushEnhanced(frames, { b, read, at, length, interfaces });
    at += length;
  }
  return frames;
}

function pushSimple(frames: Frame[], bytes: Buffer, linkType: number | undefined): void {
  if (linkType !== undefined) frames.push({ timeMs: 0, linkType, bytes });
}

type Block = { b: Buffer; read: Read; at: number; length: number; interfaces: ReadonlyArray<{ linkType: number; ticksPerMs: number }> };

function pushEnhanced(frames: Frame[], { b, read, at, length, interfaces }: Block): void {
  const from = interfaces[read.u32(at + 8)];
  const captured = read.u32(at + 20);
  if (from === undefined || captured > length - 32) return;
  const ticks = read.u32(at + 12) * 2 ** 32 + read.u32(at + 16);
  frames.push({ timeMs: Math.floor(ticks / from.ticksPerMs), linkType: from.linkType, bytes: b.subarray(at + 28, at + 28 + captured) });
}

/** Interface option 9, if_tsresol: a power of ten, or of two when the high bit is set; microseconds when missing. */
function ticksPerMs(b: Buffer, read: Read, options: { at: number; end: number }): number {
  let at = options.at;
  while (at + 4 <= options.end) {
    const code = read.u16(at);
    const length = read.u16(at + 2);
    if (code === 0) break;
    const value = b[at + 4] ?? 0;
    if (code === 9 && length === 1) return (value & 0x80 ? 2 ** (value & 0x7f) : 10 ** value) / 1000;
    at += 4 + ((length + 3) & ~3);
  }
  return 1000;
}

/** Offset of the IPv4 header by link type: Ethernet with VLAN tags, raw IP, Linux cooked v1 and v2, BSD loopback. */
function ipv4Start({ linkType, bytes }: Frame): number | undefined {
  if (linkType === 1) {
    let at = 12;
    while (at + 4 <= bytes.length && [0x8100, 0x88a8].includes(bytes.readUInt16BE(at))) at += 4;
    return at + 2 <= bytes.length && bytes.readUInt16BE(at) === 0x0800 ? at + 2 : undefined;
  }
  const offset = new Map([[12, 0], [101, 0], [228, 0], [113, 16], [276, 20], [0, 4]]).get(linkType);
  return offset !== undefined && (bytes[offset] ?? 0) >> 4 === 4 ? offset : undefined;
}

function udpOf(frame: Frame): Datagram | undefined {
  const start = ipv4Start(frame);
  if (start === undefined) return undefined;
  const ip = frame.bytes.subarray(start);
  const headerBytes = ((ip[0] ?? 0) & 15) * 4;
  if (headerBytes < 20 || ip.length < headerBytes + 8 || ip[9] !== 17) return undefined;
  if ((ip.readUInt16BE(6) & 0x3fff) !== 0) return undefined;
  const udp = ip.subarray(headerBytes);
  const length = udp.readUInt16BE(4);
  if (length < 8 || length > udp.length) return undefined;
  return {
    timeMs: frame.timeMs,
    source: formatIpv4(ip.readUInt32BE(12)), sourcePort: udp.readUInt16BE(0),
    target: formatIpv4(ip.readUInt32BE(16)), targetPort: udp.readUInt16BE(2),
    payload: udp.subarray(8, length),
  };
}
