/**
 * Asks a DHCP server as a relay would: one DISCOVER for each client on the command line (JSON), repeated until it is answered,
 * and prints the answers as JSON. Run inside a network namespace; the first two arguments are our address and the server's.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export type Asking = { name: string; vendorClass?: string; architecture?: number; userClass?: string };
export type Answered = { name: string; nextServer: string; file: string; vendorClass: string; ipxe: string };

const [own = '', server = '', ...clients] = process.argv.slice(2);
const socket = createSocket({ type: 'udp4', reuseAddr: true });
socket.bind(67, own);
await once(socket, 'listening');

const option = (code: number, value: Buffer): Buffer => Buffer.concat([Buffer.of(code, value.length), value]);
const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);

function discover({ vendorClass, architecture, userClass }: Asking, number: number): Buffer {
  const head = Buffer.alloc(240);
  head.set([1, 1, 6, 1, 0x77, 0, 0, number]);
  head.set(own.split('.').map(Number), 24);
  head.set([0x52, 0x54, 0, 0x77, 0, number], 28);
  head.set([0x63, 0x82, 0x53, 0x63], 236);
  return Buffer.concat([
    head, option(53, Buffer.of(1)), option(55, Buffer.of(1, 3, 6, 43, 60, 66, 67, 97, 175)),
    ...(vendorClass === undefined ? [] : [option(60, Buffer.from(vendorClass))]), ...(architecture === undefined ? [] : [option(93, u16(architecture))]),
    ...(userClass === undefined ? [] : [option(77, Buffer.from(userClass))]), Buffer.of(255),
  ]);
}

function read(name: string, packet: Buffer): Answered {
  const options = new Map<number, Buffer>();
  for (let at = 240; at < packet.length && packet[at] !== 255;) {
    const length = packet[at] === 0 ? -1 : packet[at + 1] ?? 0;
    if (length >= 0) options.set(packet[at] ?? 0, packet.subarray(at + 2, at + 2 + length));
    at += length + 2;
  }
  const text = (bytes: Buffer | undefined): string => (bytes?.toString('latin1') ?? '').replace(/\0.*$/, '');
  const file = text(packet.subarray(108, 236)) || text(options.get(67));
  return { name, nextServer: [...packet.subarray(20, 24)].join('.'), file, vendorClass: text(options.get(60)), ipxe: options.get(175)?.toString('hex') ?? '' };
}

/** The first answer with this number; asked again until it comes. */
async function ask(asking: Asking, number: number): Promise<Answered> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const onMessage = (packet: Buffer): void => { if (packet[0] === 2 && packet[7] === number) resolve(packet); };
  socket.on('message', onMessage);
  const send = (): void => socket.send(discover(asking, number), 67, server);
  const again = setInterval(send, 300);
  send();
  const packet = await promise;
  clearInterval(again);
  socket.off('message', onMessage);
  return read(asking.name, packet);
}

const answers: Answered[] = [];
for (const [index, client] of clients.entries()) answers.push(await ask(JSON.parse(client) as Asking, index + 1));
socket.close();
process.stdout.write(JSON.stringify(answers));
