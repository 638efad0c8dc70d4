/** A TFTP client that does what a test tells it: loses packets, answers twice, keeps silent. Not a copy of any firmware. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { decodeTftp, encodeAck, encodeRrq, knownOptions, type TftpPacket } from '@ironbus/wire';

export type Received = { packet: TftpPacket; from: RemoteInfo; raw: Buffer };
export type Client = AsyncDisposable & {
  readonly port: number;
  send(bytes: Uint8Array, port: number): void;
  /** The next packet; rejects after `ms`. */
  next(ms?: number): Promise<Received>;
  /** Packets that arrived and were not taken by `next`. */
  readonly waiting: Received[];
};

export async function openClient(): Promise<Client> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024, lookup: (address, _options, callback) => callback(null, address, 4) });
  const waiting: Received[] = [];
  let wake: (() => void) | undefined;
  socket.on('message', (bytes, from) => {
    const raw = Buffer.from(bytes);
    const decoded = decodeTftp(raw);
    if (!decoded.ok) throw new Error(`the server sent ${raw.toString('hex')}: ${decoded.why}`);
    waiting.push({ packet: decoded.packet, from, raw });
    wake?.();
  });
  const listening = once(socket, 'listening');
  socket.bind(0, '127.0.0.1');
  await listening;
  return {
    port: socket.address().port, waiting,
    send: (bytes, port) => socket.send(bytes, port, '127.0.0.1'),
    async next(ms = 5000) {
      const timer = setTimeout(() => wake?.(), ms);
      if (waiting.length === 0) await new Promise<void>((resolve) => { wake = resolve; });
      clearTimeout(timer);
      const first = waiting.shift();
      if (first === undefined) throw new Error(`nothing came within ${ms} ms`);
      return first;
    },
    [Symbol.asyncDispose]: async () => { const closed = once(socket, 'close'); socket.close(); await closed; },
  };
}

/** The next packet like this; others before it (repetitions, on a machine that is slower than the server's patience) are passed over. */
export async function nextWhere(client: Client, matches: (packet: TftpPacket) => boolean): Promise<Received> {
  for (;;) {
    const received = await client.next();
    if (matches(received.packet)) return received;
  }
}
export const isBlock = (block: number) => (packet: TftpPacket): boolean => packet.kind === 'data' && packet.block === block;

export type Fetch = {
  file: string; options?: Record<string, string | number>;
  /** Whether this packet is lost on its way; asked for each DATA that arrives and each ACK that leaves. */
  loses?: (kind: 'data' | 'ack', block: number) => boolean;
  /** How often each ACK is sent; 1 unless told. */
  ackTimes?: number;
  /** Called for each packet of the server, in order. */
  onPacket?: (received: Received, client: Client) => void;
};

/** Fetches a whole file (RFC 1350, 2347, 7440), acknowledging what it has at the end of a window, at a gap, and on a repetition. */
export async function fetchFile(serverPort: number, { file, options = {}, loses = () => false, ackTimes = 1, onPacket }: Fetch): Promise<Buffer> {
  await using client = await openClient();
  client.send(encodeRrq(file, Object.entries(options).map(([name, value]) => ({ name, value: String(value) }))), serverPort);
  const parts: Buffer[] = [];
  let blockBytes = 512;
  let window = 1;
  let sinceAck = 0;
  const acknowledge = (port: number): void => {
    sinceAck = 0;
    if (loses('ack', parts.length)) return;
    for (let times = 0; times < ackTimes; times++) client.send(encodeAck(parts.length & 0xffff), port);
  };
  for (;;) {
    const received = await client.next(20_000);
    onPacket?.(received, client);
    const { packet, from } = received;
    if (packet.kind === 'error') throw new Error(`${packet.code} ${packet.message}`);
    if (packet.kind === 'oack') {
      const agreed = knownOptions(packet.options);
      [blockBytes, window] = [agreed.blksize ?? 512, agreed.windowsize ?? 1];
      acknowledge(from.port);
    }
    if (packet.kind !== 'data' || loses('data', packet.block)) continue;
    if (packet.block !== ((parts.length + 1) & 0xffff)) {
      if (window > 1) acknowledge(from.port);
      else if (packet.block === (parts.length & 0xffff)) acknowledge(from.port);
      continue;
    }
    parts.push(Buffer.from(packet.payload));
    sinceAck++;
    const last = packet.payload.length < blockBytes;
    if (last || sinceAck === window) acknowledge(from.port);
    if (last) return Buffer.concat(parts);
  }
}
