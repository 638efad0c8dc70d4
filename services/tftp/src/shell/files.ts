/**
 * The boot assets by path. `loaders/` and `agent/` are what the assets' manifest lists, with the bytes it promises; `pi/` is
 * what a person put there. Loaders (a few MB) are in memory, the rest is read when it is asked for.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { IronbusError, Sha256 } from '@ironbus/contracts';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { keptFile, readVerified, remedy, SharedFile, type Lease, type Mode } from './shared-file.ts';

const Manifest = Type.Object({ files: Type.Array(Type.Object({ path: Type.String(), sha256: Sha256, sizeBytes: Type.Integer({ minimum: 0 }) })) });
type Listed = { path: string; sha256: string; sizeBytes: number };
type Source = { take(mode: Mode): Promise<Lease> };

/** `text` asks for netascii (RFC 1350 §2), made once per file. Undefined where there is no such file; rejects where it can not be read. */
export type Files = { readonly paths: readonly string[]; take(path: string, mode: Mode): Promise<Lease> | undefined };

/** Throws ASSETS_MISSING where a loader is missing or differs from its hash. */
export async function openFiles(assetsDir: string): Promise<Files> {
  const files = new Map<string, Source>();
  for (const { path, sha256, sizeBytes } of (await readManifest(assetsDir)).files) {
    const file = { path: join(assetsDir, path), sizeBytes, sha256 };
    if (path.startsWith('loaders/')) files.set(path, keptFile(await readVerified(file)));
    else if (/^(agent|pi)\//.test(path)) files.set(path, new SharedFile(file));
  }
  for (const [path, file] of await findPiFiles(assetsDir)) if (!files.has(path)) files.set(path, new SharedFile(file));
  const spellings = new Map([...files.keys()].map((path) => [path.toLowerCase(), path]));
  return {
    paths: [...files.keys()],
    /** Windows' loaders and some firmware spell a name in another case than it has. */
    take: (path, mode) => files.get(files.has(path) ? path : spellings.get(path.toLowerCase()) ?? '')?.take(mode),
  };
}

async function readManifest(assetsDir: string): Promise<{ files: Listed[] }> {
  const file = join(assetsDir, 'manifest.json');
  try {
    const manifest: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (Value.Check(Manifest, manifest)) return manifest;
  } catch (cause) {
    throw new IronbusError('ASSETS_MISSING', `${file} can not be read: ${remedy}`, { cause });
  }
  throw new IronbusError('ASSETS_MISSING', `${file} is not a manifest of boot assets: ${remedy}`);
}

/** Regular files below `pi/`, as they are at start; a symbolic link is none. */
async function findPiFiles(assetsDir: string): Promise<[path: string, file: { path: string; sizeBytes: number; sha256: undefined }][]> {
  const entries = await readdir(join(assetsDir, 'pi'), { withFileTypes: true, recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  return Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return [relative(assetsDir, path).split(sep).join('/'), { path, sizeBytes: (await stat(path)).size, sha256: undefined }];
  }));
}
