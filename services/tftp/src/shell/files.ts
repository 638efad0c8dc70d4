/** The loaders, by name: only what the assets' manifest lists, and only with the bytes it promises. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IronbusError, Sha256 } from '@ironbus/contracts';
import { toNetascii } from '@ironbus/wire';
import { Type } from 'typebox';
import { Value } from 'typebox/value';

const Manifest = Type.Object({ files: Type.Array(Type.Object({ path: Type.String(), sha256: Sha256, sizeBytes: Type.Integer({ minimum: 0 }) })) });
const folder = 'loaders/';
const remedy = 'build them with "npm run setup" (or node agent/build.ts)';

/** `text` asks for netascii (RFC 1350 §2), made once per file and kept. */
export type Files = { readonly names: readonly string[]; read(name: string, mode: 'binary' | 'text'): Buffer | undefined };

/** Reads all loaders (a few MB) into memory. Throws ASSETS_MISSING where one is missing or differs from its hash. */
export async function openFiles(assetsDir: string): Promise<Files> {
  const listed = (await readManifest(assetsDir)).files.filter((file) => file.path.startsWith(folder));
  const files = new Map<string, Buffer>();
  const texts = new Map<string, Buffer>();
  for (const { path, sha256 } of listed) files.set(path.slice(folder.length), await readVerified(join(assetsDir, path), sha256));
  return {
    names: [...files.keys()],
    read(name, mode) {
      const bytes = files.get(name);
      if (mode === 'binary' || bytes === undefined) return bytes;
      const text = texts.get(name) ?? Buffer.from(toNetascii(bytes));
      texts.set(name, text);
      return text;
    },
  };
}

async function readManifest(assetsDir: string): Promise<{ files: { path: string; sha256: string }[] }> {
  const file = join(assetsDir, 'manifest.json');
  try {
    const manifest: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (Value.Check(Manifest, manifest)) return manifest;
  } catch (cause) {
    throw new IronbusError('ASSETS_MISSING', `${file} can not be read: ${remedy}`, { cause });
  }
  throw new IronbusError('ASSETS_MISSING', `${file} is not a manifest of boot assets: ${remedy}`);
}

async function readVerified(path: string, sha256: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((cause: unknown) => { throw new IronbusError('ASSETS_MISSING', `${path} can not be read: ${remedy}`, { cause }); });
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new IronbusError('ASSETS_MISSING', `${path} differs from its manifest: ${remedy}`);
  return bytes;
}
