/** Hears read requests and starts transfers. Anything else gets the error its RFC names, or silence. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isDeepStrictEqual } from 'node:util';
import { IronbusError } from '@ironbus/contracts';
import type { Logger } from '@ironbus/runtime';
import { decodeTftp, encodeError, TftpError, TftpOp, type TftpRequest } from '@ironbus/wire';
import type { TftpConfig } from '../config.ts';
import { negotiate } from '../core/negotiate.ts';
import { openFastTransfers, type FastTransfers } from './fast-transfers.ts';
import type { Files } from './files.ts';
import { findContent, type Found } from './find-content.ts';
import { openNative } from './native.ts';
import { asIs, idOf, ownPort, sharedPort } from './ports.ts';
import { slowTransfers, type Ended, type RunTransfer } from './run-transfer.ts';
import type { Lease } from './shared-file.ts';
import type { Virtual } from './virtual.ts';

export type Watcher = {
  asked(peer: string, request: TftpRequest): void;
  refused(peer: string, file: string, reason: string): void;
  ended(peer: string, transfer: { file: string; blockBytes: number; windowBlocks: number; seconds: number }, how: Ended): void;
};
type Options = { config: TftpConfig; files: Files; virtual: Pick<Virtual, 'ask'>; watcher: Watcher; log: Logger };
export type TftpServer = { start(): Promise<void>; stop(): Promise<void>; port(): number; running(): number };
/** One client's request, from its first packet to the end of its transfer. */
type Going = { readonly request: TftpRequest; stop(): void; isLeft(): Promise<boolean>; over: boolean };

export function createTftpServer(options: Options): TftpServer {
  const { config, log } = options;
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024, ...(config.singlePort && { lookup: asIs }) });
  const shared = config.singlePort ? sharedPort(socket) : undefined;
  const fast = shared === undefined && config.nativeIo ? fastTransfers(config, log) : undefined;
  const requests = createRequests(options, { run: fast?.run ?? slowTransfers(shared?.open ?? ownPort(config.host)), refuse: (to, code, message) => refuse(socket, to, code, message) });
  let bound = false;
  let closed = false;

  socket.on('message', (bytes, from) => {
    if (from.port === 0) return; // nobody can be answered there, and Node throws where one tries
    if (shared !== undefined && !isRequest(bytes)) return void shared.deliver(from, bytes); // a late ACK of a finished transfer: an error could end the client's next one
    const decoded = decodeTftp(bytes);
    if (!decoded.ok) {
      log.debug({ peer: from.address, reason: decoded.why }, 'not a TFTP packet');
      if (decoded.why !== 'too-short') refuse(socket, from, TftpError.illegalOperation, decoded.why);
      if (isRequest(bytes)) options.watcher.refused(from.address, firstWord(bytes), decoded.why);
      return;
    }
    const { packet } = decoded;
    if (packet.kind === 'rrq') requests.hear(packet, from);
    else if (packet.kind === 'wrq') { refuse(socket, from, TftpError.accessViolation, 'read-only'); options.watcher.refused(from.address, packet.file, 'read-only'); }
    else if (packet.kind !== 'error') refuse(socket, from, TftpError.unknownTransferId, 'no such transfer');
  });

  return {
    port: () => bound ? socket.address().port : 0, running: () => requests.going(),
    start: async () => { await listen(socket, config, log); bound = true; },
    async stop() {
      requests.stop();
      bound = false;
      if (closed) return;
      closed = true;
      await fast?.stop();
      await new Promise<void>((resolve) => { socket.close(resolve); });
    },
  };
}

function fastTransfers({ host }: TftpConfig, log: Logger): FastTransfers | undefined {
  const opened = openNative();
  if (opened.ok) return openFastTransfers(opened.libc, host);
  log.info({ reason: opened.why }, 'transfers go through the slower sockets of Node');
  return undefined;
}

const isRequest = (bytes: Buffer): boolean => bytes[0] === 0 && (bytes[1] === TftpOp.rrq || bytes[1] === TftpOp.wrq);

/** What stands where a request's file name is. */
const firstWord = (bytes: Buffer): string => { const nul = bytes.indexOf(0, 2); return bytes.toString('latin1', 2, nul < 0 ? bytes.length : nul); };

