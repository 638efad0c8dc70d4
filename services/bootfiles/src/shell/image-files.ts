/** Images on disk, by hash: the rack’s own cache, and the region’s directory where that is on the same host. */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image } from '@ironbus/contracts';
import { hashFile } from './assets.ts';

export type ImageFiles = ReturnType<typeof openImageFiles>;
type Wanted = Pick<Image, 'sha256' | 'sizeBytes'>;

const temporary = '.part';
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

    /** Makes the directory and clears what killed downloads left. */
    async open(): Promise<void> {
      await mkdir(directory, { recursive: true });
      for (const name of await readdir(directory)) if (name.endsWith(temporary)) await rm(join(directory, name), { force: true });
    },

    save: (wanted: Wanted, body: AsyncIterable<Uint8Array>): Promise<void> => save(directory, wanted, body),

    /** Deletes cached images that are not kept; the shared directory is the region’s and never touched. Gives what went. */
    async sweep(kept: ReadonlySet<string>): Promise<string[]> {
      const gone = (await readdir(directory)).filter((name) => isHash(name) && !kept.has(name));
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

/** Writes, compares, syncs, renames: a file under its hash is whole. Throws where size or hash differ. */
async function save(directory: string, wanted: Wanted, body: AsyncIterable<Uint8Array>): Promise<void> {
  const path = join(directory, `${wanted.sha256}${temporary}`);
  try {
    await using handle = await open(path, 'w', 0o644);
    await write(handle, wanted, body);
    await handle.sync();
    await rename(path, join(directory, wanted.sha256));
    await syncDirectory(directory);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function write(handle: FileHandle, wanted: Wanted, body: AsyncIterable<Uint8Array>): Promise<void> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > wanted.sizeBytes) break;
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  if (sizeBytes !== wanted.sizeBytes) throw new Error(`${sizeBytes} bytes came, ${wanted.sizeBytes} were announced`);
  const found = hash.digest('hex');
  if (found !== wanted.sha256) throw new Error(`the bytes that came have SHA-256 ${found}`);
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}
