/**
 * The few libc calls that Node has no API for, through koffi: binding a socket to a device, raw ICMP and packet sockets.
 * koffi is an optional dependency: `openNative` says in words what is lost without it.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:dgram';

type SetSockOpt = (fd: number, level: number, name: number, value: Uint8Array | string, length: number) => number;
export type Native = {
  setsockopt: SetSockOpt;
  socket(domain: number, type: number, protocol: number): number;
  dup2(from: number, to: number): number;
  close(fd: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  /** Writes the address into `address` and its length into `length`, a uint32 that says how much room there is. */
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  /** `address` null where the socket knows it. */
  sendto(fd: number, bytes: Uint8Array, length: number, flags: number, address: Uint8Array | null, addressLength: number): number;
  errno(): number;
  /** `EPERM` and the like. */
  errorName(errno: number): string;
  /** For `setsockopt` values that hold a pointer. */
  addressOf(bytes: Uint8Array): bigint;
};
export type NativeResult = { ok: true; native: Native } | { ok: false; why: string };

const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;

let opened: NativeResult | undefined;

/** Loads koffi and libc once. Never throws. */
export function openNative(): NativeResult {
  opened ??= load();
  return opened;
}

function load(): NativeResult {
  if (process.platform !== 'linux') return { ok: false, why: `sockets can be bound to a device on Linux only, this is ${process.platform}` };
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const libc = koffi.load('libc.so.6');
    const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
    return {
      ok: true,
      native: {
        setsockopt: libc.func('int setsockopt(int, int, int, const void *, uint32_t)') as unknown as SetSockOpt,
        socket: libc.func('int socket(int, int, int)') as unknown as Native['socket'],
        dup2: libc.func('int dup2(int, int)') as unknown as Native['dup2'],
        close: libc.func('int close(int)') as unknown as Native['close'],
        bind: libc.func('int bind(int, const void *, uint32_t)') as unknown as Native['bind'],
        getsockname: libc.func('int getsockname(int, void *, void *)') as unknown as Native['getsockname'],
        sendto: libc.func('int64_t sendto(int, const void *, uint64_t, int, const void *, uint32_t)') as unknown as Native['sendto'],
        errno: () => koffi.errno(),
        errorName: (errno) => names.get(errno) ?? `errno ${errno}`,
        addressOf: (bytes) => koffi.address(bytes) as bigint,
      },
    };
  } catch (error) {
    return { ok: false, why: `koffi is not usable (${error instanceof Error ? error.message : String(error)}); install it with the optional dependencies` };
  }
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
