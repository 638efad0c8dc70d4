/** ICMP echo (RFC 792): whether an address that only routers reach answers. */
import { parseIpv4 as addressOf, type Ipv4 } from '@ironbus/contracts';
import { formatIpv4 } from '@ironbus/wire';
import { checksum } from './checksum.ts';
import { ipv4Packet, readIpv4Packet } from './ipv4-packet.ts';

/** `cookie` comes back as it is: with it a reply to somebody else's question is told apart. */
export type Echo = { from: Ipv4; to: Ipv4; id: number; sequence: number; cookie: Uint8Array };

const icmp = 1;
const request = 8;
const reply = 0;
const headBytes = 8;

/** The whole IPv4 packet. */
export function echoRequest({ from, to, id, sequence, cookie }: Echo): Buffer {
  const message = Buffer.alloc(headBytes + cookie.length);
  message[0] = request;
  message.writeUInt16BE(id, 4);
  message.writeUInt16BE(sequence, 6);
  message.set(cookie, headBytes);
  message.writeUInt16BE(checksum(message), 2);
  return ipv4Packet({ source: from, destination: to, protocol: icmp }, message);
}

/** Who answered the request of this id and cookie; undefined for any other packet. Never throws. */
export function echoAnswerer(packet: Buffer, asked: { id: number; cookie: Uint8Array }): Ipv4 | undefined {
  const read = readIpv4Packet(packet);
  if (read === undefined || read.protocol !== icmp || read.payload.length < headBytes || read.payload[0] !== reply) return undefined;
  const mine = read.payload.readUInt16BE(4) === asked.id && read.payload.subarray(headBytes, headBytes + asked.cookie.length).equals(asked.cookie);
  return mine ? addressOf(formatIpv4(read.source)) : undefined;
}
