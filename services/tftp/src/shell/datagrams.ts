/**
 * Many datagrams in one system call: recvmmsg(2), and sendmmsg(2) where a run of blocks is one message that the kernel cuts (UDP_SEGMENT, udp(7)).
 * Nothing is allocated for a packet: headers and vectors are written into memory made once, payloads are sent from where the file is.
 * Layouts are those of Linux on 64 bits: iovec 16 bytes, msghdr 56, mmsghdr 64, sockaddr_in 16.
 */
import type { Native } from './native.ts';

const MSGHDR = 64;
const IOVEC = 16;
const SOCKADDR = 16;
const CONTROL = 24;
const AF_INET = 2;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const HEADER = 4;
const OP_DATA = 3;

/** `address` is the IPv4 address as a number. */
export type Endpoint = { readonly address: number; readonly port: number };
/** Memory that C sees: bytes of its own, as numbers of each width. */
export type Memory = { at: number; bytes: Buffer; u16: Uint16Array; u32: Uint32Array };

export function allocate(native: Native, sizeBytes: number): Memory {
  const bytes = Buffer.from(new ArrayBuffer(Math.ceil(sizeBytes / 8) * 8));
  return { at: native.addressOf(bytes), bytes, u16: new Uint16Array(bytes.buffer), u32: new Uint32Array(bytes.buffer) };
}

/** A 64-bit number in two halves: a BigInt would be allocated. `at` in bytes. */
export function writePointer({ u32 }: Memory, at: number, value: number): void {
  u32[at >>> 2] = value >>> 0;
  u32[(at >>> 2) + 1] = Math.floor(value / 2 ** 32);
}

/** sockaddr_in; family in the machine's order, the rest in the network's. */
export function writeEndpoint({ bytes, u16 }: Memory, at: number, { address, port }: Endpoint): void {
  u16[at >>> 1] = AF_INET;
  bytes[at + 2] = port >>> 8;
  bytes[at + 3] = port;
  bytes.writeUInt32BE(address, at + 4);
}

export type Receiver = {
  /** How many datagrams came at once; 0 where none waits. */
  receive(fd: number): number;
  /** Of the `n`th: its length, which is more than `slotBytes` never; its first bytes at `offset(n)` of `bytes`; its sender. */
  length(n: number): number;
  offset(n: number): number;
  readonly bytes: Buffer;
  address(n: number): number;
  port(n: number): number;
};

export function openReceiver(native: Native, { slots, slotBytes }: { slots: number; slotBytes: number }): Receiver {
  const vector = allocate(native, slots * (MSGHDR + IOVEC));
  const names = allocate(native, slots * SOCKADDR);
  const data = allocate(native, slots * slotBytes);
  for (let n = 0; n < slots; n++) {
    const iovec = slots * MSGHDR + n * IOVEC;
    writePointer(vector, iovec, data.at + n * slotBytes);
    writePointer(vector, iovec + 8, slotBytes);
    writePointer(vector, n * MSGHDR, names.at + n * SOCKADDR);
    writePointer(vector, n * MSGHDR + 16, vector.at + iovec);
    writePointer(vector, n * MSGHDR + 24, 1);
  }
  let filled = slots;
  return {
    bytes: data.bytes,
    receive(fd) {
      for (let n = 0; n < filled; n++) vector.u32[n * MSGHDR / 4 + 2] = SOCKADDR;
      filled = Math.max(0, native.recvmmsg(fd, vector.at, slots, MSG_DONTWAIT, 0));
      return filled;
    },
    length: (n) => vector.u32[n * MSGHDR / 4 + 14] ?? 0,
    offset: (n) => n * slotBytes,
    address: (n) => names.bytes.readUInt32BE(n * SOCKADDR + 4),
    port: (n) => names.bytes.readUInt16BE(n * SOCKADDR + 2),
  };
}

/** Blocks `from` to `to` of a file that is in memory at `at`. */
export type Run = { at: number; sizeBytes: number; blockBytes: number; from: number; to: number };
export type Failed<Tag> = (tag: Tag, errno: number, wasCut: boolean) => void;
export type Sender<Tag> = {
  /** Bytes that stay where they are until `flush`. False where there is no room: flush, and try again. */
  packet(to: Endpoint, at: number, length: number, tag: Tag): boolean;
  /** The blocks as one message that the kernel cuts; at most `maxRunBlocks` and 64 kB. */
  run(to: Endpoint, run: Run, tag: Tag): boolean;
  /** Sends everything through this socket; what can not be sent is told and left out. */
  flush(fd: number, failed: Failed<Tag>): void;
};

