/** Frames and packets as raw sockets give them, valid ones and cut, flipped and random ones, through everything that reads them. */
import { parseIpv4, type Ipv4 } from '@ironbus/contracts';
import { arpProbe, arpSender } from '../core/arp.ts';
import { echoAnswerer, echoRequest } from '../core/icmp-echo.ts';
import { describeServer, readServerAnswer } from '../core/foreign-server.ts';
import { readNeighbourDiscovery } from '../core/router-advertisement.ts';
import { broadcastFrame, readUdpFrame } from '../core/udp-frame.ts';
import { mutations } from './fuzz-mutations.ts';
import { FuzzPackets } from './fuzz-packets.ts';
import { SeededRandom } from './fuzz-random.ts';

const mac = Buffer.from('525400770001', 'hex');
const address = parseIpv4('10.77.0.150') as Ipv4;
const echo = { from: address, to: address, id: 7, sequence: 1, cookie: Buffer.from('cookie00') };

/** Reads `count` frames; throws where a reader does. Returns how many were read as something. */
export function readFrames(count: number, seed: number): number {
  const random = new SeededRandom(seed);
  const packets = new FuzzPackets(seed);
  let understood = 0;
  for (let n = 0; n < count; n += 1) {
    const frame = broken(valid(packets, random), random);
    const server = readServerAnswer(readUdpFrame(frame));
    if (server !== undefined) describeServer(server);
    const found = [server, readUdpFrame(frame), arpSender(frame), echoAnswerer(frame, echo), readNeighbourDiscovery(frame)];
    if (found.some((each) => each !== undefined)) understood += 1;
  }
  return understood;
}

function valid(packets: FuzzPackets, random: SeededRandom): Buffer {
  switch (random.below(5)) {
    case 0: return arpProbe(mac, address);
    case 1: return echoRequest(echo);
    case 2: return random.bytes(random.below(80));
    case 3: return Buffer.concat([Buffer.of(random.oneOf([133, 134]), 0), random.bytes(random.below(60))]);
    default: return broadcastFrame({ sourceMac: mac, sourcePort: 67, targetPort: 68 }, packets.next().subarray(0, 1_400));
  }
}

function broken(frame: Buffer, random: SeededRandom): Buffer {
  if (frame.length === 0 || random.below(3) === 0) return frame;
  const kind = random.oneOf([mutations['flipBits'], mutations['setBytes'], mutations['truncate'], mutations['lengthen']]);
  return kind === undefined ? frame : kind(frame, random, frame);
}
