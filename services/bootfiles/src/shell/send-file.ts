/** One file over HTTP: ranges, validators, HEAD, and word of how much went out. Memory is bounded: one buffer for each transfer. */
import { open, type FileHandle } from 'node:fs/promises';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { decidePart, type Asked, type FileFacts, type Part } from '../core/range.ts';
import { sliceExtents, type Extent } from '../core/tree.ts';
import { native, type Sender } from './native.ts';

/** A file, or the `extents` of it that are one. `modified` is that of the file unless told. */
export type ServedFile = { path: string; etag: string; extents?: readonly Extent[]; modified?: Date | undefined };
export type Sent = { bytes: number; seconds: number; complete: boolean };

const bufferBytes = 256 * 1024;
/** Written by Node to learn that the socket takes more; the rest goes by sendfile. */
const probeBytes = 16 * 1024;
/** The most that one call may read from a slow disk, or keep this thread with. */
const callBytes = 1024 * 1024;

/** Answers with the file; `onSent` is called once for a GET that sent bytes. Throws ENOENT as the file system does. */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, file: ServedFile, onSent: (sent: Sent) => void): Promise<FastifyReply> {
  await using handle = await open(file.path, 'r');
  const stat = await handle.stat();
  const extents = file.extents ?? [{ offset: 0, length: stat.size }];
  const facts: FileFacts = { sizeBytes: extents.reduce((sum, { length }) => sum + length, 0), etag: file.etag, modified: file.modified ?? stat.mtime };
  const part = decidePart(facts, askedOf(request));
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(part.status, headersOf(facts, part));
  if (request.method === 'HEAD' || !('start' in part) || part.start === part.end) raw.end();
  else await send(raw, handle, sliceExtents(extents, part.start, part.end), onSent);
  return reply;
}

/** A range is for GET alone (RFC 9110 §14.2). */
export function askedOf({ headers, method }: FastifyRequest): Asked {
  return {
    range: method === 'GET' ? headers.range : undefined, ifRange: headers['if-range'] as string | undefined, ifMatch: headers['if-match'], ifUnmodifiedSince: headers['if-unmodified-since'],
    ifNoneMatch: headers['if-none-match'], ifModifiedSince: headers['if-modified-since'],
  };
}

/** Of every answer with this file, or this part of it; a 304 says no length but a true one (RFC 9110 §8.6), so it says none. */
export function headersOf({ sizeBytes, etag, modified }: FileFacts, part: Part): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { 'accept-ranges': 'bytes', etag, 'last-modified': modified.toUTCString() };
  if (part.status === 304) return headers;
  headers['content-type'] = 'application/octet-stream';
  headers['Content-Length'] = 'start' in part ? part.end - part.start : 0;
  if (part.status === 416) headers['content-range'] = `bytes */${sizeBytes}`;
  if (part.status === 206) headers['content-range'] = `bytes ${part.start}-${part.end - 1}/${sizeBytes}`;
  return headers;
}

/** A connection that breaks is no failure of ours; a file that can not be read breaks the connection, since its length was promised. */
async function send(raw: ServerResponse, handle: FileHandle, extents: readonly Extent[], onSent: (sent: Sent) => void): Promise<void> {
  const started = performance.now();
  const transfer = new Transfer(raw, handle);
  let whole = false;
  try {
    for (const extent of extents) await transfer.send(extent);
    whole = !raw.destroyed;
    if (whole) await new Promise<void>((resolve) => raw.once('close', resolve).end(resolve));
  } catch (error) {
    raw.destroy();
    if (!(error instanceof Gone)) throw error;
  } finally {
    transfer.close();
    onSent({ bytes: transfer.sent, seconds: (performance.now() - started) / 1000, complete: whole && raw.writableFinished });
  }
}

/** The asker closed the connection. */
class Gone extends Error {}

class Transfer {
  sent = 0;
  readonly #raw: ServerResponse;
  readonly #handle: FileHandle;
  #sender: Sender | undefined;
  #buffer = Buffer.allocUnsafeSlow(0);

  constructor(raw: ServerResponse, handle: FileHandle) {
    this.#raw = raw;
    this.#handle = handle;
  }

  /** Throws Gone. */
  async send({ offset, length }: Extent): Promise<void> {
    for (let at = 0; at < length;) {
      at += await this.#write(offset + at, length - at);
      for (let took = 1, asked = 0; this.#sender !== undefined && at < length && took >= asked; at += Math.max(0, took)) {
        asked = Math.min(callBytes, length - at);
        const sending = this.#sender.send(this.#handle.fd, offset + at, asked);
        took = typeof sending === 'number' ? sending : await sending;
        if (took === asked && at + took < length) await setImmediate(); // a socket that takes everything must not keep the others waiting
        this.sent += Math.max(0, took);
        if (this.#raw.destroyed) throw new Gone();
      }
    }
  }

  close(): void {
    this.#sender?.close();
  }

  /** Through Node; resolves when the kernel has it, before which nothing may go past Node. A pipelined answer waits here for its turn. */
  async #write(offset: number, most: number): Promise<number> {
    const bytes = Math.min(most, native === undefined ? bufferBytes : probeBytes);
    if (this.#buffer.length < bytes) this.#buffer = Buffer.allocUnsafeSlow(bytes);
    const bytesRead = await this.#read(offset, bytes);
    if (bytesRead === 0) throw new Error('the file ends before its promised length');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const closed = (): void => reject(new Gone());
    this.#raw.once('close', closed);
    if (this.#raw.destroyed) closed();
    else this.#raw.write(this.#buffer.subarray(0, bytesRead), (error) => { if (error) closed(); else resolve(); });
    await promise.finally(() => this.#raw.off('close', closed));
    this.sent += bytesRead;
    if (most > bytesRead && this.#raw.socket !== null) this.#sender ??= native?.open(this.#raw.socket);
    return bytesRead;
  }

  async #read(offset: number, bytes: number): Promise<number> {
    const cached = native?.readCached(this.#handle.fd, offset, this.#buffer.subarray(0, bytes)) ?? 0;
    return cached > 0 ? cached : (await this.#handle.read(this.#buffer, 0, bytes, offset)).bytesRead;
  }
}
