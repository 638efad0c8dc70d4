/**
 * Run inside a namespace: many clients on one device, each with a MAC of its own, that behave as RFC 2131 §4.4 says, with
 * short waits. Prints a JSON line for each answer that a client got, and one when it gave up. Arguments: device, JSON of
 * `Load`. A client that has an address already asks to extend it by broadcast, as one that rebinds does.
 */
import { createSocket } from 'node:dgram';
import { decode, encode, hardwareMac, makeMessage, messageType, MessageType, parseMac, serverId, type DhcpMessage } from '@ironbus/wire';
import { bindToDevice, descriptorOf, openNative } from '../shell/native.ts';

export type Load = {
  clients: readonly { mac: string; address?: string }[];
  /** What the clients' own count begins with: with 4 every replica answers at once. */
  secs?: number;
  /** Waits before the tries that follow the first; after the last one it gives up. */
  waitsMs: readonly number[];
  /** One client begins after the other. */
  everyMs: number;
  /** How long to go on listening when all are done: an answer too many comes late. */
  lingerMs: number;
};
export type LoadEvent = { mac: string; said: 'offer' | 'ack' | 'nak' | 'gave-up'; address: string; server: string; tries: number };
type Client = { mac: string; asks: 'discover' | 'select' | 'extend' | 'done'; xid: number; tries: number; address: string; server: string; timer: NodeJS.Timeout | undefined };

const selectTries = 3;
const [device = '', json = '{}'] = process.argv.slice(2);
const load = JSON.parse(json) as Load;
const clients = new Map<string, Client>();
const socket = createSocket({ type: 'udp4', reuseAddr: true, recvBufferSize: 4_194_304 });
await new Promise<void>((resolve) => { socket.bind({ port: 68, address: '0.0.0.0' }, () => resolve()); });
const native = openNative();
if (!native.ok) throw new Error(native.why);
const bound = bindToDevice(native.libc, descriptorOf(socket) ?? -1, device);
if (!bound.ok) throw new Error(bound.why);
socket.setBroadcast(true);
socket.on('message', (bytes) => {
  const decoded = decode(bytes);
  const client = decoded.ok ? clients.get(hardwareMac(decoded.message) ?? '') : undefined;
  if (decoded.ok && client !== undefined && decoded.message.xid === client.xid) hear(client, decoded.message);
});

let left = load.clients.length;
load.clients.forEach(({ mac, address }, index) => {
  const client: Client = { mac, asks: address === undefined ? 'discover' : 'extend', xid: Math.floor(Math.random() * 2 ** 32), tries: 0, address: address ?? '', server: '', timer: undefined };
  clients.set(mac, client);
  setTimeout(() => ask(client), index * load.everyMs);
});

function ask(client: Client): void {
  const { asks, xid, address, server } = client;
  client.tries += 1;
  // Every second client never counts its seconds, as many ROMs do not.
  const waited = xid % 2 === 0 ? 0 : Math.floor(load.waitsMs.slice(0, client.tries - 1).reduce((sum, ms) => sum + ms, 0) / 1_000);
  const secs = (load.secs ?? 0) + waited;
  const message = makeMessage({ chaddr: parseMac(client.mac) ?? new Uint8Array(6), xid, secs, ...(asks === 'extend' && { ciaddr: address }) });
  message.options.setU8(53, asks === 'discover' ? MessageType.discover : MessageType.request);
  if (asks === 'select') message.options.setAddress(50, address);
  if (asks === 'select') message.options.setAddress(54, server);
  socket.send(encode(message), 67, '255.255.255.255');
  client.timer = setTimeout(() => again(client), load.waitsMs[Math.min(client.tries, load.waitsMs.length) - 1] ?? 1_000);
}

function again(client: Client): void {
  if (client.asks === 'select' && client.tries >= selectTries) Object.assign(client, { asks: 'discover', tries: 0, xid: (client.xid + 2) >>> 0 });
  else if (client.tries > load.waitsMs.length) return finish(client, 'gave-up');
  ask(client);
}

function hear(client: Client, answer: DhcpMessage): void {
  const server = serverId(answer) ?? '';
  switch (messageType(answer)) {
    case MessageType.offer:
      tell(client, { said: 'offer', address: answer.yiaddr, server });
      if (client.asks !== 'discover') return;
      clearTimeout(client.timer);
      Object.assign(client, { asks: 'select', tries: 0, address: answer.yiaddr, server });
      return ask(client);
    case MessageType.ack:
      tell(client, { said: 'ack', address: answer.yiaddr, server });
      return finish(client);
    case MessageType.nak:
      tell(client, { said: 'nak', address: '', server });
      return;
    default:
  }
}

function tell({ mac, tries }: Client, event: Omit<LoadEvent, 'mac' | 'tries'>): void {
  process.stdout.write(`${JSON.stringify({ mac, tries, ...event })}\n`);
}

function finish(client: Client, said?: 'gave-up'): void {
  clearTimeout(client.timer);
  if (said !== undefined) tell(client, { said, address: client.address, server: client.server });
  if (client.asks === 'done') return;
  client.asks = 'done';
  left -= 1;
  if (left === 0) setTimeout(() => socket.close(), load.lingerMs);
}
