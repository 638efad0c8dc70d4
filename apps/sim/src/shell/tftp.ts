/** Reading a file as firmware does: a request that only asks for the size and is broken off, then the transfer (RFC 1350, 2347 to 2349, 7440). */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { senderOf } from '@ironbus/dhcp';
import { decodeTftp, DEFAULT_BLOCK_BYTES, encodeAck, encodeError, encodeRrq, knownOptions, type TftpOption, type TftpPacket } from '@ironbus/wire';
import { tftpHabits } from '../core/clients.ts';
import { within, type Asker, type Lease } from './lease.ts';
import type { Place } from './place.ts';

const lastBlock = 65_536;

/** How many bytes came, or why none did. Rejects with the signal's reason. */
export type Got = { bytes: number } | { why: string };

export async function tftpGet(place: Place, { address, nextServer, file }: Lease, asker: Asker): Promise<Got> {
  const { probe, options } = tftpHabits[asker.spec.firmware];
  const server = { address: nextServer, file };
  const probed = await asker.send('loader size', () =>
    exchange(place, { ...server, from: address, options: probe.options, onOack: (send) => { send(encodeError(probe.code, probe.message)); return { bytes: 0 }; } }, asker));
  if ('why' in probed) return probed;
  return asker.send('loader', () => exchange(place, { ...server, from: address, options, onOack: (send) => { send(encodeAck(0)); return undefined; } }, asker));
}

/** What can not be sent is a lost packet. */
const lost = (): void => undefined;

type Send = (bytes: Uint8Array) => void;
type Transfer = { address: string; file: string; from: string; options: readonly TftpOption[]; onOack: (send: Send) => Got | undefined };

/** From a port of its own; sends its last packet again where nothing comes. */
async function exchange({ dice, tftpPort, pace }: Place, { address, file, from, options, onOack }: Transfer, { spec, signal, retry }: Asker): Promise<Got> {
  const { waitsMs } = tftpHabits[spec.firmware];
  const socket = await open(from);
  const done = Promise.withResolvers<Got>();
  const heard = { at: performance.now() };
  let peer = tftpPort;
  let last: Uint8Array = encodeRrq(file, options);
  const sendTo = senderOf(socket);
  const send: Send = (bytes) => {
    last = bytes;
    for (let copy = dice.copies(); copy > 0; copy -= 1) sendTo(bytes, peer, address, lost);
  };
  const read = reader(send, onOack, done.resolve);
  socket.on('message', (bytes, { port }) => {
    if (peer !== tftpPort && port !== peer) return;
    const decoded = decodeTftp(bytes);
    if (!decoded.ok) return;
    for (let copy = dice.copies(); copy > 0; copy -= 1) {
      peer = port;
      heard.at = performance.now();
      read(decoded.packet);
    }
  });
  try {
    send(last);
    for (let silent = 0; silent < waitsMs.length;) {
      const soFar = heard.at;
      const ended = await within(done.promise, (waitsMs[silent] ?? 0) * pace, signal);
      if (ended !== undefined) return ended;
      if (heard.at !== soFar) { silent = 0; continue; }
      silent += 1;
      if (silent === waitsMs.length) break;
      retry('tftp');
      send(last);
    }
    return { why: 'silence' };
  } finally {
    socket.close();
  }
}

/** Acknowledges windows. */
function reader(send: Send, onOack: Transfer['onOack'], onEnd: (got: Got) => void): (packet: TftpPacket) => void {
  let [blockBytes, window, next, bytes] = [DEFAULT_BLOCK_BYTES, 1, 1, 0];
  const onData = (block: number, length: number): void => {
    if (block !== next % lastBlock) return send(encodeAck((next - 1) % lastBlock));
    bytes += length;
    next += 1;
    const isLast = length < blockBytes;
    if (isLast || block % window === 0) send(encodeAck(block));
    if (isLast) onEnd({ bytes });
  };
  return (packet) => {
    if (packet.kind === 'error') return onEnd({ why: `error ${packet.code} ${packet.message}` });
    if (packet.kind === 'data') return onData(packet.block, packet.payload.length);
    if (packet.kind !== 'oack' || next > 1) return;
    const agreed = knownOptions(packet.options);
    blockBytes = agreed.blksize ?? blockBytes;
    window = agreed.windowsize ?? window;
    const ended = onOack(send);
    if (ended !== undefined) onEnd(ended);
  };
}

async function open(address: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 256 * 1024 });
  const bound = once(socket, 'listening');
  socket.bind({ address });
  await bound.catch((cause: unknown) => {
    throw new Error(`${address} can not be used here (${String(cause)}); make the leased range local: ip route add local <range> dev lo`, { cause });
  });
  socket.on('error', () => undefined); // ICMP's word that the server is gone: the same silence as any other
  return socket;
}
