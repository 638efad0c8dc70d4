/**
 * The few libc calls that Node has no API for: binding a socket to a device, raw ICMP and packet sockets. `openNative` says in words
 * why they can not be had.
 */
import { openLibc, type LibcHelp, type LibcResult } from '@ironbus/libc';
import type { Socket } from 'node:dgram';

type Calls = {
  setsockopt(fd: number, level: number, name: number, value: Uint8Array | string, length: number): number;
  socket(domain: number, type: number, protocol: number): number;
  dup2(from: number, to: number): number;
  close(fd: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  /** Writes the address into `address` and its length into `length`, a uint32 that says how much room there is. */
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  /** `address` null where the socket knows it. */
  sendto(fd: number, bytes: Uint8Array, length: number, flags: number, address: Uint8Array | null, addressLength: number): number;
};
export type Native = Calls & LibcHelp;

const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;

let opened: LibcResult<Calls> | undefined;

/** Loads libc once. Never throws. */
export function openNative(): LibcResult<Calls> {
  opened ??= openLibc<Calls>({
    setsockopt: 'int setsockopt(int, int, int, const void *, uint32_t)', socket: 'int socket(int, int, int)', dup2: 'int dup2(int, int)', close: 'int close(int)',
    bind: 'int bind(int, const void *, uint32_t)', getsockname: 'int getsockname(int, void *, void *)',
    sendto: 'int64_t sendto(int, const void *, uint64_t, int, const void *, uint32_t)',
  });
  return opened;
}

export type BindResult = { ok: true } | { ok: false; why: string };

/** SO_BINDTODEVICE on a bound socket: it then hears and speaks on that device alone. Needs CAP_NET_RAW on older kernels. */
export function bindToDevice(native: Native, fd: number, device: string): BindResult {
  const name = Buffer.from(`${device}\0`);
  if (native.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) === 0) return { ok: true };
  const code = native.errorName(native.errno());
  const remedy = code === 'EPERM' ? ': give the process CAP_NET_RAW' : code === 'ENODEV' ? ': there is no such device' : '';
  return { ok: false, why: `the socket can not be bound to ${device} (${code})${remedy}` };
}

/**
 * The file descriptor of a dgram socket. Node has no public name for it (`_handle` is deprecated, DEP0112), so it is
 * looked up under the socket's state symbol; undefined where a later Node hides it elsewhere.
 */
export function descriptorOf(socket: Socket): number | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find((candidate) => candidate.description === 'state symbol');
  const state = symbol === undefined ? undefined : (socket as unknown as Record<symbol, { handle?: { fd?: unknown } }>)[symbol];
  const fd = state?.handle?.fd;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
