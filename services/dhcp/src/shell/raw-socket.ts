/**
 * What sockets that Node has none of share: libc makes them, their descriptor is put under that of an ordinary UDP socket
 * before the event loop first looks at that, and the loop reads them from then on without blocking (docs/adr/0003).
 */
import { createSocket, type Socket } from 'node:dgram';
import { IronbusError } from '@ironbus/contracts';
import { openNative, type Native } from './native.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
/** SOCK_NONBLOCK | SOCK_CLOEXEC, to be added to a socket's type. */
export const loopFlags = 0o2004000;
/** MSG_DONTWAIT | MSG_NOSIGNAL. */
const sendFlags = 0x4040;

const remedies: Readonly<Record<string, string>> = {
  EPERM: 'give the process CAP_NET_RAW', EAFNOSUPPORT: 'the kernel has no such sockets', ENODEV: 'there is no such device',
};

export type Sent = { ok: true } | { ok: false; why: string };

/** Throws PORT_UNAVAILABLE where koffi or libc can not be used. */
export function requireNative(): Native {
  const loaded = openNative();
  if (!loaded.ok) throw unavailable(loaded.why);
  return loaded.libc;
}

/** The result of a libc call; throws PORT_UNAVAILABLE with what to do about it where that failed. */
export function checked(native: Native, result: number, what: string): number {
  if (result >= 0) return result;
  const code = native.errorName(native.errno());
  const remedy = remedies[code];
  throw unavailable(`${what} can not be had (${code})${remedy === undefined ? '' : `: ${remedy}`}`);
}

/** SO_ATTACH_FILTER: the kernel keeps a copy of the program, in place of the one before. */
export function attachFilter(native: Native, fd: number, program: Uint8Array): void {
  const head = Buffer.alloc(16);
  head.writeUInt16LE(program.length / 8, 0);
  head.writeBigUInt64LE(BigInt(native.addressOf(program)), 8);
  checked(native, native.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, head, head.length), 'a socket filter');
}

/** False where the process may not go beyond net.core.rmem_max (CAP_NET_ADMIN). */
export function forceReceiveBuffer(native: Native, fd: number, bytes: number): boolean {
  const value = Buffer.alloc(4);
  value.writeInt32LE(bytes);
  return native.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value, value.length) === 0;
}

/**
 * A dgram socket that reads what `raw` hears; its `rinfo` is empty for other families than IP. `bind({ fd })` registers the
 * descriptor with the loop at its next turn: until then what is behind it can be exchanged.
 */
export function readInLoop(native: Native, raw: number, type: 'udp4' | 'udp6' = 'udp4'): Socket {
  const stand = checked(native, native.socket(type === 'udp4' ? AF_INET : AF_INET6, SOCK_DGRAM | loopFlags, 0), `a ${type} socket`);
  const socket = createSocket(type);
  socket.bind({ fd: stand, exclusive: true });
  checked(native, native.dup2(raw, stand), 'the exchange of descriptors');
  return socket;
}

/** Sends at once or not at all. */
export function sendNow(native: Native, fd: number, bytes: Uint8Array, address: Uint8Array | null = null): Sent {
  if (native.sendto(fd, bytes, bytes.length, sendFlags, address, address?.length ?? 0) >= 0) return { ok: true };
  return { ok: false, why: native.errorName(native.errno()) };
}

export const unavailable = (why: string): IronbusError => new IronbusError('PORT_UNAVAILABLE', why);
