/**
 * Runs transfers through native sockets in a thread that does nothing else: it waits in poll(2), takes all ACKs that wait at once, tells them
 * to the state machine, and sends the answers to all of them at once. What begins and ends a transfer comes and goes as a message.
 *
 * The transfers share a few ports. A transfer is known by both ends' address and port (RFC 1350 §4), so a client has at most one on each,
 * and whoever sends to a port where he has none gets error 5.
 */
import { begin, blockCount, onAck, onTimeout, type Action, type Transfer } from '../core/transfer.ts';
import { allocate, maxRunBlocks, openReceiver, openSender, type Endpoint, type Memory } from './datagrams.ts';
import type { Native } from './native.ts';

export type Begin = {
  id: number; to: Endpoint; content: Uint8Array; blockBytes: number; windowBlocks: number; timeoutMs: number; maxTries: number;
  /** The whole packet; empty where none is sent. */
  oack: Uint8Array;
};
export type ToEngine = { begin: Begin } | { stop: number } | { quit: true };
export type FromEngine =
  | { id: number; ok: true; retransmitted: number }
  /** `acked`: blocks the client has; `packet`: the ERROR that the client sent; `errno`: why nothing could be sent. */
  | { id: number; ok: false; reason: 'client-gone' | 'client-aborted' | 'send-failed' | 'stopped'; acked: number; packet?: Uint8Array; errno?: string };

export type EngineOptions = {
  native: Native; sockets: readonly number[]; wakeup: number;
  /** What a stranger is told. */
  stranger: Uint8Array;
  next(): ToEngine | undefined;
  tell(message: FromEngine): void;
};

type Going = {
  readonly id: number; readonly to: Endpoint; readonly socket: number; readonly content: Uint8Array; readonly at: number;
  readonly blockBytes: number; readonly timeoutMs: number; readonly maxTries: number; readonly oack: Uint8Array; readonly oackAt: number;
  state: Transfer; deadline: number; isCut: boolean;
};

const maxBackOff = 8;
const OP_ACK = 4;
const OP_ERROR = 5;
const POLLIN = 1;
/** What passes by itself, and what a repetition repairs; EIO and EINVAL too where the kernel was to cut (no checksum offload, a smaller MTU). */
const passing: ReadonlySet<string> = new Set(['EAGAIN', 'ENOBUFS', 'ENOMEM', 'ECONNREFUSED']);
const uncut: ReadonlySet<string> = new Set(['EIO', 'EINVAL', 'EMSGSIZE', 'EOPNOTSUPP', 'ENOPROTOOPT']);

