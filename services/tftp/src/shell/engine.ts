/**
 * Runs transfers through native sockets in a thread that does nothing else: it takes all ACKs that wait at once, tells them to the state
 * machine, and sends the answers to all of them at once. What begins and ends a transfer comes and goes as a message.
 *
 * The transfers share a few ports. A transfer is known by both ends' address and port (RFC 1350 §4), so a client has at most one on each,
 * and whoever sends to a port where he has none gets error 5.
 */
import { begin, blockCount, isLeft, onAck, onTimeout, patienceMs, type Stepped, type Transfer } from '../core/transfer.ts';
import { allocate, type Endpoint, type Memory } from './memory.ts';
import type { Native } from './native.ts';
import { PollSet } from './poll-set.ts';
import { Receiver } from './receiver.ts';
import { maxRunBlocks, Sender } from './sender.ts';

export type Begin = {
  id: number; to: Endpoint; content: Uint8Array; blockBytes: number; windowBlocks: number; timeoutMs: number; maxTries: number;
  /** The whole packet; empty where none is sent. */
  oack: Uint8Array;
};
export type ToEngine = { begin: Begin } | { stop: number } | { isLeft: number } | { quit: true };
export type FromEngine = HowEnded | { id: number; isLeft: boolean };
export type HowEnded =
  | { id: number; ok: true; retransmitted: number }
  /** `acked`: blocks the client has; `packet`: the ERROR that the client sent; `errno`: why nothing could be sent. */
  | { id: number; ok: false; reason: 'client-gone' | 'client-aborted' | 'send-failed' | 'stopped'; acked: number; packet?: Uint8Array; errno?: string };

export type EngineOptions = {
  native: Native; sockets: readonly number[];
  /** An eventfd that is written to when `next` has something. */
  wakeup: number;
  /** What a stranger is told. */
  stranger: Uint8Array;
  next(): ToEngine | undefined;
  tell(message: FromEngine): void;
};

type Bytes = { at: number; length: number };
/** `content` and `oack` are held so that what is at `at` and `oackAt` stays. */
type Going = Begin & { readonly socket: number; readonly at: number; readonly oackAt: Bytes; state: Transfer; deadline: number; isCut: boolean };

const [OP_ACK, OP_ERROR] = [4, 5];
const overMs = 5_000;
const mostOver = 4_096;
/** What passes by itself: a repetition repairs it. */
const passing: ReadonlySet<string> = new Set(['EAGAIN', 'ENOBUFS', 'ENOMEM', 'ECONNREFUSED']);
/** The kernel will not cut: no checksum offload, a smaller MTU, a kernel before 4.18. */
const uncut: ReadonlySet<string> = new Set(['EIO', 'EINVAL', 'EMSGSIZE', 'EOPNOTSUPP', 'ENOPROTOOPT']);
const keyOf = ({ address, port }: Endpoint): number => address * 65_536 + port;

export class Engine {
  readonly #options: EngineOptions;
  readonly #receiver: Receiver;
  readonly #sender: Sender<Going | undefined>;
  /** By socket, then by peer. */
  readonly #going: readonly Map<number, Going>[];
  /** By socket and peer, until when: a late ACK of a transfer that is over is no stranger's, and an error could end the client's next one. */
  readonly #over: readonly Map<number, number>[];
  readonly #byId = new Map<number, Going>();
  readonly #poll: PollSet;
  readonly #stranger: Bytes;
  readonly #counter: Memory;
  #now = performance.now();
  #nextDeadline = Number.POSITIVE_INFINITY;
  #quits = false;

  constructor(options: EngineOptions) {
    const { native, sockets, wakeup, stranger } = options;
    this.#options = options;
    this.#receiver = new Receiver(native, { slots: 64, slotBytes: 576 });
    this.#sender = new Sender(native);
    this.#going = sockets.map(() => new Map());
    this.#over = sockets.map(() => new Map());
    this.#poll = new PollSet(native, [wakeup, ...sockets]);
    this.#stranger = { at: native.addressOf(stranger), length: stranger.length };
    this.#counter = allocate(native, 8);
  }

