/** Hears read requests and starts transfers. Anything else gets the error its RFC names, or silence. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isDeepStrictEqual } from 'node:util';
import { IronbusError } from '@ironbus/contracts';
import type { Logger } from '@ironbus/runtime';
import { decodeTftp, encodeError, TftpError, type TftpRequest } from '@ironbus/wire';
import type { TftpConfig } from '../config.ts';
import { negotiate } from '../core/negotiate.ts';
import { nameOf } from '../core/path.ts';
import type { Files } from './files.ts';
import { runTransfer, type Ended, type Running } from './run-transfer.ts';

export type Watcher = {
  asked(peer: string, request: TftpRequest): void;
  refused(peer: string, file: string, reason: string): void;
  ended(peer: string, transfer: { file: string; blockBytes: number; windowBlocks: number; seconds: number }, how: Ended): void;
};
type Options = { config: TftpConfig; files: Files; watcher: Watcher; log: Logger };
/** What the RFC's modes mean to us; `mail` (RFC 1350 §1) is obsolete and refused. */
const modes: ReadonlyMap<string, 'binary' | 'text'> = new Map([['octet', 'binary'], ['netascii', 'text']]);
export type TftpServer = { start(): Promise<void>; stop(): Promise<void>; port(): number; running(): number };

export function createTftpServer({ config, files, watcher, log }: Options): TftpServer {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  let bound = false;
  let closed = false;
  const transfers = new Map<string, { request: TftpRequest; running: Running }>();

  function onRequest(request: TftpRequest, from: RemoteInfo): void {
    const id = `${from.address}:${from.port}`;
    const before = transfers.get(id);
    if (before !== undefined && isDeepStrictEqual(before.request, request)) return; // repeated: its transfer's own timer answers
    before?.running.stop();
    if (transfers.size >= config.maxTransfers) return log.debug({ reason: 'too-many-transfers', peer: id }, 'request left unanswered');
    watcher.asked(from.address, request);
    const content = find(request, from);
    if (content !== undefined) serve(content, request, from, id);
  }

  function find(request: TftpRequest, from: RemoteInfo): Buffer | undefined {
    const named = nameOf(request.file);
    const mode = modes.get(request.mode);
    const content = named.ok ? files.read(named.name, mode ?? 'binary') : undefined;
    if (content !== undefined && mode !== undefined) return content;
    const [code, reason] = !named.ok ? [TftpError.accessViolation, named.reason] as const
      : content === undefined ? [TftpError.fileNotFound, 'no-such-file'] as const : [TftpError.illegalOperation, 'mode-not-served'] as const;
    refuse(socket, from, code, reason);
    watcher.refused(from.address, request.file, reason);
    return undefined;
  }

  function serve(content: Buffer, request: TftpRequest, from: RemoteInfo, id: string): void {
    const agreed = negotiate(request.options, content.length, { maxBlockBytes: config.maxBlockBytes, maxWindowBlocks: config.maxWindowBlocks, timeoutSeconds: config.retransmitSeconds });
    const started = performance.now();
    const running = runTransfer({ peer: { address: from.address, port: from.port }, content, agreed, maxTries: config.maxTries, host: config.host });
    transfers.set(id, { request, running });
    void running.ended.then((how) => {
      if (transfers.get(id)?.running === running) transfers.delete(id);
      watcher.ended(from.address, { file: request.file, blockBytes: agreed.blockBytes, windowBlocks: agreed.windowBlocks, seconds: (performance.now() - started) / 1000 }, how);
    });
  }

  socket.on('message', (bytes, from) => {
    const decoded = decodeTftp(bytes);
    if (!decoded.ok) return log.debug({ peer: from.address, reason: decoded.why }, 'not a TFTP packet');
    const { packet } = decoded;
    if (packet.kind === 'rrq') onRequest(packet, from);
    else if (packet.kind === 'wrq') { refuse(socket, from, TftpError.accessViolation, 'read-only'); watcher.refused(from.address, packet.file, 'read-only'); }
    else if (packet.kind !== 'error') refuse(socket, from, TftpError.unknownTransferId, 'no such transfer');
  });

  return {
    port: () => bound ? socket.address().port : 0, running: () => transfers.size,
    start: async () => { await listen(socket, config, log); bound = true; },
    async stop() {
      for (const { running } of transfers.values()) running.stop();
      bound = false;
      if (closed) return;
      closed = true;
      await new Promise<void>((resolve) => { socket.close(resolve); });
    },
  };
}

const refuse = (socket: Socket, to: RemoteInfo, code: number, reason: string): void => socket.send(encodeError(code, reason), to.port, to.address);

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
