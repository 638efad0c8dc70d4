/** Image bytes on disk, named by their SHA-256: written to a temporary file, synced, renamed; never changed after. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { IronbusError, type Image } from '@ironbus/contracts';
import { IsoError, openDisc, type Disc } from '@ironbus/iso';
import { detectCompression, foreignFormat } from '../core/images.ts';

export type StoredImage = { sha256: string; sizeBytes: number; compression: ReturnType<typeof detectCompression> };
export type ImageStore = ReturnType<typeof createImageStore>;

export function createImageStore(directory: string, instance: string) {
  const path = (sha256: string): string => join(directory, sha256);
  const uploadPrefix = `upload-${instance}-`;

  return {
    directory,

    /** Makes the directory and clears what uploads to this instance left when it was killed. */
    async open(): Promise<void> {
      await mkdir(directory, { recursive: true });
      for (const name of await readdir(directory)) if (name.startsWith(uploadPrefix)) await rm(join(directory, name));
    },

    /** Throws IMAGE_INVALID for an empty body, a foreign format, a disc that can not be read, or bytes that do not have the promised hash. */
    async save(body: Readable, { promised, format }: { promised: string | undefined; format: Image['format'] }): Promise<StoredImage> {
      const temporary = join(directory, `${uploadPrefix}${randomUUID()}`);
      try {
        const stored = await write(body, temporary);
        if (promised !== undefined && promised !== stored.sha256) {
          throw new IronbusError('IMAGE_INVALID', `the bytes that arrived have SHA-256 ${stored.sha256}, not ${promised}: send the file again`);
        }
        if (format === 'iso') await checkDisc(temporary, stored);
        await rename(temporary, path(stored.sha256));
        return stored;
      } catch (error) {
        throw explain(error);
      } finally {
        body.resume(); // the rest of a refused upload is read and dropped: the client then gets to read why
        await rm(temporary, { force: true });
      }
    },

    /** Bytes `start` to `end`, both included. */
    read: (sha256: string, range?: { start: number; end: number }): ReadStream => createReadStream(path(sha256), range),

    /** Undefined where the file is gone. */
    async size(sha256: string): Promise<number | undefined> {
      return (await stat(path(sha256)).catch(() => undefined))?.size;
    },

    /** Whether the disc has a file at this path. Throws IMAGE_INVALID where it can not be read. */
    async hasFile(sha256: string, file: string): Promise<boolean> {
      await using handle = await open(path(sha256), 'r');
      return await explainDisc(async () => (await (await discIn(handle)).find(file))?.kind === 'file');
    },

    remove: (sha256: string): Promise<void> => rm(path(sha256), { force: true }),
  };
}

async function write(body: Readable, file: string): Promise<StoredImage> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let head = Buffer.alloc(0);
  await using handle = await open(file, 'wx', 0o644);
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if (head.length < 8) {
      head = Buffer.concat([head, chunk.subarray(0, 8)]);
      const foreign = foreignFormat(head);
      if (foreign !== undefined) throw new IronbusError('IMAGE_INVALID', foreign);
    }
    hash.update(chunk);
    sizeBytes += chunk.length;
    await handle.writeFile(chunk);
  }
  if (sizeBytes === 0) throw new IronbusError('IMAGE_INVALID', 'the request has no body: send the image’s bytes as application/octet-stream');
  await handle.sync();
  return { sha256: hash.digest('hex'), sizeBytes, compression: detectCompression(head) };
}

/** Racks serve the files of a disc: better to learn here that they can not. */
async function checkDisc(file: string, { compression }: StoredImage): Promise<void> {
  if (compression !== 'none') throw new IronbusError('IMAGE_INVALID', `this disc image is compressed with ${compression}: decompress it first, its files are served one by one`);
  await using handle = await open(file, 'r');
  await explainDisc(() => discIn(handle));
}

/** Good while the handle is open. */
async function discIn(handle: FileHandle): Promise<Disc> {
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  };
  return openDisc(read, (await handle.stat()).size);
}

async function explainDisc<T>(how: () => Promise<T>): Promise<T> {
  try {
    return await how();
  } catch (error) {
    if (!(error instanceof IsoError)) throw error;
    throw new IronbusError('IMAGE_INVALID', `this is no disc image whose files can be served: ${error.message}`, { cause: error });
  }
}

/** What of the world's failures the sender can do something about. */
function explain(error: unknown): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ECONNRESET': return new IronbusError('IMAGE_INVALID', 'the upload broke off: send the file again', { cause: error });
    case 'ENOSPC': case 'EDQUOT': return new IronbusError('IMAGE_INVALID', 'the region’s disk is full: remove images that are not needed', { cause: error });
    default: return error;
  }
}
