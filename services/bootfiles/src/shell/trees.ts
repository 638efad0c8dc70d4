/** Disc images as trees of files: found, never mounted. What was read of their directories is kept for the images asked for last. */
import { open } from 'node:fs/promises';
import { IronbusError } from '@ironbus/contracts';
import { IsoError, openDisc, type Disc, type Found } from '@ironbus/iso';
import type { Context } from './context.ts';

export type Trees = ReturnType<typeof openTrees>;

/** Each keeps up to some 10 MB of names. */
const maxOpen = 4;

export function openTrees() {
  const discs = new Map<string, Promise<Disc>>();
  return {
    /** The disc in a file named by what it holds. Throws IsoError, ENOENT. */
    disc(sha256: string, path: string): Promise<Disc> {
      const opening = discs.get(sha256) ?? openFile(path);
      discs.delete(sha256);
      discs.set(sha256, opening);
      opening.catch(() => discs.delete(sha256));
      for (const oldest of discs.keys()) if (discs.size > maxOpen) discs.delete(oldest);
      return opening;
    },
  };
}

/** The file is open only while a directory is read: an image that is removed leaves nothing behind. */
async function openFile(path: string): Promise<Disc> {
  const read = async (offset: number, length: number): Promise<Buffer> => {
    await using handle = await open(path, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  };
  await using handle = await open(path, 'r');
  // awaited: what fails while the handle closes would be nobody’s, and end the process
  return await openDisc(read, (await handle.stat()).size);
}

export type FoundFile = Extract<Found, { kind: 'file' }>;
export type LookedUp = FoundFile | { kind: 'directory'; entries: { name: string; isDirectory: boolean }[] } | undefined;

/** What the disc in `file` has at a path; undefined where it has nothing. What is wrong with a disc is for the log; who asks for a file of it can not have it (FILE_UNKNOWN). */
export async function lookUp({ trees, log }: Pick<Context, 'trees' | 'log'>, { sha256, file }: { sha256: string; file: string }, path: string): Promise<LookedUp> {
  try {
    const disc = await trees.disc(sha256, file);
    const found = await disc.find(path);
    return found?.kind === 'directory' ? { kind: 'directory', entries: await disc.list(path) ?? [] } : found;
  } catch (error) {
    if (!(error instanceof IsoError)) throw error;
    log.warn({ image: sha256, path, reason: error.reason, err: error }, 'a disc image can not be read');
    throw new IronbusError('FILE_UNKNOWN', error.reason === 'not-a-disc' ? 'this image is no disc: it has no tree of files' : `the disc image is damaged, or holds what is not read: ${error.message}`, { cause: error });
  }
}

/** One file of a disc, among all files of all discs. */
export const treeTag = (sha256: string, { extents, sizeBytes }: FoundFile): string => `${sha256}-${(extents[0]?.offset ?? 0).toString(16)}-${sizeBytes.toString(16)}`;
