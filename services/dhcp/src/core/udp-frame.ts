/**
 * UDP over IPv4 in Ethernet frames (RFC 894, RFC 768), for what is sent and heard beside the kernel's own UDP. Checksums
 * are written but not checked: a packet that never left the host (veth, virtio) comes without a finished one.
 */
import { formatIpv4, formatMac, parseIpv4 } from '@ironbus/wire';
import { parseIpv4 as addressOf, parseMac, type Ipv4, type Mac } from '@ironbus/contracts';
import { checksum } from './checksum.ts';
import { ipv4Packet, readIpv4Packet } from './ipv4-packet.ts';

export type Broadcast = { sourceMac: Uint8Array; sourcePort: number; targetPort: number };
export type UdpFrame = { mac: Mac; source: Ipv4; sourcePort: number; targetPort: number; payload: Buffer };

const ethernetBytes = 14;
const udpBytes = 8;
const udp = 17;

/** From 0.0.0.0 to everybody on the wire: what a client without an address sends (RFC 2131 §4.1). */
export function broadcastFrame({ sourceMac, sourcePort, targetPort }: Broadcast, payload: Uint8Array): Buffer {
  const datagram = Buffer.alloc(udpBytes + payload.length);
  datagram.writeUInt16BE(sourcePort, 0);
  datagram.writeUInt16BE(targetPort, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  datagram.set(payload, udpBytes);
  datagram.writeUInt16BE(checksum(pseudoHeader(datagram.length), datagram) || 0xffff, 6);
  const packet = ipv4Packet({ source: '0.0.0.0', destination: '255.255.255.255', protocol: udp }, datagram);
  return Buffer.concat([Buffer.alloc(6, 0xff), sourceMac, Buffer.of(0x08, 0x00), packet]);
}

function pseudoHeader(length: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(parseIpv4('255.255.255.255') ?? 0, 4);
  bytes[9] = udp;
  bytes.writeUInt16BE(length, 10);
  return bytes;
}

/** Undefined for what is no UDP over IPv4 or is cut; never throws. */
export function readUdpFrame(frame: Buffer): UdpFrame | undefined {
  if (frame.length < ethernetBytes || frame.readUInt16BE(12) !== 0x0800) return undefined;
  const packet = readIpv4Packet(frame.subarray(ethernetBytes));
  const mac = parseMac(formatMac(frame.subarray(6, 12)));
  const source = addressOf(formatIpv4(packet?.source ?? 0));
  if (packet?.protocol !== udp || packet.payload.length < udpBytes || mac === undefined || source === undefined) return undefined;
  const datagram = packet.payload;
  const length = datagram.readUInt16BE(4);
  if (length < udpBytes || length > datagram.length) return undefined;
  return { mac, source, sourcePort: datagram.readUInt16BE(0), targetPort: datagram.readUInt16BE(2), payload: datagram.subarray(udpBytes, length) };
}