type Wire = { run: RunTransfer; refuse(to: RemoteInfo, code: number, message: string): void };

/** The requests going on, by client address and port: a client that repeats its request gets one transfer, and another only where it left the first. */
function createRequests({ config, files, virtual, watcher, log }: Options, wire: Wire) {
  const going = new Map<string, Going>();
  let stopped = false;

  function hear(request: TftpRequest, from: RemoteInfo): void {
    const id = idOf(from);
    const before = going.get(id);
    if (stopped) return;
    if (before !== undefined && isDeepStrictEqual(before.request, request)) return hearAgain(before, from);
    before?.stop();
    if (going.size >= config.maxTransfers) return log.debug({ reason: 'too-many-transfers', peer: id }, 'request left unanswered');
    const mine: Going = { request, over: false, stop() { end(id, mine); }, isLeft: async () => mine.over };
    going.set(id, mine);
    watcher.asked(from.address, request);
    void findContent(request, from.address, { files, virtual, log }).then((found) => answer(found, mine, from));
  }

  /** Repeated while its transfer goes on, whose own timer answers; or asked once more after it, from the same port. */
  function hearAgain(before: Going, from: RemoteInfo): void {
    void before.isLeft().then((isLeft) => {
      if (!isLeft) return;
      if (going.get(idOf(from)) === before) {
        before.stop();
        end(idOf(from), before);
      }
      hear(before.request, from);
    });
  }

  function end(id: string, mine: Going): void {
    mine.over = true;
    if (going.get(id) === mine) going.delete(id);
  }

  function answer(found: Found, mine: Going, from: RemoteInfo): void {
    if (mine.over) { if (found.is === 'content') found.lease.release(); return; }
    if (found.is === 'content') return serve(found.lease, mine, from);
    end(idOf(from), mine);
    if (found.is === 'wait') return log.debug({ reason: 'not-ready', peer: from.address, file: mine.request.file }, 'request left unanswered');
    wire.refuse(from, found.code, found.message);
    watcher.refused(from.address, mine.request.file, found.reason);
  }

  function serve({ bytes, release }: Lease, mine: Going, from: RemoteInfo): void {
    const agreed = negotiate(mine.request.options, bytes.length, { maxBlockBytes: config.maxBlockBytes, maxWindowBlocks: config.maxWindowBlocks, timeoutSeconds: config.retransmitSeconds });
    const started = performance.now();
    const running = wire.run({ peer: { address: from.address, port: from.port }, content: bytes, agreed, maxTries: config.maxTries });
    mine.stop = () => running.stop();
    mine.isLeft = () => running.isLeft();
    void running.ended.then((how) => {
      release();
      end(idOf(from), mine);
      watcher.ended(from.address, { file: mine.request.file, blockBytes: agreed.blockBytes, windowBlocks: agreed.windowBlocks, seconds: (performance.now() - started) / 1000 }, how);
    });
  }

  return { hear, going: () => going.size, stop: () => { stopped = true; for (const one of [...going.values()]) one.stop(); } };
}

const refuse = (socket: Socket, to: RemoteInfo, code: number, message: string): void => socket.send(encodeError(code, message), to.port, to.address);

function listen(socket: Socket, { host, port }: TftpConfig, log: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('stopped before the port was bound')));
    socket.once('error', (cause) => reject(new IronbusError('PORT_UNAVAILABLE', describeFailure(cause as NodeJS.ErrnoException, host, port), { cause })));
    socket.bind(port, host, () => {
      socket.removeAllListeners('error');
      socket.on('error', (error) => log.warn({ err: error }, 'a reply could not be sent'));
      resolve();
    });
  });
}

function describeFailure({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  const said = `UDP ${host}:${port} can not be used for TFTP (${code ?? message})`;
  if (code === 'EACCES' || code === 'EPERM') return `${said}: run as root, give the process CAP_NET_BIND_SERVICE, or set TFTP_PORT to one above 1023 (firmware asks on 69 only)`;
  if (code === 'EADDRINUSE') return `${said}: stop what uses it ("ss -ulpn" shows it), or set TFTP_PORT to another one (firmware asks on 69 only)`;
  return `${said}: set TFTP_HOST to an address of this host, or TFTP_PORT to another port`;
}