const slots = 256;
const slotBlocks = 2048;
/** The kernel cuts a message into at most 64 (UDP_MAX_SEGMENTS) of together 65,507 bytes. */
export const maxRunBlocks = (blockBytes: number): number => Math.max(1, Math.min(64, Math.floor(65_507 / (blockBytes + HEADER))));

export function openSender<Tag>(native: Native): Sender<Tag> {
  const vector = allocate(native, slots * MSGHDR);
  const names = allocate(native, slots * SOCKADDR);
  const controls = allocate(native, slots * CONTROL);
  const iovecs = allocate(native, slotBlocks * 2 * IOVEC);
  const headers = allocate(native, slotBlocks * HEADER);
  const tags: Tag[] = [];
  let usedIovecs = 0;
  let usedHeaders = 0;
  for (let n = 0; n < slots; n++) {
    writePointer(vector, n * MSGHDR, names.at + n * SOCKADDR);
    vector.u32[n * MSGHDR / 4 + 2] = SOCKADDR;
    writePointer(controls, n * CONTROL, 18);
    controls.u32.set([SOL_UDP, UDP_SEGMENT], n * CONTROL / 4 + 2);
  }

  function iovec(at: number, length: number): void {
    writePointer(iovecs, usedIovecs * IOVEC, at);
    writePointer(iovecs, usedIovecs * IOVEC + 8, length);
    usedIovecs += 1;
  }

  /** `cutBytes` 0: one datagram. */
  function message(to: Endpoint, firstIovec: number, cutBytes: number, tag: Tag): void {
    const n = tags.push(tag) - 1;
    writeEndpoint(names, n * SOCKADDR, to);
    writePointer(vector, n * MSGHDR + 16, iovecs.at + firstIovec * IOVEC);
    writePointer(vector, n * MSGHDR + 24, usedIovecs - firstIovec);
    writePointer(vector, n * MSGHDR + 32, cutBytes === 0 ? 0 : controls.at + n * CONTROL);
    writePointer(vector, n * MSGHDR + 40, cutBytes === 0 ? 0 : CONTROL);
    controls.u16[n * CONTROL / 2 + 8] = cutBytes;
  }

  function block(number: number, { at, sizeBytes, blockBytes }: Run): void {
    const start = (number - 1) * blockBytes;
    const header = usedHeaders * HEADER;
    usedHeaders += 1;
    headers.bytes[header + 1] = OP_DATA;
    headers.bytes[header + 2] = number >>> 8;
    headers.bytes[header + 3] = number;
    iovec(headers.at + header, HEADER);
    if (sizeBytes > start) iovec(at + start, Math.min(blockBytes, sizeBytes - start));
  }

  const hasRoom = (blocks: number): boolean => tags.length < slots && usedHeaders + blocks <= slotBlocks && usedIovecs + 2 * blocks <= 2 * slotBlocks;
  return {
    packet(to, at, length, tag) {
      if (!hasRoom(1)) return false;
      iovec(at, length);
      message(to, usedIovecs - 1, 0, tag);
      return true;
    },
    run(to, run, tag) {
      if (!hasRoom(run.to - run.from + 1)) return false;
      const first = usedIovecs;
      for (let number = run.from; number <= run.to; number++) block(number, run);
      message(to, first, run.to > run.from ? run.blockBytes + HEADER : 0, tag);
      return true;
    },
    flush(fd, failed) {
      const lost: { tag: Tag; errno: number; wasCut: boolean }[] = [];
      for (let at = 0; at < tags.length;) {
        const sent = native.sendmmsg(fd, vector.at + at * MSGHDR, tags.length - at, 0);
        if (sent > 0) { at += sent; continue; }
        const errno = native.errno();
        if (errno === EINTR) continue;
        lost.push({ tag: tags[at] as Tag, errno, wasCut: vector.u32[at * MSGHDR / 4 + 10] !== 0 });
        at += 1;
      }
      tags.length = usedIovecs = usedHeaders = 0;
      for (const each of lost) failed(each.tag, each.errno, each.wasCut); // may queue again
    },
  };
}
