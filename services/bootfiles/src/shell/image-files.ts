/** Images on disk, by hash: the rack’s own cache, and the region’s directory where that is on the same host. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image } from '@ironbus/contracts';
import { hashFile } from './assets.ts';

export type ImageFiles = ReturnType<typeof openImageFiles>;
type Wanted = Pick<Image, 'sha256' | 'sizeBytes'>;

const temporary = '.part';
/** The bytes of an image from `offset` on, or all of them where the region does not give parts: `from` says which. */
export type Source = (offset: number) => Promise<{ from: number; body: AsyncIterable<Uint8Array> }>;

/** The region stopped sending: what came so far is good, and the next try goes on from there. */
export class BrokenOff extends Error {}

/** The directory takes no more: full, read-only, or not ours. */
export class NotKept extends Error {}

const hashOf = (name: string): string => name.replace(temporary, '');
const isHash = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

export function openImageFiles(directory: string, sharedDirectory: string | undefined) {
  const isWhole = rememberHashes();
  const locateShared = async (sha256: string, sizeBytes: number | undefined): Promise<string | undefined> => {
    const path = sharedDirectory === undefined ? undefined : join(sharedDirectory, sha256);
    return path !== undefined && await hasSize(path, sizeBytes) && await isWhole(path, sha256) ? path : undefined;
  };
  return {
    /** The file of an image, whose size is compared where it is known; undefined where there is none. */
    async locate(sha256: string, sizeBytes?: number): Promise<string | undefined> {
      const own = join(directory, sha256);
      return await locateShared(sha256, sizeBytes) ?? (await hasSize(own, sizeBytes) ? own : undefined);
    },

    open: async (): Promise<void> => { await mkdir(directory, { recursive: true }); },

    save: (wanted: Wanted, source: Source): Promise<void> => save(directory, wanted, source),

    /** Deletes cached images, and parts of them, that are not kept; the shared directory is the region’s and never touched. Gives what went. */
    async sweep(kept: ReadonlySet<string>): Promise<string[]> {
      const gone = (await readdir(directory)).filter((name) => isHash(hashOf(name)) && !kept.has(hashOf(name)));
      for (const name of gone) await rm(join(directory, name), { force: true });
      return gone;
    },
  };
}

async function hasSize(path: string, sizeBytes: number | undefined): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && (sizeBytes === undefined || found.size === sizeBytes);
}

/** Compares a file with its hash once per (inode, mtime, size). */
function rememberHashes(): (path: string, sha256: string) => Promise<boolean> {
  const compared = new Map<string, Promise<boolean>>();
  return async (path, sha256) => {
    const { ino, mtimeMs, size } = await stat(path);
    const version = `${ino}/${mtimeMs}/${size}/${sha256}`;
    const check = compared.get(version) ?? hashFile(path).then((hash) => hash === sha256);
    compared.set(version, check);
    check.catch(() => compared.delete(version));
    return check;
  };
}

/**
 * Writes, compares, syncs, renames: a file under its hash is whole. What an earlier try or process left is gone on with; it is read
 * and counts in the hash, so a part that a power cut damaged is found out. Throws where size or hash differ, and then keeps nothing.
 */
async function save(directory: string, wanted: Wanted, source: Source): Promise<void> {
  const path = join(directory, `${wanted.sha256}${temporary}`);
  try {
    await using handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    await write(handle, { directory, wanted }, source);
    await handle.sync();
    await rename(path, join(directory, wanted.sha256));
    await syncDirectory(directory);
  } catch (error) {
    if (error instanceof BrokenOff) throw error;
    await rm(path, { force: true }).catch(() => undefined); // what was wrong first is what is told
    const { syscall, code = '' } = error as NodeJS.ErrnoException;
    throw syscall === undefined ? error : new NotKept(`${directory} does not take the image (${code}): make room there, or let bootfiles write there`, { cause: error });
  }
}

async function write(handle: FileHandle, { directory, wanted }: { directory: string; wanted: Wanted }, source: Source): Promise<void> {
  const { size } = await handle.stat();
  const kept = size <= wanted.sizeBytes ? size : 0;
  let hash = createHash('sha256');
  if (kept > 0) for await (const chunk of handle.createReadStream({ start: 0, end: kept - 1, autoClose: false })) hash.update(chunk as Buffer);
  await requireRoom(directory, wanted.sizeBytes - kept);
  const { from, body } = kept === wanted.sizeBytes ? { from: kept, body: [] } : await source(kept);
  if (from === 0) hash = createHash('sha256');
  await handle.truncate(from);
  let sizeBytes = from;
  for await (const chunk of body) {
    if (sizeBytes + chunk.length > wanted.sizeBytes) throw new Error(`more than the announced ${wanted.sizeBytes} bytes came`);
    hash.update(chunk);
    await writeAll(handle, chunk, sizeBytes);
    sizeBytes += chunk.length;
  }
  if (sizeBytes !== wanted.sizeBytes) throw new Error(`${sizeBytes} bytes came, ${wanted.sizeBytes} were announced`);
  const found = hash.digest('hex');
  if (found !== wanted.sha256) throw new Error(`the bytes that came have SHA-256 ${found}`);
}

/** Before a byte is fetched: each try for an image that does not fit would otherwise load the region anew. */
async function requireRoom(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < bytes) throw new NotKept(`${directory} has room for ${bavail * bsize} bytes, ${bytes} are needed: make room there`);
}

type Writable = { write(bytes: Uint8Array, at: number, length: number, position: number): Promise<{ bytesWritten: number }> };

/** write(2) may take a part, as on a disk that is nearly full: the file would lack the rest, under a hash that was counted over all of it. */
export async function writeAll(handle: Writable, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}
