/** Disc images as trees of files: found, never mounted. What was read of their directories is kept for the images asked for last. */
import { open } from 'node:fs/promises';
import { openDisc, type Disc } from '@ironbus/iso';

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
  return openDisc(read, (await handle.stat()).size);
}
