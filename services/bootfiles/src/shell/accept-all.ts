/**
 * Takes more of the connections that wait than one. libuv accepts one in each turn of the loop (libuv/libuv#3696; Node 24.21 has 1.52), so a process takes
 * the fewer the busier it is: fifty a second with turns of 20 ms, where a rack of machines needs a thousand. Once Node has taken one, the
 * others that wait are taken here and given to the server, which its event `connection` is documented for. Without koffi it stays at one.
 */
import type { Server } from 'node:http';
import { Socket } from 'node:net';
import { native } from './native.ts';

/**
 * More than this waits for the next turn. libuv reads 32 datagrams of a socket in each: a boot has six connections and six packets of DHCP, and where more
 * connections are let in than DHCP keeps up with, machines ask for their lease again and again (5,000 on a busy host, 64 at a time: 80,000 times).
 */
const mostInTurn = 8;

/** For a server that listens. */
export function acceptAll(server: Server): void {
  if (native === undefined) return;
  const { accept } = native;
  let isGiving = false;
  server.on('connection', () => {
    if (isGiving) return;
    isGiving = true;
    try {
      for (let taken = 0; taken < mostInTurn; taken += 1) {
        const fd = accept(descriptorOf(server));
        if (fd < 0) return;
        server.emit('connection', socketOf(fd));
      }
    } finally {
      isGiving = false;
    }
  });
}

/** -1, at which accept4(2) has nothing, once the server is closed. */
const descriptorOf = (server: Server): number => (server as unknown as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;

/** As http.Server has its own: it may be half closed (RFC 9112 §9.6), and small answers do not wait (Nagle). */
const socketOf = (fd: number): Socket => new Socket({ fd, readable: true, writable: true, allowHalfOpen: true }).setNoDelay(true);
