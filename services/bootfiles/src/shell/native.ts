/**
 * sendfile(2): the kernel passes the page cache to the socket, so several machines at once cost one read of the disk and no copy here.
 * What the page cache has (preadv2(2) with RWF_NOWAIT says so) goes at once, which costs a tenth of a call on another thread; what a disk
 * has to be read for never keeps this thread waiting. And accept4(2), for accept-all.ts. Undefined where libc can not be called: callers
 * then read and write.
 */
import { openLibc, type LibcHelp } from '@ironbus/libc';
import type { Socket } from 'node:net';

/** A socket's own descriptor to send by; `close` when done. */
export type Sender = {
  /** Bytes the socket took: fewer than asked for when its buffer is full, none or less when it takes nothing now. */
  send(fd: number, offset: number, length: number): number | Promise<number>;
  close(): void;
};
export type Native = {
  open(socket: Socket): Sender | undefined;
  /** Reads what the page cache has; none or less where it has nothing. `into` must not come from Node's pool. */
  readCached(fd: number, offset: number, into: Buffer): number;
  /** The descriptor of the next connection that waits at a listening socket; negative where none does. */
  accept(fd: number): number;
};

type Sendfile = (out: number, from: number, offset: [bigint], length: number) => number;
type Calls = {
  sendfile: Sendfile & { async(...args: [...Parameters<Sendfile>, (error: Error | null, sent: number) => void]): void };
  preadv2(fd: number, iov: Buffer, count: number, offset: number, flags: number): number;
  dup(fd: number): number;
  close(fd: number): number;
  accept4(fd: number, address: null, length: null, flags: number): number;
};

const RWF_NOWAIT = 8;
/** SOCK_NONBLOCK and SOCK_CLOEXEC, the same on x64 and arm64. */
const acceptFlags = 0o2004000;
/** libuv has so many threads by default; each call under way on one also takes koffi most of a megabyte. */
const maxCalls = 4;

/** Runs at most so many at once, the others in the order they came. */
function inTurns(most: number): (call: () => Promise<number>) => Promise<number> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (call) => {
    if (running >= most) await new Promise<void>((resolve) => { waiting.push(resolve); });
    else running += 1;
    try {
      return await call();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function nativeOf(libc: Calls & LibcHelp): Native {
  const inTurn = inTurns(maxCalls);
  const iov = Buffer.allocUnsafeSlow(16);
  const one = Buffer.allocUnsafeSlow(1);
  const readCached = (fd: number, offset: number, into: Buffer): number => {
    iov.writeBigUInt64LE(BigInt(libc.addressOf(into)), 0);
    iov.writeBigUInt64LE(BigInt(into.length), 8);
    return libc.preadv2(fd, iov, 1, offset, RWF_NOWAIT);
  };
  const isCached = (fd: number, offset: number): boolean => readCached(fd, offset, one) === 1;
  /** A duplicate: on another thread the socket's own number may belong to another machine's connection by the time a call runs. */
  const open = (socket: Socket): Sender | undefined => {
    const own = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
    const out = own < 0 ? -1 : libc.dup(own);
    if (out < 0) return undefined;
    return {
      send: (fd, offset, length) => isCached(fd, offset) && isCached(fd, offset + length - 1)
        ? libc.sendfile(out, fd, [BigInt(offset)], length)
        : inTurn(() => new Promise((resolve, reject) => {
          libc.sendfile.async(out, fd, [BigInt(offset)], length, (error, sent) => { if (error === null) resolve(sent); else reject(error); });
        })),
      close: () => { libc.close(out); },
    };
  };
  return { open, readCached, accept: (fd) => libc.accept4(fd, null, null, acceptFlags) };
}

const opened = openLibc<Calls>({
  sendfile: 'int64_t sendfile64(int out, int in, _Inout_ int64_t *offset, uint64_t length)',
  preadv2: 'int64_t preadv2(int fd, const void *iov, int count, int64_t offset, int flags)',
  dup: 'int dup(int fd)', close: 'int close(int fd)', accept4: 'int accept4(int fd, void *address, void *length, int flags)',
});
export const native: Native | undefined = opened.ok ? nativeOf(opened.libc) : undefined;
/** Why `native` is not there. */
export const whyNoNative: string | undefined = opened.ok ? undefined : opened.why;
