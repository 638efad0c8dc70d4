/**
 * The libc calls that move many datagrams at once. Node's own sockets cost some 10 µs for each packet (docs/adr/0017-tftp-io.md).
 * The structures are Linux' on 64 bits: `openNative` says in words why it can not be had.
 */
import { openLibc, type LibcHelp, type LibcResult } from '@ironbus/libc';
import { endianness } from 'node:os';

/** Addresses of memory are numbers: user space ends below 2^47 (2^48 on arm64). */
type Calls = {
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
};
export type Native = Calls & LibcHelp;

let opened: LibcResult<Calls> | undefined;

/** Loads libc once for each thread. Never throws. */
export function openNative(): LibcResult<Calls> {
  opened ??= load();
  return opened;
}

function load(): LibcResult<Calls> {
  if (!['x64', 'arm64'].includes(process.arch) || endianness() !== 'LE') return { ok: false, why: `made for x64 and arm64, this is ${process.arch}` };
  return openLibc<Calls>({
    socket: 'int socket(int, int, int)', bind: 'int bind(int, uintptr_t, uint32_t)', connect: 'int connect(int, uintptr_t, uint32_t)',
    setsockopt: 'int setsockopt(int, int, int, uintptr_t, uint32_t)', getsockname: 'int getsockname(int, uintptr_t, uintptr_t)', close: 'int close(int)',
    eventfd: 'int eventfd(uint32_t, int)', read: 'int64_t read(int, uintptr_t, uint64_t)', write: 'int64_t write(int, uintptr_t, uint64_t)',
    poll: 'int poll(uintptr_t, uint64_t, int)', recvmmsg: 'int recvmmsg(int, uintptr_t, uint32_t, int, uintptr_t)', sendmmsg: 'int sendmmsg(int, uintptr_t, uint32_t, int)',
  });
}
