/**
 * A raw ICMPv6 socket on one device that hears router solicitations and advertisements only. Node has none: libc makes
 * it, and it is put under the descriptor of an ordinary UDP socket before the event loop first looks at that. From then
 * on it is read without blocking by the loop itself: no thread waits and `close` is immediate.
 */
import { createSocket, type Socket } from 'node:dgram';
import { IronbusError } from '@ironbus/contracts';
import { bindToDevice, openNative, type Native } from './native.ts';

const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const flags = 0o2004000; // SOCK_NONBLOCK | SOCK_CLOEXEC
const IPPROTO_IPV6 = 41;
const IPPROTO_ICMPV6 = 58;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const ICMP6_FILTER = 1;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const allRouters = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);

export type Icmp6Socket = { send(bytes: Uint8Array, address: string): void; close(): Promise<void> };
export type Icmp6Options = {
  device: string; index: number; onMessage: (bytes: Buffer, from: string) => void; onError: (error: Error) => void;
};

/** Throws PORT_UNAVAILABLE with what is missing: koffi, CAP_NET_RAW, or IPv6. */
export function openIcmp6Socket({ device, index, onMessage, onError }: Icmp6Options): Icmp6Socket {
  const loaded = openNative();
  if (!loaded.ok) throw unavailable(loaded.why);
  const native = loaded.native;
  const raw = checked(native, native.socket(AF_INET6, SOCK_RAW | flags, IPPROTO_ICMPV6), 'a raw ICMPv6 socket');
  try {
    configure(native, raw, { device, index });
    const socket = adopt(native, raw);
    socket.on('message', (bytes, from) => onMessage(bytes, from.address));
    socket.on('error', onError);
    return {
      // A raw IPv6 socket wants its protocol where UDP has the port (raw(7), rawv6_sendmsg).
      send: (bytes, address) => socket.send(bytes, IPPROTO_ICMPV6, `${address.split('%')[0]}%${device}`, (error) => { if (error !== null) onError(error); }),
      close: () => new Promise((resolve) => { socket.close(() => resolve()); }),
    };
  } finally {
    native.close(raw);
  }
}

function configure(native: Native, raw: number, { device, index }: { device: string; index: number }): void {
  const bound = bindToDevice(native, raw, device);
  if (!bound.ok) throw unavailable(bound.why);
  const set = (level: number, name: number, value: Uint8Array): void => { checked(native, native.setsockopt(raw, level, name, value, value.length), `option ${level}/${name}`); };
  set(IPPROTO_ICMPV6, ICMP6_FILTER, passOnly([133, 134]));
  attachHopLimitFilter(native, raw);
  // RFC 4861 §4.2: hop limit 255, or hosts drop the message.
  set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, int32(255));
  set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int32(255));
  set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, int32(0));
  set(IPPROTO_IPV6, IPV6_MULTICAST_IF, int32(index));
  set(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, Buffer.concat([allRouters, int32(index)]));
}

/** Only what was sent on this very link arrives with hop limit 255 (RFC 4861 §6.1): the kernel drops the rest. */
function attachHopLimitFilter(native: Native, raw: number): void {
  const networkHeader = 0xfff00000; // SKF_NET_OFF
  const instruction = (code: number, jumpTrue: number, jumpFalse: number, k: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(code, 0);
    bytes[2] = jumpTrue;
    bytes[3] = jumpFalse;
    bytes.writeUInt32LE(k, 4);
    return bytes;
  };
  const program = Buffer.concat([
    instruction(0x30, 0, 0, networkHeader + 7), // load the hop limit
    instruction(0x15, 0, 1, 255), // 255?
    instruction(0x06, 0, 0, 0xffffffff), // take it
    instruction(0x06, 0, 0, 0), // drop it
  ]);
  const head = Buffer.alloc(16);
  head.writeUInt16LE(program.length / 8, 0);
  head.writeBigUInt64LE(native.addressOf(program), 8);
  checked(native, native.setsockopt(raw, SOL_SOCKET, SO_ATTACH_FILTER, head, head.length), 'the hop limit filter');
}

/** `bind({ fd })` registers the descriptor with the loop at its next turn: until then what is behind it can be exchanged. */
function adopt(native: Native, raw: number): Socket {
  const stand = checked(native, native.socket(AF_INET6, SOCK_DGRAM | flags, 0), 'an IPv6 socket');
  const socket = createSocket('udp6');
  socket.bind({ fd: stand, exclusive: true });
  checked(native, native.dup2(raw, stand), 'the exchange of descriptors');
  return socket;
}

/** A filter that blocks every ICMPv6 type but these: a set bit blocks (RFC 3542 §3.2). */
function passOnly(types: readonly number[]): Uint8Array {
  const filter = new Uint32Array(8).fill(0xffffffff);
  for (const type of types) filter[type >> 5] = (filter[type >> 5] ?? 0) & ~(1 << (type & 31));
  return new Uint8Array(filter.buffer);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function checked(native: Native, result: number, what: string): number {
  if (result >= 0) return result;
  const code = native.errorName(native.errno());
  const remedy = code === 'EPERM' ? ': give the process CAP_NET_RAW' : code === 'EAFNOSUPPORT' ? ': the kernel has no IPv6' : '';
  throw unavailable(`${what} can not be had (${code})${remedy}`);
}

const unavailable = (why: string): IronbusError => new IronbusError('PORT_UNAVAILABLE', `router solicitations can not be answered: ${why}`);
