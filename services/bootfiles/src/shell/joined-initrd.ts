/** A profile’s initrd, an image or a file of a disc, with its overlays, joined as it is sent: one file with a length, ranges and a validator. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { IronbusError, type Profile } from '@ironbus/contracts';
import { imageFile, type ImageFile } from '@ironbus/installers';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { joinedBytes, piecesOf, type Part, type Piece } from '../core/join.ts';
import { decidePart } from '../core/range.ts';
import { treePath } from '../core/tree.ts';
import { identify } from './asker.ts';
import type { Context } from './context.ts';
import { pathOf } from './file-routes.ts';
import { fileServed } from './observe.ts';
import { askedOf, headersOf } from './send-file.ts';
import { lookUp, treeTag, type FoundFile } from './trees.ts';

/** `tag` is another one for other bytes. */
type Found = Part & { tag: string; modified: Date };

export async function serveInitrd(context: Context, request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply): Promise<FastifyReply> {
  const profile = context.views.profiles.get(request.params.id);
  if (profile === undefined) throw new IronbusError('FILE_UNKNOWN', 'there is no such profile');
  const parts = await Promise.all(filesOf(profile).map((named) => find(context, named)));
  const facts = {
    sizeBytes: joinedBytes(parts), modified: new Date(Math.max(...parts.map(({ modified }) => modified.getTime()))),
    etag: `"${createHash('sha256').update(parts.map(({ tag }) => tag).join('/')).digest('hex')}"`,
  };
  const part = decidePart(facts, askedOf(request));
  reply.code(part.status).headers(headersOf(facts, part));
  if (request.method === 'HEAD' || !('start' in part) || part.start === part.end) return reply.send();
  reportEnd(context, { request, reply }, part.end - part.start);
  return reply.send(Readable.from(read(piecesOf(parts, part.start, part.end)), { objectMode: false }));
}

/** Told when the connection has taken all of it, or broken. */
function reportEnd(context: Context, { request, reply: { raw } }: { request: FastifyRequest; reply: FastifyReply }, bytes: number): void {
  const started = performance.now();
  const asking = identify(context, request);
  const about = { asking, mac: asking.binding?.mac ?? null, path: request.url.split('?')[0] ?? '' };
  const { socket } = raw;
  const before = socket?.bytesWritten ?? 0;
  raw.once('close', () => {
    const complete = raw.writableFinished;
    const sent = complete ? bytes : Math.min(bytes, Math.max(0, (socket?.bytesWritten ?? before) - before));
    fileServed(context, about, { bytes: sent, seconds: (performance.now() - started) / 1000, complete });
  });
}

function filesOf({ initrd, overlays }: Profile): ImageFile[] {
  const base = imageFile(initrd);
  if (base === undefined) throw new IronbusError('FILE_UNKNOWN', 'this profile’s initrd is not on the rack');
  return [base, ...overlays.map((overlay) => ({ id: overlay, path: undefined }))];
}

async function find(context: Context, { id, path }: ImageFile): Promise<Found> {
  const { views, images, config } = context;
  const image = views.images.get(id);
  if (image === undefined) throw new IronbusError('FILE_UNKNOWN', `there is no image ${id}`);
  const file = pathOf(await images.await(image.sha256, config.imageWaitSeconds * 1000), `image ${id}`);
  const { size, mtime } = await stat(file);
  if (path === undefined) return { path: file, sizeBytes: size, tag: image.sha256, modified: mtime };
  const { sizeBytes, extents, modified, tag } = await findInDisc(context, { ...image, file }, path);
  return { path: file, sizeBytes, extents, tag, modified: modified ?? mtime };
}

async function findInDisc(context: Context, image: { id: string; sha256: string; file: string }, path: string): Promise<FoundFile & { tag: string }> {
  const safe = treePath(path);
  const found = safe === undefined ? undefined : await lookUp(context, image, safe);
  if (found?.kind !== 'file') throw new IronbusError('FILE_UNKNOWN', `the disc ${image.id} has ${found === undefined ? 'no' : 'a directory, no file,'} ${JSON.stringify(path)}: name another initrd in the profile`);
  return { ...found, tag: treeTag(image.sha256, found) };
}

async function* read(pieces: readonly Piece[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    if ('zeros' in piece) yield Buffer.alloc(piece.zeros);
    else yield* createReadStream(piece.path, { start: piece.start, end: piece.end - 1, highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
  }
}
