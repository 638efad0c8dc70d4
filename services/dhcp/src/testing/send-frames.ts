/** Sends whole Ethernet frames from a device of the namespace it runs in. Arguments: device, frames as hex. */
import { readFileSync } from 'node:fs';
import { nothing } from '../core/socket-filter.ts';
import { openPacketSocket } from '../shell/packet-socket.ts';

const [device = '', ...frames] = process.argv.slice(2);
const index = Number(readFileSync(`/sys/class/net/${device}/ifindex`, 'utf8'));
const socket = openPacketSocket({ device, index, protocol: 0x0800, filter: nothing, onFrame: () => undefined, onError: (error) => { throw error; } });
for (const hex of frames) {
  const sent = socket.send(Buffer.from(hex, 'hex'));
  if (!sent.ok) throw new Error(sent.why);
}
await socket.close();
