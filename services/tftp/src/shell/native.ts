/**
 * The libc calls that move many datagrams at once, through koffi. Node's own sockets cost some 10 µs for each packet (docs/adr/0017-tftp-io.md).
 * koffi is an optional dependency and the structures are Linux' on 64 bits: `openNative` says in words why it can not be had.
 */
import { createRequire } from 'node:module';
import { endianness } from 'node:os';

/** Addresses of memory are numbers: user space ends below 2^47 (2^48 on arm64). */
export type Native = {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  connect(fd: number, address: number, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  getsockname(fd: number, address: number, length: number): number;
  close(fd: number): number;
  eventfd(count: number, flags: number): number;
  read(fd: number, into: number, length: number): number;
  write(fd: number, from: number, length: number): number;
  poll(fds: number, count: number, timeoutMs: number): number;
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  errno(): number;
  /** `EPERM` and the like. */
  errorName(errno: number): string;
  /** Of bytes that do not move: those of a Buffer of its own or of shared memory. */
  addressOf(bytes: Uint8Array): number;
};
export type NativeResult = { ok: true; native: Native } | { ok: false; why: string };

let opened: NativeResult | undefined;

/** Loads koffi and libc once for each thread. Never throws. */
export function openNative(): NativeResult {
  opened ??= load();
  return opened;
}

const signatures: Readonly<Record<keyof Omit<Native, 'errno' | 'errorName' | 'addressOf'>, string>> = {
  socket: 'int socket(int, int, int)', bind: 'int bind(int, uintptr_t, uint32_t)', connect: 'int connect(int, uintptr_t, uint32_t)',
  setsockopt: 'int setsockopt(int, int, int, uintptr_t, uint32_t)', getsockname: 'int getsockname(int, uintptr_t, uintptr_t)', close: 'int close(int)',
  eventfd: 'int eventfd(uint32_t, int)', read: 'int64_t read(int, uintptr_t, uint64_t)', write: 'int64_t write(int, uintptr_t, uint64_t)',
  poll: 'int poll(uintptr_t, uint64_t, int)', recvmmsg: 'int recvmmsg(int, uintptr_t, uint32_t, int, uintptr_t)', sendmmsg: 'int sendmmsg(int, uintptr_t, uint32_t, int)',
};

function load(): NativeResult {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch) || endianness() !== 'LE') return { ok: false, why: `made for Linux on x64 and arm64, this is ${process.platform} on ${process.arch}` };
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const libc = koffi.load('libc.so.6');
    const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
    const calls = Object.fromEntries(Object.entries(signatures).map(([name, signature]) => [name, libc.func(signature)])) as unknown as Omit<Native, 'errno' | 'errorName' | 'addressOf'>;
    return { ok: true, native: { ...calls, errno: () => koffi.errno(), errorName: (errno) => names.get(errno) ?? `errno ${errno}`, addressOf: (bytes) => Number(koffi.address(bytes)) } };
  } catch (error) {
    return { ok: false, why: `koffi is not usable (${error instanceof Error ? error.message : String(error)}); install it with the optional dependencies` };
  }
}
