/**
 * A DHCP server that ignores the broadcast flag, as some do: each DISCOVER is offered 10.78.0.66 in a frame to the client's
 * hardware address. Argument: device. Prints `ready`. Answers from its own packets alone, so its device needs no address.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { decode, encode, MessageType, parseMac, replyTo } from '@ironbus/wire';
import { nothing } from '../core/socket-filter.ts';
import { broadcastFrame } from '../core/udp-frame.ts';
import { openPacketSocket } from '../shell/packet-socket.ts';

const device = process.argv[2] ?? '';
const index = Number(readFileSync(`/sys/class/net/${device}/ifindex`, 'utf8'));
const out = openPacketSocket({ device, index, protocol: 0x0800, filter: nothing, onFrame: () => undefined, onError: (error) => { throw error; } });
const heard = createSocket({ type: 'udp4', reuseAddr: true });
heard.on('message', (bytes) => {
  const question = decode(bytes);
  if (!question.ok) return;
  const offer = replyTo(question.message);
  offer.yiaddr = '10.78.0.66';
  offer.options.setU8(53, MessageType.offer).setAddress(54, '10.78.0.67');
  const frame = broadcastFrame({ sourceMac: parseMac('52:54:00:78:00:67') ?? out.mac, sourcePort: 67, targetPort: 68 }, encode(offer));
  frame.set(question.message.chaddr, 0);
  out.send(frame);
});
heard.bind(67, '0.0.0.0', () => { process.stdout.write('ready\n'); });
