/** ASSETS_DIR: read and verified once, at start. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { IronbusError } from '@ironbus/contracts';
import { parseAssets, type AssetFile, type Assets } from '../core/assets.ts';

const remedy = (directory: string): string => `build them with "node agent/build.ts --out ${directory}"`;

/** Throws ASSETS_MISSING with every fault at once, and the command that builds them. */
export async function openAssets(directory: string): Promise<Assets> {
  const parsed = parseAssets(await readManifest(directory));
  if (!parsed.ok) throw missing(directory, parsed.why);
  const faults: string[] = [];
  for (const file of parsed.assets.values()) faults.push(...await faultOf(directory, file));
  if (faults.length > 0) throw missing(directory, faults);
  return parsed.assets;
}

async function readManifest(directory: string): Promise<unknown> {
  const path = join(directory, 'manifest.json');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (cause) {
    throw new IronbusError('ASSETS_MISSING', `${path} can not be read: ${remedy(directory)}`, { cause });
  }
}

async function faultOf(directory: string, file: AssetFile): Promise<string[]> {
  const path = join(directory, file.path);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [`${file.path} is absent`];
  if (found.size !== file.sizeBytes) return [`${file.path} has ${found.size} bytes, not ${file.sizeBytes}`];
  return await hashFile(path) === file.sha256 ? [] : [`${file.path} differs from the manifest`];
}

/** SHA-256 of a file in hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const missing = (directory: string, why: string[]): IronbusError =>
  new IronbusError('ASSETS_MISSING', `${directory}: ${why.slice(0, 20).join('; ')}: ${remedy(directory)}`);