  /** Returns when it is told to quit. */
  run(): void {
    const { sockets } = this.#options;
    while (!this.#quits) {
      this.#poll.wait(this.#byId.size === 0 ? undefined : this.#nextDeadline - this.#now);
      this.#now = performance.now();
      if (this.#poll.isReady(0)) this.#obey();
      for (let socket = 0; socket < sockets.length; socket++) if (this.#poll.isReady(socket + 1)) this.#hear(socket);
      if (this.#now >= this.#nextDeadline) this.#expire();
    }
    for (const transfer of [...this.#byId.values()]) this.#fail(transfer, { reason: 'stopped' });
  }

  #obey(): void {
    const { native, wakeup, next } = this.#options;
    native.read(wakeup, this.#counter.at, 8);
    for (let message = next(); message !== undefined; message = next()) {
      if ('begin' in message) this.#begin(message.begin);
      else if ('quit' in message) this.#quits = true;
      else if ('isLeft' in message) this.#tellWhetherLeft(message.isLeft);
      else {
        const transfer = this.#byId.get(message.stop);
        if (transfer !== undefined) this.#fail(transfer, { reason: 'stopped' });
      }
    }
  }

  /** A client sends its last ACK before it asks again: what waits is heard first. */
  #tellWhetherLeft(id: number): void {
    const asked = this.#byId.get(id);
    if (asked !== undefined) this.#hear(asked.socket);
    const transfer = this.#byId.get(id);
    this.#options.tell({ id, isLeft: transfer === undefined || isLeft(transfer.state) });
  }

  #begin(begun: Begin): void {
    const { native } = this.#options;
    const { content, oack, blockBytes, windowBlocks } = begun;
    const started = begin({ totalBlocks: blockCount(content.length, blockBytes), windowBlocks, oack: oack.length > 0 });
    const addressOf = (bytes: Uint8Array): number => bytes.length === 0 ? 0 : native.addressOf(bytes);
    const transfer: Going = {
      ...begun, socket: this.#freeSocket(begun.to), at: addressOf(content), oackAt: { at: addressOf(oack), length: oack.length },
      state: started.state, deadline: 0, isCut: true,
    };
    this.#byId.set(transfer.id, transfer);
    this.#going[transfer.socket]?.set(keyOf(transfer.to), transfer);
    this.#perform(transfer, started);
    this.#flush(transfer.socket);
  }

  /** At random (RFC 1350 §4) one where this peer has no transfer, nor had one just now; with one on each of them the first ends. */
  #freeSocket(peer: Endpoint): number {
    const key = keyOf(peer);
    const count = this.#going.length;
    const first = Math.floor(Math.random() * count);
    const order = Array.from({ length: count }, (_, n) => (first + n) % count);
    const free = order.filter((n) => !this.#going[n]?.has(key));
    const before = this.#going[first]?.get(key);
    if (free.length === 0 && before !== undefined) this.#fail(before, { reason: 'stopped' });
    return free.find((n) => !this.#isOver(n, key)) ?? free[0] ?? first;
  }

  #isOver(socket: number, key: number): boolean { return (this.#over[socket]?.get(key) ?? 0) > this.#now; }

  #hear(socket: number): void {
    const receiver = this.#receiver;
    const count = receiver.receive(this.#options.sockets[socket] ?? -1);
    for (let n = 0; n < count; n++) this.#packet(socket, n);
    this.#flush(socket);
  }

  #packet(socket: number, n: number): void {
    const { bytes } = this.#receiver;
    const at = this.#receiver.offset(n);
    const length = this.#receiver.length(n);
    const peer = { address: this.#receiver.address(n), port: this.#receiver.port(n) };
    const op = length < 4 || bytes[at] !== 0 ? 0 : bytes[at + 1];
    const transfer = this.#going[socket]?.get(keyOf(peer));
    if (transfer === undefined) { if (op !== OP_ERROR && !this.#isOver(socket, keyOf(peer))) this.#send(socket, peer, this.#stranger); }
    else if (op === OP_ACK) this.#perform(transfer, onAck(transfer.state, (bytes[at + 2] ?? 0) << 8 | (bytes[at + 3] ?? 0)));
    else if (op === OP_ERROR) this.#fail(transfer, { reason: 'client-aborted', packet: Uint8Array.from(bytes.subarray(at, at + length)) });
  }

  #perform(transfer: Going, { state, action }: Stepped): void {
    transfer.state = state;
    switch (action.do) {
      case 'wait': return;
      case 'complete': return this.#end(transfer, { id: transfer.id, ok: true, retransmitted: state.retransmitted });
      case 'fail': return this.#fail(transfer, { reason: action.reason });
      case 'send-oack': this.#send(transfer.socket, transfer.to, transfer.oackAt, transfer); break;
      case 'send-blocks': this.#sendBlocks(transfer, action.from, action.to); break;
    }
    transfer.deadline = this.#now + patienceMs(state, transfer.timeoutMs);
    this.#nextDeadline = Math.min(this.#nextDeadline, transfer.deadline);
  }

  #send(socket: number, to: Endpoint, bytes: Bytes, transfer?: Going): void {
    if (this.#sender.packet(to, bytes, transfer)) return;
    this.#flush(socket);
    this.#sender.packet(to, bytes, transfer);
  }

  #sendBlocks(transfer: Going, from: number, to: number): void {
    const { at, content, blockBytes, socket } = transfer;
    const most = transfer.isCut ? maxRunBlocks(blockBytes) : 1;
    for (let first = from; first <= to; first += most) {
      const run = { at, sizeBytes: content.length, blockBytes, from: first, to: Math.min(to, first + most - 1) };
      if (this.#sender.run(transfer.to, run, transfer)) continue;
      this.#flush(socket);
      this.#sender.run(transfer.to, run, transfer);
    }
  }

  #flush(socket: number): void { this.#sender.flush(this.#options.sockets[socket] ?? -1, this.#unsent); }

  readonly #unsent = (transfer: Going | undefined, errno: number, wasCut: boolean): void => {
    const name = this.#options.native.errorName(errno);
    if (transfer === undefined || passing.has(name) || !this.#byId.has(transfer.id)) return;
    if (!wasCut || !uncut.has(name)) return this.#fail(transfer, { reason: 'send-failed', errno: name });
    transfer.isCut = false;
    this.#sendBlocks(transfer, transfer.state.acked + 1, transfer.state.sent);
    this.#flush(transfer.socket);
  };

  #expire(): void {
    this.#nextDeadline = Number.POSITIVE_INFINITY;
    for (const transfer of [...this.#byId.values()]) {
      if (transfer.deadline > this.#now) { this.#nextDeadline = Math.min(this.#nextDeadline, transfer.deadline); continue; }
      this.#perform(transfer, onTimeout(transfer.state, transfer.maxTries));
      this.#flush(transfer.socket);
    }
  }

  #fail(transfer: Going, why: Pick<Extract<HowEnded, { ok: false }>, 'reason' | 'packet' | 'errno'>): void {
    this.#end(transfer, { id: transfer.id, ok: false, acked: transfer.state.acked, ...why });
  }

  #end(transfer: Going, how: HowEnded): void {
    const key = keyOf(transfer.to);
    const over = this.#over[transfer.socket];
    this.#byId.delete(transfer.id);
    this.#going[transfer.socket]?.delete(key);
    if (over !== undefined && over.size >= mostOver) over.clear();
    if (how.ok || how.reason !== 'client-gone') over?.set(key, this.#now + overMs); // one that was given up is told so when it comes back
    this.#options.tell(how);
  }
}
