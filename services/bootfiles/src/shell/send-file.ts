/** One file over HTTP: ranges, validators, HEAD, and word of how much went out. Memory is bounded by the read buffer. */
import { open, type FileHandle } from 'node:fs/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { decidePart, type FileFacts, type Part } from '../core/range.ts';

export type ServedFile = { path: string; sha256: string };
export type Sent = { bytes: number; seconds: number; complete: boolean };

const bufferBytes = 256 * 1024;

/** Answers with the file; `onSent` is called once for a GET that sent bytes. Throws ENOENT as the file system does. */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, file: ServedFile, onSent: (sent: Sent) => void): Promise<FastifyReply> {
  const handle = await open(file.path, 'r');
  let streaming = false;
  try {
    const facts = await factsOf(handle, file.sha256);
    const part = decidePart(facts, {
      range: request.method === 'GET' ? request.headers.range : undefined, ifRange: header(request, 'if-range'),
      ifNoneMatch: header(request, 'if-none-match'), ifModifiedSince: header(request, 'if-modified-since'),
    });
    setHeaders(reply, facts, part);
    if (part.status === 304 || part.status === 416 || request.method === 'HEAD' || part.start === part.end) return await reply.send('');
    reportEnd(reply, part.end - part.start, onSent);
    streaming = true;
    return await reply.send(handle.createReadStream({ start: part.start, end: part.end - 1, highWaterMark: bufferBytes }));
  } finally {
    if (!streaming) await handle.close();
  }
}

async function factsOf(handle: FileHandle, sha256: string): Promise<FileFacts> {
  const { size, mtime } = await handle.stat();
  return { sizeBytes: size, etag: `"${sha256}"`, modified: mtime };
}

function setHeaders(reply: FastifyReply, facts: FileFacts, part: Part): void {
  reply.code(part.status).header('accept-ranges', 'bytes').header('etag', facts.etag).header('last-modified', facts.modified.toUTCString());
  reply.type('application/octet-stream');
  if (part.status === 416) reply.header('content-range', `bytes */${facts.sizeBytes}`);
  if (part.status === 206) reply.header('content-range', `bytes ${part.start}-${part.end - 1}/${facts.sizeBytes}`);
  if (part.status === 200 || part.status === 206) reply.header('content-length', part.end - part.start);
}

/** Counted at the socket: what the asker broke off was not sent. */
function reportEnd(reply: FastifyReply, wholeBytes: number, onSent: (sent: Sent) => void): void {
  const started = performance.now();
  const { raw } = reply;
  const before = raw.socket?.bytesWritten ?? 0;
  const socket = raw.socket;
  raw.once('close', () => {
    const bytes = raw.writableFinished ? wholeBytes : Math.min(wholeBytes, Math.max(0, (socket?.bytesWritten ?? before) - before));
    onSent({ bytes, seconds: (performance.now() - started) / 1000, complete: raw.writableFinished });
  });
}

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};
