/**
 * sendfile(2) through koffi, an optional dependency: the kernel passes the page cache to the socket, so several machines at once cost one
 * read of the disk and no copy here. Undefined where it can not be had; callers then read and write.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

/** Bytes the socket took: fewer than asked for when its buffer is full, none or less when it takes nothing now. */
export type SendFile = (fd: number, offset: number, length: number) => Promise<number>;
/** A socket's own descriptor to send by; `close` when done. */
export type Sender = { send: SendFile; close(): void };
export type OpenSender = (socket: Socket) => Sender | undefined;

type Libc = { sendfile(out: number, from: number, offset: [bigint], length: number, done: (error: Error | null, sent: number) => void): void; dup(fd: number): number; close(fd: number): number };

/** libuv has so many threads by default; each call under way also takes koffi most of a megabyte. */
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
const inTurn = inTurns(maxCalls);

/**
 * The descriptor is a duplicate: calls run on other threads, and the socket's own number may belong to another machine's connection by the
 * time they do.
 */
function openSender(libc: Libc, socket: Socket): Sender | undefined {
  const own = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
  const out = own < 0 ? -1 : libc.dup(own);
  if (out < 0) return undefined;
  return {
    send: (fd, offset, length) => inTurn(() => new Promise((resolve, reject) => {
      libc.sendfile(out, fd, [BigInt(offset)], length, (error, sent) => { if (error === null) resolve(sent); else reject(error); });
    })),
    close: () => { libc.close(out); },
  };
}

/** Loads koffi and libc once. */
export const senderOf: OpenSender | undefined = (() => {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const libc = koffi.load('libc.so.6');
    const sendfile = libc.func('ssize_t sendfile64(int out, int in, _Inout_ int64_t *offset, size_t length)');
    const functions = { sendfile: sendfile.async, dup: libc.func('int dup(int fd)'), close: libc.func('int close(int fd)') } as unknown as Libc;
    return (socket: Socket) => openSender(functions, socket);
  } catch {
    return undefined;
  }
})();
