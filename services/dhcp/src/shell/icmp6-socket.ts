/**
 * A raw ICMPv6 socket on one device that hears router solicitations and advertisements only. Node has none: libc makes
 * it, and it is put under the descriptor of an ordinary UDP socket before the event loop first looks at that. From then
 * on it is read without blocking by the loop itself: no thread waits and `close` is immediate.
 */
import { fromThisLink } from '../core/socket-filter.ts';
import { bindToDevice, type Native } from './native.ts';
import { attachFilter, checked, loopFlags, readInLoop, requireNative, unavailable } from './raw-socket.ts';

const AF_INET6 = 10;
const SOCK_RAW = 3;
const IPPROTO_IPV6 = 41;
const IPPROTO_ICMPV6 = 58;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const ICMP6_FILTER = 1;
const allRouters = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);

export type Icmp6Socket = { send(bytes: Uint8Array, address: string): void; close(): Promise<void> };
export type Icmp6Options = {
  device: string; index: number; onMessage: (bytes: Buffer, from: string) => void; onError: (error: Error) => void;
};

/** Throws PORT_UNAVAILABLE with what is missing: koffi, CAP_NET_RAW, or IPv6. */
export function openIcmp6Socket({ device, index, onMessage, onError }: Icmp6Options): Icmp6Socket {
  const native = requireNative();
  const raw = checked(native, native.socket(AF_INET6, SOCK_RAW | loopFlags, IPPROTO_ICMPV6), 'a raw ICMPv6 socket');
  try {
    configure(native, raw, { device, index });
    const socket = readInLoop(native, raw, 'udp6');
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
  attachFilter(native, raw, fromThisLink);
  // RFC 4861 §4.2: hop limit 255, or hosts drop the message.
  set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, int32(255));
  set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int32(255));
  set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, int32(0));
  set(IPPROTO_IPV6, IPV6_MULTICAST_IF, int32(index));
  set(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, Buffer.concat([allRouters, int32(index)]));
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
