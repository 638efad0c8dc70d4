/** DHCP through a relay agent (RFC 1542 §4.1) that listens on an address of its own: for services on other ports, and without root. */
import { createSocket } from 'node:dgram';
import { Answers, type DhcpWire } from './dhcp-wire.ts';

export type RelayOptions = { relay: string; server: string; port: number };

/** Errors of the socket (a server that is not there) are lost packets. */
export function openRelay({ relay, server, port }: RelayOptions): DhcpWire {
  const answers = new Answers();
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (bytes) => answers.hear(bytes));
  socket.on('error', () => undefined);
  socket.bind({ port, address: relay });
  return {
    relay, listen: (xid, listener) => answers.listen(xid, listener), send: (bytes) => socket.send(bytes, port, server),
    close: () => new Promise((resolve) => { socket.close(() => resolve()); }),
  };
}
