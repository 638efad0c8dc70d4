/**
 * What a transfer sends and hears by. Either a socket of its own, whose port is our transfer id (RFC 1350 §4), or the one socket
 * requests are heard on, where the client's address and port alone tell transfers apart: for NAT and container networks, which
 * would drop replies from a port nobody asked.
 */
import { createSocket, type Socket } from 'node:dgram';
import { encodeError, TftpError } from '@ironbus/wire';

export type Peer = { address: string; port: number };
/** Nothing is called before `open` has returned. */
export type Heard = { ready(): void; packet(bytes: Buffer): void; failed(why: string): void };
export type Port = { send(bytes: Uint8Array): void; close(): void };
export type OpenPort = (peer: Peer, heard: Heard) => Port;

const stranger = encodeError(TftpError.unknownTransferId, 'this transfer belongs to another client');
export const idOf = ({ address, port }: Peer): string => `${address}:${port}`;
/** Peers and our own host are addresses already; Node's resolver would cost a turn of the event loop for each packet. */
export const asIs = (address: string, _options: unknown, callback: (error: null, address: string, family: number) => void): void => callback(null, address, 4);

/** A port of its own for each transfer; a stranger on it gets error 5. */
export const ownPort = (host: string): OpenPort => (peer, heard) => {
  const socket = createSocket({ type: 'udp4', lookup: asIs });
  socket.on('message', (bytes, from) => {
    if (from.port === peer.port && from.address === peer.address) heard.packet(bytes);
    else if (from.port !== 0) socket.send(stranger, from.port, from.address); // Node throws where port 0 is sent to
  });
  let closed = false;
  const later = (call: () => void): void => queueMicrotask(() => { if (!closed) call(); }); // with a lookup that answers at once, binding does too
  socket.on('error', (error) => later(() => heard.failed(error.message)));
  socket.bind(0, host, () => later(heard.ready));
  return {
    send: (bytes) => socket.send(bytes, peer.port, peer.address),
    close: () => { closed = true; socket.close(); },
  };
};

export type SharedPort = { open: OpenPort; /** False where no transfer of this peer goes on. */ deliver(peer: Peer, bytes: Buffer): boolean };

/** All transfers on one socket. What a stranger sends can not reach another's transfer: its address names none. */
export function sharedPort(socket: Socket): SharedPort {
  const heardBy = new Map<string, Heard>();
  return {
    open(peer, heard) {
      const id = idOf(peer);
      heardBy.set(id, heard);
      queueMicrotask(() => { if (heardBy.get(id) === heard) heard.ready(); });
      return {
        send: (bytes) => socket.send(bytes, peer.port, peer.address),
        close: () => { if (heardBy.get(id) === heard) heardBy.delete(id); },
      };
    },
    deliver(peer, bytes) {
      const heard = heardBy.get(idOf(peer));
      heard?.packet(bytes);
      return heard !== undefined;
    },
  };
}
