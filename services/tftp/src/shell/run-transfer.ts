/** Performs one transfer through Node's sockets: what the state machine says is sent, what comes is told to it, and the timer is kept. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { dataHeader, DATA_HEADER_BYTES, decodeTftp, encodeOack } from '@ironbus/wire';
import type { Agreed } from '../core/negotiate.ts';
import { begin, blockCount, isLeft as wasLeft, onAck, onTimeout, patienceMs, type Stepped } from '../core/transfer.ts';
import type { OpenPort, Peer, Port } from './ports.ts';

export type Ended =
  | { ok: true; bytes: number; retransmitted: number }
  | { ok: false; reason: 'client-gone' | 'client-aborted' | 'send-failed' | 'stopped'; message?: string; bytes: number };
export type Running = {
  readonly ended: Promise<Ended>;
  stop(): void;
  /** Whether it is over or the client has left it (`isLeft` of core/transfer.ts). */
  isLeft(): Promise<boolean>;
};

/** What is transferred to whom, and how. */
export type Wanted = { peer: Peer; content: Buffer; agreed: Agreed; maxTries: number };
/** Never rejects: how it ended is a value. */
export type RunTransfer = (wanted: Wanted) => Running;
export const messageLimit = 200;

/** Through Node's own sockets: for one port, and where the native ones can not be had. */
export const slowTransfers = (open: OpenPort): RunTransfer => ({ peer, content, agreed, maxTries }) => {
  const { promise: ended, resolve } = Promise.withResolvers<Ended>();
  const port = open(peer, { ready: () => perform(stepped), packet: hear, failed: (why) => fail('send-failed', why) });
  const send = sender(port, content, agreed);
  const patience = repeater(() => perform(onTimeout(stepped.state, maxTries)));
  let over = false;
  let stepped: Stepped = begin({ totalBlocks: blockCount(content.length, agreed.blockBytes), windowBlocks: agreed.windowBlocks, oack: agreed.oack.length > 0 });

  function end(how: Ended): void {
    if (over) return;
    over = true;
    patience.stop();
    port.close();
    resolve(how);
  }
  const fail = (reason: Extract<Ended, { ok: false }>['reason'], message?: string): void =>
    end({ ok: false, reason, bytes: Math.min(content.length, Math.max(0, stepped.state.acked) * agreed.blockBytes), ...(message !== undefined && { message: message.slice(0, messageLimit) }) });
  function perform(next: Stepped): void {
    stepped = next;
    const { action, state } = next;
    switch (action.do) {
      case 'wait': return;
      case 'complete': return end({ ok: true, bytes: content.length, retransmitted: state.retransmitted });
      case 'fail': return fail(action.reason);
      case 'send-oack': send.oack(); break;
      case 'send-blocks': for (let block = action.from; block <= action.to; block++) send.block(block); break;
    }
    patience.start(patienceMs(state, agreed.timeoutSeconds * 1000));
  }

  function hear(bytes: Buffer): void {
    const decoded = decodeTftp(bytes);
    if (!decoded.ok || over) return;
    if (decoded.packet.kind === 'ack') perform(onAck(stepped.state, decoded.packet.block));
    else if (decoded.packet.kind === 'error') fail('client-aborted', `${decoded.packet.code} ${decoded.packet.message}`);
  }

  /** A client sends its last ACK before it asks again, to another socket, which may be read after this one: at the latest in the next turn. */
  async function isLeft(): Promise<boolean> {
    await nextTurn();
    await nextTurn();
    return over || wasLeft(stepped.state);
  }
  return { ended, stop: () => fail('stopped'), isLeft };
};

/** Header and payload go out as one buffer, which is sent at once; a list of two would be copied by Node for each block. */
function sender(port: Port, content: Buffer, { oack, blockBytes }: Agreed): { oack(): void; block(number: number): void } {
  return {
    oack: () => port.send(encodeOack(oack)),
    block(number) {
      const start = (number - 1) * blockBytes;
      const end = Math.min(start + blockBytes, content.length);
      const packet = Buffer.allocUnsafe(DATA_HEADER_BYTES + end - start);
      dataHeader(number & 0xffff, packet);
      content.copy(packet, DATA_HEADER_BYTES, start, end);
      port.send(packet);
    },
  };
}

/** One timer that is pushed back by every packet sent; a new one is made only when the time to wait changes. */
function repeater(onTime: () => void): { start(ms: number): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let timerMs = 0;
  return {
    start(ms) {
      if (timer !== undefined && ms === timerMs) return void timer.refresh();
      clearTimeout(timer);
      timerMs = ms;
      timer = setTimeout(onTime, ms);
    },
    stop: () => clearTimeout(timer),
  };
}
