/**
 * Run inside a client's namespace: broadcasts datagrams from port 68 of one device (EXCHANGE_PORT: 67 for a relay) and
 * prints, as hex, the answer to each, or `-` where none came in time. Arguments: device, milliseconds, hex datagrams.
 */
import { createSocket } from 'node:dgram';
import { bindToDevice, descriptorOf, openNative } from '../shell/native.ts';

const [device = '', patience = '1000', ...packets] = process.argv.slice(2);
const socket = createSocket({ type: 'udp4', reuseAddr: true });
await new Promise<void>((resolve) => { socket.bind({ port: Number(process.env['EXCHANGE_PORT'] ?? '68'), address: '0.0.0.0' }, () => resolve()); });
const native = openNative();
if (!native.ok) throw new Error(native.why);
const bound = bindToDevice(native.libc, descriptorOf(socket) ?? -1, device);
if (!bound.ok) throw new Error(bound.why);
socket.setBroadcast(true);

for (const hex of packets) {
  const bytes = Buffer.from(hex, 'hex');
  const answer = await new Promise<Buffer | undefined>((resolve) => {
    const timer = setTimeout(() => { socket.removeAllListeners('message'); resolve(undefined); }, Number(patience));
    socket.on('message', (received) => {
      // A relay hears its own broadcast too.
      if (received[0] !== 2 || received.readUInt32BE(4) !== bytes.readUInt32BE(4)) return;
      clearTimeout(timer);
      socket.removeAllListeners('message');
      resolve(received);
    });
    socket.send(bytes, 67, '255.255.255.255');
  });
  process.stdout.write(`${answer?.toString('hex') ?? '-'}\n`);
}
socket.close();
