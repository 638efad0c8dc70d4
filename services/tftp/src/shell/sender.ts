/**
 * Many datagrams by one sendmmsg(2), and a run of blocks as one message that the kernel cuts (UDP_SEGMENT, udp(7)), which passes the
 * network stack once. Nothing is allocated for a packet: headers and vectors are written into memory made once, payloads are sent from where the file is.
 */
import { allocate, SOCKADDR_BYTES, writeEndpoint, writeWord, type Endpoint, type Memory } from './memory.ts';
import type { Native } from './native.ts';

const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
const CONTROL_BYTES = 24;
const HEADER_BYTES = 4;
const [SOL_UDP, UDP_SEGMENT, EINTR, OP_DATA] = [17, 103, 4, 3];
const slots = 256;
const slotBlocks = 2048;

/** Blocks `from` to `to` of a file that is in memory at `at`. */
export type Run = { at: number; sizeBytes: number; blockBytes: number; from: number; to: number };
/** `wasCut`: it was to be cut by the kernel. */
export type Failed<Tag> = (tag: Tag, errno: number, wasCut: boolean) => void;

/** The kernel cuts a message into at most 64 (UDP_MAX_SEGMENTS) of together 65,507 bytes. */
export const maxRunBlocks = (blockBytes: number): number => Math.max(1, Math.min(64, Math.floor(65_507 / (blockBytes + HEADER_BYTES))));

/** What `packet` and `run` were given stays where it is until `flush`; they answer false where there is no room before it. */
export class Sender<Tag> {
  readonly #native: Native;
  readonly #messages: Memory;
  readonly #names: Memory;
  readonly #controls: Memory;
  readonly #iovecs: Memory;
  readonly #headers: Memory;
  readonly #tags: Tag[] = [];
  #usedIovecs = 0;
  #usedHeaders = 0;

  constructor(native: Native) {
    this.#native = native;
    this.#messages = allocate(native, slots * MMSGHDR_BYTES);
    this.#names = allocate(native, slots * SOCKADDR_BYTES);
    this.#controls = allocate(native, slots * CONTROL_BYTES);
    this.#iovecs = allocate(native, slotBlocks * 2 * IOVEC_BYTES);
    this.#headers = allocate(native, slotBlocks * HEADER_BYTES);
    for (let n = 0; n < slots; n++) {
      writeWord(this.#messages, n * MMSGHDR_BYTES, this.#names.at + n * SOCKADDR_BYTES);
      this.#messages.u32[(n * MMSGHDR_BYTES + 8) / 4] = SOCKADDR_BYTES;
      writeWord(this.#controls, n * CONTROL_BYTES, 18); // cmsghdr: length, level, type, and the two bytes of a segment's size
      this.#controls.u32.set([SOL_UDP, UDP_SEGMENT], (n * CONTROL_BYTES + 8) / 4);
    }
  }

  packet(to: Endpoint, { at, length }: { at: number; length: number }, tag: Tag): boolean {
    if (!this.#hasRoom(1)) return false;
    this.#iovec(at, length);
    this.#message(to, { firstIovec: this.#usedIovecs - 1, cutBytes: 0 }, tag);
    return true;
  }

  /** At most `maxRunBlocks`. */
  run(to: Endpoint, run: Run, tag: Tag): boolean {
    if (!this.#hasRoom(run.to - run.from + 1)) return false;
    const firstIovec = this.#usedIovecs;
    for (let number = run.from; number <= run.to; number++) this.#block(number, run);
    this.#message(to, { firstIovec, cutBytes: run.to > run.from ? run.blockBytes + HEADER_BYTES : 0 }, tag);
    return true;
  }

  /** Sends everything through this socket; what can not be sent is left out, and told when all is over. */
  flush(fd: number, failed: Failed<Tag>): void {
    const lost: { tag: Tag; errno: number; wasCut: boolean }[] = [];
    for (let at = 0; at < this.#tags.length;) {
      const sent = this.#native.sendmmsg(fd, this.#messages.at + at * MMSGHDR_BYTES, this.#tags.length - at, 0);
      if (sent > 0) { at += sent; continue; }
      const errno = this.#native.errno();
      if (errno === EINTR) continue;
      lost.push({ tag: this.#tags[at] as Tag, errno, wasCut: this.#messages.u32[(at * MMSGHDR_BYTES + 40) / 4] !== 0 });
      at += 1;
    }
    this.#tags.length = this.#usedIovecs = this.#usedHeaders = 0;
    for (const { tag, errno, wasCut } of lost) failed(tag, errno, wasCut); // may queue again
  }

  #hasRoom(blocks: number): boolean {
    return this.#tags.length < slots && this.#usedHeaders + blocks <= slotBlocks && this.#usedIovecs + 2 * blocks <= 2 * slotBlocks;
  }

  #iovec(at: number, length: number): void {
    writeWord(this.#iovecs, this.#usedIovecs * IOVEC_BYTES, at);
    writeWord(this.#iovecs, this.#usedIovecs * IOVEC_BYTES + 8, length);
    this.#usedIovecs += 1;
  }

  /** `cutBytes` 0: one datagram. */
  #message(to: Endpoint, { firstIovec, cutBytes }: { firstIovec: number; cutBytes: number }, tag: Tag): void {
    const n = this.#tags.push(tag) - 1;
    const message = n * MMSGHDR_BYTES;
    writeEndpoint(this.#names, n * SOCKADDR_BYTES, to);
    writeWord(this.#messages, message + 16, this.#iovecs.at + firstIovec * IOVEC_BYTES);
    writeWord(this.#messages, message + 24, this.#usedIovecs - firstIovec);
    writeWord(this.#messages, message + 32, cutBytes === 0 ? 0 : this.#controls.at + n * CONTROL_BYTES);
    writeWord(this.#messages, message + 40, cutBytes === 0 ? 0 : CONTROL_BYTES);
    this.#controls.u16[(n * CONTROL_BYTES + 16) / 2] = cutBytes;
  }

  #block(number: number, { at, sizeBytes, blockBytes }: Run): void {
    const header = this.#usedHeaders * HEADER_BYTES;
    const start = (number - 1) * blockBytes;
    this.#usedHeaders += 1;
    const { bytes } = this.#headers;
    bytes[header + 1] = OP_DATA;
    bytes[header + 2] = number >>> 8;
    bytes[header + 3] = number;
    this.#iovec(this.#headers.at + header, HEADER_BYTES);
    if (sizeBytes > start) this.#iovec(at + start, Math.min(blockBytes, sizeBytes - start));
  }
}
