/**
 * Run inside a namespace: broadcasts packets to port 67 of one device at a steady rate for a bounded time, and prints how
 * many as JSON. Arguments: device, `discover` (each from a MAC of its own) or `fuzz`, packets per second, seconds, seed.
 */
import { encode, MessageType } from '@ironbus/wire';
import { openClientSocket } from './flood-socket.ts';
import { FuzzPackets } from './fuzz-packets.ts';
import { SeededRandom } from './fuzz-random.ts';
import { sampleMessage } from './samples.ts';

const [device = '', kind = 'discover', rate = '1000', seconds = '1', seed = '1'] = process.argv.slice(2);
const socket = await openClientSocket(device, 0);
// Broadcasts come back to nobody here: the answers are read and thrown away.
socket.on('message', () => undefined);
const next = kind === 'fuzz' ? fuzzed(Number(seed)) : discovers(Number(seed));
const endMs = Number(seconds) * 1_000;
const perMs = Number(rate) / 1_000;
const startedAt = performance.now();
let sent = 0;
let refused = 0;

for (let atMs = 0; atMs < endMs; atMs = performance.now() - startedAt) {
  const due = Math.floor(atMs * perMs);
  for (; sent < due; sent += 1) socket.send(next(), 67, '255.255.255.255', (error) => { if (error !== null) refused += 1; });
  await new Promise((resolve) => { setTimeout(resolve, 1); });
}
process.stdout.write(`${JSON.stringify({ sent, refused, seconds: (performance.now() - startedAt) / 1_000 })}\n`);
socket.close();

/** What a starvation attack sends: a DISCOVER from a MAC that nobody saw before. */
function discovers(from: number): () => Buffer {
  const random = new SeededRandom(from);
  const template = Buffer.from(encode(sampleMessage({ type: MessageType.discover, broadcast: true })));
  return () => {
    const packet = Buffer.from(template);
    packet.writeUInt32BE(random.u32(), 4);
    packet.writeUInt16BE(0x0200, 28);
    packet.writeUInt32BE(random.u32(), 30);
    return packet;
  };
}

/** Packets that a datagram socket can send; those over a jumbo frame would only test the kernel's fragments. */
function fuzzed(from: number): () => Buffer {
  const source = new FuzzPackets(from);
  const take = (): Buffer => {
    const packet = source.next();
    return packet.length > 9_000 ? take() : packet;
  };
  return take;
}
