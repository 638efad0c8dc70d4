/**
 * libc's calls that Node has no API for, through koffi. koffi is an optional dependency, and the C library is glibc: `openLibc` says in
 * words what is missing, and its callers say what is lost.
 */
import { createRequire } from 'node:module';

export type LibcResult<Calls> = { ok: true; libc: Calls & LibcHelp } | { ok: false; why: string };
export type LibcHelp = {
  /** Of the last call of this thread. */
  errno(): number;
  /** `EPERM` and the like. */
  errorName(errno: number): string;
  /** Of bytes that do not move: those of a Buffer of its own (never from Node's pool) or of shared memory. Below 2^48. */
  addressOf(bytes: Uint8Array): number;
};

/**
 * The calls by their C prototypes, e.g. `int close(int fd)`. Only types that koffi 3 knows: it has no ssize_t (int64_t is the same).
 * What a prototype makes of each argument is the caller's to know: `Calls` is believed. Never throws.
 */
export function openLibc<Calls extends object>(prototypes: Readonly<Record<keyof Calls, string>>): LibcResult<Calls> {
  if (process.platform !== 'linux') return { ok: false, why: `libc is called on Linux only, this is ${process.platform}` };
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const library = koffi.load('libc.so.6');
    const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
    const calls = Object.fromEntries(Object.entries<string>(prototypes).map(([name, prototype]) => [name, library.func(prototype)])) as Calls;
    const help: LibcHelp = { errno: () => koffi.errno(), errorName: (errno) => names.get(errno) ?? `errno ${errno}`, addressOf: (bytes) => Number(koffi.address(bytes)) };
    return { ok: true, libc: { ...calls, ...help } };
  } catch (error) {
    return { ok: false, why: `koffi is not usable (${error instanceof Error ? error.message : String(error)}); install it with the optional dependencies` };
  }
}
