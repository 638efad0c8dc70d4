/** All datagrams that wait at a socket, by one recvmmsg(2). */
import { allocate, SOCKADDR_BYTES, writeWord, type Memory } from './memory.ts';
import type { Native } from './native.ts';

/** mmsghdr: msghdr (name, its length, iovec, their number, control, its length, flags) and how much came. */
const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
const MSG_DONTWAIT = 0x40;

export class Receiver {
  readonly #native: Native;
  readonly #slots: number;
  readonly #slotBytes: number;
  readonly #messages: Memory;
  readonly #names: Memory;
  readonly #data: Memory;
  #filled: number;

  /** Of a datagram longer than `slotBytes` the rest is lost. */
  constructor(native: Native, { slots, slotBytes }: { slots: number; slotBytes: number }) {
    this.#native = native;
    this.#slots = this.#filled = slots;
    this.#slotBytes = slotBytes;
    this.#messages = allocate(native, slots * (MMSGHDR_BYTES + IOVEC_BYTES));
    this.#names = allocate(native, slots * SOCKADDR_BYTES);
    this.#data = allocate(native, slots * slotBytes);
    for (let n = 0; n < slots; n++) {
      const iovec = slots * MMSGHDR_BYTES + n * IOVEC_BYTES;
      writeWord(this.#messages, iovec, this.#data.at + n * slotBytes);
      writeWord(this.#messages, iovec + 8, slotBytes);
      writeWord(this.#messages, n * MMSGHDR_BYTES, this.#names.at + n * SOCKADDR_BYTES);
      writeWord(this.#messages, n * MMSGHDR_BYTES + 16, this.#messages.at + iovec);
      writeWord(this.#messages, n * MMSGHDR_BYTES + 24, 1);
    }
  }

  /** How many came; 0 where none waits. What came before is overwritten. */
  receive(fd: number): number {
    for (let n = 0; n < this.#filled; n++) this.#messages.u32[(n * MMSGHDR_BYTES + 8) / 4] = SOCKADDR_BYTES;
    this.#filled = Math.max(0, this.#native.recvmmsg(fd, this.#messages.at, this.#slots, MSG_DONTWAIT, 0));
    return this.#filled;
  }

  /** Where the `n`th is. */
  get bytes(): Buffer { return this.#data.bytes; }
  offset(n: number): number { return n * this.#slotBytes; }
  length(n: number): number { return this.#messages.u32[(n * MMSGHDR_BYTES + 56) / 4] ?? 0; }
  /** Who sent it. */
  address(n: number): number { return this.#names.bytes.readUInt32BE(n * SOCKADDR_BYTES + 4); }
  port(n: number): number { return this.#names.bytes.readUInt16BE(n * SOCKADDR_BYTES + 2); }
}