/** Returns when it is told to quit. */
export function runEngine({ native, sockets, wakeup, stranger, next, tell }: EngineOptions): void {
  const receiver = openReceiver(native, { slots: 64, slotBytes: 576 });
  const sender = openSender<Going | undefined>(native);
  const going = sockets.map(() => new Map<number, Going>());
  const byId = new Map<number, Going>();
  const fds = pollSet(native, [wakeup, ...sockets]);
  const strangerAt = native.addressOf(stranger);
  let now = performance.now();
  let nextDeadline = Number.POSITIVE_INFINITY;
  let quit = false;

  const keyOf = (address: number, port: number): number => address * 65_536 + port;
  const flush = (socket: number): void => sender.flush(sockets[socket] ?? -1, failed);

  function failed(transfer: Going | undefined, errno: number, wasCut: boolean): void {
    const name = native.errorName(errno);
    if (transfer === undefined || passing.has(name) || !byId.has(transfer.id)) return;
    if (!wasCut || !uncut.has(name)) return end(transfer, { id: transfer.id, ok: false, reason: 'send-failed', acked: transfer.state.acked, errno: name });
    transfer.isCut = false;
    sendBlocks(transfer, transfer.state.acked + 1, transfer.state.sent);
    flush(transfer.socket);
  }

  function end(transfer: Going, how: FromEngine): void {
    byId.delete(transfer.id);
    going[transfer.socket]?.delete(keyOf(transfer.to.address, transfer.to.port));
    tell(how);
  }
  const fail = (transfer: Going, reason: 'client-gone' | 'client-aborted' | 'stopped', packet?: Uint8Array): void =>
    end(transfer, { id: transfer.id, ok: false, reason, acked: transfer.state.acked, ...(packet && { packet }) });

  function perform(transfer: Going, { state, action }: { state: Transfer; action: Action }): void {
    transfer.state = state;
    switch (action.do) {
      case 'wait': return;
      case 'complete': return end(transfer, { id: transfer.id, ok: true, retransmitted: state.retransmitted });
      case 'fail': return fail(transfer, action.reason);
      case 'send-oack': sendPacket(transfer.socket, transfer.to, { at: transfer.oackAt, length: transfer.oack.length }, transfer); break;
      case 'send-blocks': sendBlocks(transfer, action.from, action.to); break;
    }
    transfer.deadline = now + transfer.timeoutMs * Math.min(2 ** state.tries, maxBackOff);
    nextDeadline = Math.min(nextDeadline, transfer.deadline);
  }

  function sendBlocks(transfer: Going, from: number, to: number): void {
    const { at, content, blockBytes, socket } = transfer;
    const most = transfer.isCut ? maxRunBlocks(blockBytes) : 1;
    for (let first = from; first <= to; first += most) {
      const run = { at, sizeBytes: content.length, blockBytes, from: first, to: Math.min(to, first + most - 1) };
      if (sender.run(transfer.to, run, transfer)) continue;
      flush(socket);
      sender.run(transfer.to, run, transfer);
    }
  }

  function sendPacket(socket: number, to: Endpoint, { at, length }: { at: number; length: number }, transfer?: Going): void {
    if (sender.packet(to, at, length, transfer)) return;
    flush(socket);
    sender.packet(to, at, length, transfer);
  }

  function open({ id, to, content, blockBytes, windowBlocks, timeoutMs, maxTries, oack }: Begin): void {
    const key = keyOf(to.address, to.port);
    const first = Math.floor(Math.random() * sockets.length);
    const socket = sockets.map((_, n) => (first + n) % sockets.length).find((n) => !going[n]?.has(key)) ?? first;
    const before = going[socket]?.get(key);
    if (before !== undefined) fail(before, 'stopped');
    const started = begin({ totalBlocks: blockCount(content.length, blockBytes), windowBlocks, oack: oack.length > 0 });
    const transfer: Going = { id, to, socket, content, at: content.length === 0 ? 0 : native.addressOf(content), blockBytes, timeoutMs, maxTries, oack, oackAt: oack.length === 0 ? 0 : native.addressOf(oack), state: started.state, deadline: 0, isCut: true };
    byId.set(id, transfer);
    going[socket]?.set(key, transfer);
    perform(transfer, started);
    flush(socket);
  }

  function hear(socket: number): void {
    const count = receiver.receive(sockets[socket] ?? -1);
    const transfers = going[socket];
    const { bytes } = receiver;
    for (let n = 0; n < count; n++) {
      const [address, port, at, length] = [receiver.address(n), receiver.port(n), receiver.offset(n), receiver.length(n)];
      const transfer = transfers?.get(keyOf(address, port));
      const op = length < 4 || bytes[at] !== 0 ? 0 : bytes[at + 1];
      if (transfer === undefined) { if (op !== OP_ERROR) sendPacket(socket, { address, port }, { at: strangerAt, length: stranger.length }); }
      else if (op === OP_ACK) perform(transfer, onAck(transfer.state, (bytes[at + 2] ?? 0) << 8 | (bytes[at + 3] ?? 0)));
      else if (op === OP_ERROR) fail(transfer, 'client-aborted', Uint8Array.from(bytes.subarray(at, at + length)));
    }
    flush(socket);
  }

  function obey(): void {
    for (let message = next(); message !== undefined; message = next()) {
      if ('begin' in message) open(message.begin);
      else if ('quit' in message) quit = true;
      else {
        const transfer = byId.get(message.stop);
        if (transfer !== undefined) fail(transfer, 'stopped');
      }
    }
  }

  function expire(): void {
    nextDeadline = Number.POSITIVE_INFINITY;
    for (const transfer of [...byId.values()]) {
      if (transfer.deadline > now) { nextDeadline = Math.min(nextDeadline, transfer.deadline); continue; }
      perform(transfer, onTimeout(transfer.state, transfer.maxTries));
      flush(transfer.socket);
    }
  }

  while (!quit) {
    fds.wait(nextDeadline === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(nextDeadline - now)));
    now = performance.now();
    if (fds.isReady(0)) { fds.drain(); obey(); }
    for (let socket = 0; socket < sockets.length; socket++) if (fds.isReady(socket + 1)) hear(socket);
    if (now >= nextDeadline) expire();
  }
  for (const transfer of [...byId.values()]) fail(transfer, 'stopped');
}

/** pollfd: 4 bytes of descriptor, 2 of what is waited for, 2 of what came. The first is an eventfd. */
function pollSet(native: Native, descriptors: readonly number[]): { wait(timeoutMs: number): void; isReady(n: number): boolean; drain(): void } {
  const set: Memory = allocate(native, descriptors.length * 8);
  const count = allocate(native, 8);
  for (const [n, fd] of descriptors.entries()) {
    set.u32[n * 2] = fd;
    set.u16[n * 4 + 2] = POLLIN;
  }
  return {
    wait: (timeoutMs) => { if (native.poll(set.at, descriptors.length, timeoutMs) < 0) set.u16.forEach((_, n) => { if (n % 4 === 3) set.u16[n] = 0; }); },
    isReady: (n) => set.u16[n * 4 + 3] !== 0,
    drain: () => void native.read(descriptors[0] ?? -1, count.at, 8),
  };
}
