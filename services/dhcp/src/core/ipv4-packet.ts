/** The 20 bytes in front of an IPv4 payload (RFC 791 §3.1), without options and not to be fragmented. */
import { parseIpv4 } from '@ironbus/wire';
import { checksum } from './checksum.ts';

export type Ipv4Header = { source: string; destination: string; protocol: number };

const headerBytes = 20;
const hops = 64;

export function ipv4Packet({ source, destination, protocol }: Ipv4Header, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(headerBytes + payload.length);
  bytes[0] = 0x45;
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt16BE(0x4000, 6);
  bytes[8] = hops;
  bytes[9] = protocol;
  bytes.writeUInt32BE(parseIpv4(source) ?? 0, 12);
  bytes.writeUInt32BE(parseIpv4(destination) ?? 0, 16);
  bytes.writeUInt16BE(checksum(bytes.subarray(0, headerBytes)), 10);
  bytes.set(payload, headerBytes);
  return bytes;
}

/** Header and payload as far as the header says; undefined for what is no IPv4 or is cut. */
export function readIpv4Packet(bytes: Buffer): { protocol: number; source: number; destination: number; payload: Buffer } | undefined {
  if (bytes.length < headerBytes || (bytes[0] ?? 0) >> 4 !== 4) return undefined;
  const start = ((bytes[0] ?? 0) & 15) * 4;
  const end = bytes.readUInt16BE(2);
  if (start < headerBytes || end < start || end > bytes.length) return undefined;
  return { protocol: bytes[9] ?? 0, source: bytes.readUInt32BE(12), destination: bytes.readUInt32BE(16), payload: bytes.subarray(start, end) };
}
