/** Transfers in a thread of their own (`engine.ts`): a handful of ports for all of them, opened with the first one. */
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { decodeTftp, encodeError, encodeOack, TftpError } from '@ironbus/wire';
import type { FromEngine, HowEnded, ToEngine } from './engine.ts';
import type { ThreadData } from './engine-thread.ts';
import { addressNumber, allocate, writeEndpoint } from './memory.ts';
import type { Native } from './native.ts';
import { messageLimit, type Ended, type RunTransfer } from './run-transfer.ts';

const ports = 8;
const [AF_INET, SOCK_DGRAM_CLOEXEC, EFD_CLOEXEC, SOL_SOCKET, SO_SNDBUF, SO_RCVBUF, SO_SNDTIMEO] = [2, 2 | 0x80000, 0x80000, 1, 7, 8, 21];
const bufferBytes = 4 * 1024 * 1024;
/** Sending waits for the network's card; not for ever. */
const sendPatienceMicroseconds = 100_000;

/** An idle thread costs some megabytes, and keeps the files it sent from being given back. */
const idleMs = 30_000;

/** Bundled (deploy/compose/bundle.mjs), this module is in `main.mjs`, and the thread a file of its own. */
const threadFile = new URL(import.meta.url.endsWith('.mjs') ? 'shell/engine-thread.mjs' : 'engine-thread.ts', import.meta.url);

export type FastTransfers = { run: RunTransfer; stop(): Promise<void> };
type Known = {
  content: Buffer; blockBytes: number; ended(how: Ended): void;
  /** Who waits to be told whether the client has left, in the order asked. */
  readonly askers: ((isLeft: boolean) => void)[];
};
type Thread = { tell(message: ToEngine): void; stop(): Promise<void> };

/** `host` is the address that transfers are sent from. The thread is there from the first transfer until half a minute after the last. */
export function openFastTransfers(native: Native, host: string, { idleForMs = idleMs }: { idleForMs?: number } = {}): FastTransfers {
  const running = new Map<number, Known>();
  let thread: Thread | undefined;
  let lastId = 0;
  let timer: NodeJS.Timeout | undefined;

  function hear(message: FromEngine): void {
    const known = running.get(message.id);
    if ('isLeft' in message) return known?.askers.shift()?.(message.isLeft);
    running.delete(message.id);
    if (running.size === 0) timer = setTimeout(() => void stop(), idleForMs).unref();
    known?.ended(endedOf(message, known));
    for (const tell of known?.askers ?? []) tell(true);
  }
  async function stop(): Promise<void> {
    clearTimeout(timer);
    const ending = thread;
    thread = undefined;
    await ending?.stop();
  }
  return {
    run({ peer, content, agreed, maxTries }) {
      const { promise: ended, resolve } = Promise.withResolvers<Ended>();
      const id = ++lastId;
      clearTimeout(timer);
      try {
        thread ??= startThread(native, host, hear);
      } catch (error) {
        resolve({ ok: false, reason: 'send-failed', bytes: 0, message: (error as Error).message });
        return { ended, stop: () => undefined, isLeft: async () => true };
      }
      const known: Known = { content, blockBytes: agreed.blockBytes, ended: resolve, askers: [] };
      const mine = thread;
      running.set(id, known);
      mine.tell({ begin: {
        id, to: { address: addressNumber(peer.address), port: peer.port }, content: shareable(content), blockBytes: agreed.blockBytes, windowBlocks: agreed.windowBlocks,
        timeoutMs: agreed.timeoutSeconds * 1000, maxTries, oack: agreed.oack.length === 0 ? new Uint8Array() : Uint8Array.from(encodeOack(agreed.oack)),
      } });
      return {
        ended, stop: () => mine.tell({ stop: id }),
        isLeft: () => new Promise((tell) => {
          if (!running.has(id)) return tell(true);
          known.askers.push(tell);
          mine.tell({ isLeft: id });
        }),
      };
    },
    stop,
  };
}

/** Files are in shared memory and are not copied; of a text, which is part of a larger Buffer, its bytes alone are. */
const shareable = (content: Buffer): Uint8Array => content.buffer instanceof SharedArrayBuffer ? content : Uint8Array.from(content);

function endedOf(message: HowEnded, { content, blockBytes }: Known): Ended {
  if (message.ok) return { ok: true, bytes: content.length, retransmitted: message.retransmitted };
  const bytes = Math.min(content.length, Math.max(0, message.acked) * blockBytes);
  const said = message.packet === undefined ? undefined : decodeTftp(message.packet);
  const words = said?.ok === true && said.packet.kind === 'error' ? `${said.packet.code} ${said.packet.message}` : message.errno;
  return { ok: false, reason: message.reason, bytes, ...(words !== undefined && { message: words.slice(0, messageLimit) }) };
}

function startThread(native: Native, host: string, hear: (message: FromEngine) => void): Thread {
  const sockets = openSockets(native, host);
  const wakeup = native.eventfd(0, EFD_CLOEXEC);
  const { port1, port2 } = new MessageChannel();
  const stranger = Uint8Array.from(encodeError(TftpError.unknownTransferId, 'this transfer belongs to another client'));
  const workerData: ThreadData = { sockets, wakeup, stranger, inbox: port2 };
  const worker = new Worker(threadFile, { name: 'tftp-transfers', workerData, transferList: [port2] });
  worker.on('message', hear);
  const ended = once(worker, 'exit');
  const one = allocate(native, 8);
  one.bytes[0] = 1;
  let over = false;
  const tell = (message: ToEngine): void => {
    if (over) return;
    port1.postMessage(message);
    native.write(wakeup, one.at, 8);
  };
  const quit = (): void => tell({ quit: true });
  process.on('exit', quit); // Node waits for its threads, and one in poll(2) does not hear that it should end
  return {
    tell,
    async stop() {
      quit();
      await ended;
      over = true; // the descriptors may be another's from now on
      process.off('exit', quit);
      port1.close();
      for (const fd of [...sockets, wakeup]) native.close(fd);
    },
  };
}

/** Throws where there is a port too few. */
function openSockets(native: Native, host: string): number[] {
  const opened: number[] = [];
  try {
    while (opened.length < ports) opened.push(openSocket(native, host));
    return opened;
  } catch (error) {
    for (const fd of opened) native.close(fd);
    throw error;
  }
}

function openSocket(native: Native, host: string): number {
  const fd = native.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  const value = allocate(native, 16);
  for (const name of [SO_SNDBUF, SO_RCVBUF]) {
    value.u32[0] = bufferBytes;
    native.setsockopt(fd, SOL_SOCKET, name, value.at, 4);
  }
  value.u32.set([0, 0, sendPatienceMicroseconds, 0]);
  native.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, value.at, 16);
  value.bytes.fill(0);
  writeEndpoint(value, 0, { address: addressNumber(host), port: 0 });
  if (fd >= 0 && native.bind(fd, value.at, 16) === 0) return fd;
  const why = native.errorName(native.errno());
  if (fd >= 0) native.close(fd);
  throw new Error(`no port for transfers: ${why}`);
}
