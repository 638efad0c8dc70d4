/**
 * Packets for a fuzzer, the same for the same seed: every second one is a valid packet with one to four things wrong
 * (fuzz-mutations.ts), the others are random bytes, half of those behind a header that a server reads on from.
 */
import { readdirSync } from 'node:fs';
import { encode, MessageType } from '@ironbus/wire';
import { mutations } from './fuzz-mutations.ts';
import { SeededRandom } from './fuzz-random.ts';
import { goldenBytes } from './goldens.ts';
import { sampleMessage } from './samples.ts';

const goldens = new URL('../../../../libs/wire/golden/dhcp/', import.meta.url);
const kinds = Object.values(mutations);
const cookie = Buffer.from('63825363', 'hex');

/** Every golden packet, and one message of each kind that a server of the sample network acts on. */
export function validPackets(): readonly Buffer[] {
  const names = readdirSync(goldens).filter((file) => file.endsWith('.hex')).map((file) => file.slice(0, -4)).sort();
  const server = '10.77.0.1';
  const messages = [
    sampleMessage(), sampleMessage({ type: 0 }), sampleMessage({ type: MessageType.request, requested: '10.77.0.150', server }),
    sampleMessage({ type: MessageType.request, requested: '10.77.0.150' }), sampleMessage({ type: MessageType.request, ciaddr: '10.77.0.150' }),
    sampleMessage({ type: MessageType.request, requested: '192.168.0.1' }), sampleMessage({ type: MessageType.decline, requested: '10.77.0.150', server }),
    sampleMessage({ type: MessageType.release, ciaddr: '10.77.0.150', server }), sampleMessage({ type: MessageType.inform, ciaddr: '10.77.0.9' }),
    sampleMessage({ giaddr: '10.77.1.1', options: { 82: '010365746802060011223344550504' + '0a4d0101' + '0b040a4d0101' } }),
  ];
  return [...names.map(goldenBytes), ...messages.map((message) => Buffer.from(encode(message)))];
}

export class FuzzPackets {
  readonly #random: SeededRandom;
  readonly #valid: readonly Buffer[] = validPackets();
  #count = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** The next packet: 0 to 65,507 bytes of its own. */
  next(): Buffer {
    this.#count += 1;
    if (this.#count % 2 === 0) return this.#mutated();
    return this.#random.below(2) === 0 ? this.#random.bytes(this.#length()) : this.#behindHeader();
  }

  #mutated(): Buffer {
    const random = this.#random;
    let bytes: Buffer = Buffer.from(random.oneOf(this.#valid));
    for (let n = 1 + random.below(4); n > 0 && bytes.length > 0; n -= 1) bytes = random.oneOf(kinds)(bytes, random, random.oneOf(this.#valid));
    return bytes;
  }

  /** An Ethernet client's BOOTREQUEST with the cookie, and after it anything, or options whose lengths are right. */
  #behindHeader(): Buffer {
    const random = this.#random;
    const bytes = random.bytes(240 + this.#length());
    bytes.set([1, 1, 6, 0], 0);
    bytes.fill(0, random.below(2) === 0 ? 12 : 28, 28);
    bytes[28] = (bytes[28] ?? 0) & 0xfe;
    cookie.copy(bytes, 236);
    if (random.below(2) === 0) bytes.set([53, 1, 1 + random.below(8)], 240);
    if (random.below(3) > 0) this.#fitLengths(bytes, 243);
    return bytes;
  }

  #fitLengths(bytes: Buffer, from: number): void {
    let at = from;
    while (at + 2 < bytes.length) {
      if (bytes[at] === 255) bytes[at] = 43;
      const length = Math.min(this.#random.below(40), bytes.length - at - 2);
      bytes[at + 1] = length;
      at += 2 + length;
    }
    bytes.fill(255, at);
  }

  /** Mostly what fits a frame, now and then what fits a datagram. */
  #length(): number {
    const random = this.#random;
    return 3 + random.below(random.below(500) === 0 ? 65_000 : 600);
  }
}

