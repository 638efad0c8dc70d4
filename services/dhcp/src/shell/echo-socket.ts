/** A raw ICMP socket that hears echo replies only (raw(7), ICMP_FILTER) and sends whole IPv4 packets. Needs CAP_NET_RAW and koffi. */
import { parseIpv4 } from '@ironbus/wire';
import { checked, loopFlags, readInLoop, requireNative, sendNow, type Sent } from './raw-socket.ts';

export type EchoSocket = { send(packet: Uint8Array, to: string): Sent; close(): Promise<void> };

const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_IP = 0;
const IPPROTO_ICMP = 1;
const IP_HDRINCL = 3;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
/** A set bit keeps that type out; bit 0 is the echo reply. */
const repliesOnly = 0xfffffffe;

/** Throws PORT_UNAVAILABLE with what is missing. */
export function openEchoSocket({ onPacket, onError }: { onPacket: (packet: Buffer) => void; onError: (error: Error) => void }): EchoSocket {
  const native = requireNative();
  const raw = checked(native, native.socket(AF_INET, SOCK_RAW | loopFlags, IPPROTO_ICMP), 'a raw ICMP socket');
  try {
    checked(native, native.setsockopt(raw, SOL_RAW, ICMP_FILTER, uint32(repliesOnly), 4), 'the ICMP filter');
    checked(native, native.setsockopt(raw, IPPROTO_IP, IP_HDRINCL, uint32(1), 4), 'an own IPv4 header');
    const socket = readInLoop(native, raw);
    socket.on('message', (packet) => onPacket(packet));
    socket.on('error', onError);
    return {
      send: (packet, to) => sendNow(native, raw, packet, socketAddress(to)),
      close: () => new Promise((resolve) => { socket.close(() => { native.close(raw); resolve(); }); }),
    };
  } catch (error) {
    native.close(raw);
    throw error;
  }
}

/** struct sockaddr_in without a port. */
function socketAddress(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt32BE(parseIpv4(address) ?? 0, 4);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
