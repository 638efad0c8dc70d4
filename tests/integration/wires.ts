/** How a simulated machine speaks: DHCP through a relay agent of its own, TFTP and HTTP, each from its own address of loopback. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import {
  bootFile, ClientArch, decode, decodeTftp, encode, encodeAck, encodeTftp, makeMessage, MessageType, messageType, parseMac, serverId, type DhcpMessage,
} from '@ironbus/wire';

/** Where the rack is, and the address of the machine's relay. */
export type Place = { server: string; relay: string; dhcpPort: number; tftpPort: number };
export type BootStage = 'firmware' | 'ipxe' | 'os';
/** Who asks; `retry` is called before each repetition. */
export type Asker = { mac: string; stage: BootStage; signal: AbortSignal; retry: (what: string) => void };
export type Lease = { address: string; nextServer: string; file: string };

const againMs = [100, 200, 400, 800];

/** Discover, offer, request, ack (RFC 2131 §3.1), asked again until the rack answers. Rejects with the signal's reason. */
export async function takeLease(place: Place, asker: Asker): Promise<Lease> {
  const { mac, stage } = asker;
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  try {
    socket.bind({ port: place.dhcpPort, address: place.relay });
    await once(socket, 'listening');
    for (;;) {
      const offer = await ask(socket, place, clientMessage(place, { mac, stage, type: MessageType.discover }), asker);
      const wanted = clientMessage(place, { mac, stage, type: MessageType.request, address: offer.yiaddr, server: serverId(offer) });
      const answer = await ask(socket, place, wanted, asker);
      if (messageType(answer) === MessageType.ack) return { address: answer.yiaddr, nextServer: answer.siaddr, file: bootFile(answer) ?? '' };
    }
  } finally {
    socket.close();
  }
}

type Draft = { mac: string; stage: BootStage; type: number; address?: string; server?: string | undefined };

/** Options as the captures of real clients have them: 60 and 93 of firmware (RFC 4578), 77 of iPXE, 60 of busybox. */
function clientMessage({ relay }: Place, { mac, stage, type, address, server }: Draft): DhcpMessage {
  const message = makeMessage({ chaddr: parseMac(mac) ?? new Uint8Array(6), xid: Math.floor(Math.random() * 2 ** 32), giaddr: relay, hops: 1 });
  message.options.setU8(53, type).setHex(55, '0103060f1c3342436187');
  if (address !== undefined) message.options.setAddress(50, address);
  if (server !== undefined) message.options.setAddress(54, server);
  if (stage === 'os') message.options.setText(60, 'udhcp 1.36.1');
  else message.options.setText(60, 'PXEClient:Arch:00000:UNDI:002001').setU16(93, ClientArch.biosX86).setHex(94, '010201');
  if (stage === 'ipxe') message.options.setText(77, 'iPXE');
  return message;
}

async function ask(socket: Socket, { server, dhcpPort }: Place, message: DhcpMessage, { signal, retry }: Asker): Promise<DhcpMessage> {
  const answer = Promise.withResolvers<DhcpMessage>();
  const onMessage = (bytes: Buffer): void => {
    const decoded = decode(bytes);
    if (decoded.ok && decoded.message.op === 2 && decoded.message.xid === message.xid) answer.resolve(decoded.message);
  };
  socket.on('message', onMessage);
  try {
    for (let tries = 0; ; tries += 1) {
      socket.send(encode(message), dhcpPort, server);
      const patience = pause(againMs[tries] ?? 800, undefined, { signal });
      const heard = await Promise.race([answer.promise, patience]);
      if (heard !== undefined) {
        patience.catch(() => undefined);
        return heard;
      }
      retry('dhcp');
    }
  } finally {
    socket.off('message', onMessage);
  }
}

/** Reads a file in lock-step (RFC 1350 §2), from the beginning again where the rack falls silent. */
export async function tftpGet(place: Place, { address, file }: Omit<Lease, 'nextServer'>, { signal, retry }: Asker): Promise<Buffer> {
  for (;;) {
    const got = await tftpTry(place, { address, file }, signal);
    if (got !== undefined) return got;
    retry('tftp');
  }
}

/** Undefined after a second without the last block. */
async function tftpTry({ server, tftpPort }: Place, { address, file }: Omit<Lease, 'nextServer'>, signal: AbortSignal): Promise<Buffer | undefined> {
  const socket = createSocket('udp4');
  const done = Promise.withResolvers<Buffer>();
  const blocks: Buffer[] = [];
  socket.on('message', (bytes, peer) => {
    const decoded = decodeTftp(bytes);
    if (!decoded.ok) return;
    const { packet } = decoded;
    if (packet.kind === 'error') return done.reject(new Error(`tftp: ${packet.message}`));
    if (packet.kind !== 'data') return;
    if (packet.block === blocks.length + 1) blocks.push(Buffer.from(packet.payload));
    socket.send(encodeAck(packet.block), peer.port, peer.address);
    if (packet.payload.length < 512) done.resolve(Buffer.concat(blocks));
  });
  try {
    socket.bind({ address });
    await once(socket, 'listening');
    socket.send(encodeTftp({ kind: 'rrq', file, mode: 'octet', options: [] }), tftpPort, server);
    const patience = pause(1000, undefined, { signal });
    patience.catch(() => undefined);
    return await Promise.race([done.promise, patience]);
  } finally {
    socket.close();
  }
}

export type HttpAnswer = { status: number; bytes: Buffer };
export type HttpAsk = { method: 'GET' | 'POST'; url: string; from: string; headers?: Record<string, string>; body?: string; signal: AbortSignal };

/** One request on a connection of its own, from the machine's address. Rejects where no answer comes. */
export function http({ method, url, from, headers = {}, body, signal }: HttpAsk): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest(url, { method, localAddress: from, headers, agent: false, signal }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(parts) }));
    });
    asking.on('error', reject);
    asking.setTimeout(10_000, () => asking.destroy(new Error(`${url} fell silent`)));
    asking.end(body);
  });
}
