/** What a folder of built boot assets holds, and whether it still holds it. The face of `agent/` to the rack's services. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';

export type AssetPackage = { name: string; version: string; sha256: string };
export type AssetFile = { path: string; sha256: string; sizeBytes: number };
export type AssetManifest = { suite: string; recipe: string; packages: AssetPackage[]; files: AssetFile[] };

export const MANIFEST_NAME = 'manifest.json';

/** The agent's kernel and initramfs under an asset folder, by Debian's name of the machine. */
export const agentPaths = (architecture: 'amd64' | 'arm64') =>
  ({ kernel: `agent/${architecture}/vmlinuz`, initrd: `agent/${architecture}/initrd.img` }) as const;

/** Paths under an asset folder, by what they are for. */
export const assetPaths = {
  ...agentPaths('amd64'),
  biosBoot: 'boot-assets/bios/boot.img',
  biosCore: 'boot-assets/bios/core.img',
  uefiShim: 'boot-assets/uefi/shimx64.efi',
  uefiGrub: 'boot-assets/uefi/grubx64.efi',
} as const;

/**
 * Kernel arguments for the agent besides the protocol's own: reboot 30 s after a panic (a dead init is one), do not wait
 * for entropy, and no speculation barriers in a machine that runs nobody's code but ours.
 */
export const kernelArguments: readonly string[] = ['panic=30', 'random.trust_cpu=on', 'mitigations=off', 'loglevel=4'];

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isInside = (path: string): boolean => !isAbsolute(path) && normalize(path) === path && !path.startsWith('..');

function isPackage(value: unknown): value is AssetPackage {
  return isRecord(value) && isText(value.name) && isText(value.version) && isHash(value.sha256);
}

function isFile(value: unknown): value is AssetFile {
  return isRecord(value) && isText(value.path) && isInside(value.path) && isHash(value.sha256) && Number.isSafeInteger(value.sizeBytes);
}

/** Checks the shape of a manifest; throws an Error that names the file's path. */
export function parseAssetManifest(text: string, path: string): AssetManifest {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || !isText(value.suite) || !isHash(value.recipe)) throw new Error(`${path}: no asset manifest`);
  const { suite, recipe, packages, files } = value;
  if (!Array.isArray(packages) || !packages.every(isPackage)) throw new Error(`${path}: bad packages`);
  if (!Array.isArray(files) || !files.every(isFile)) throw new Error(`${path}: bad files`);
  return { suite, recipe, packages, files };
}

/** Reads `manifest.json` of an asset folder; rejects when it is absent (assets never built to the end) or malformed. */
export async function readAssetManifest(dir: string): Promise<AssetManifest> {
  const path = join(dir, MANIFEST_NAME);
  return parseAssetManifest(await readFile(path, 'utf8'), path);
}

/** SHA-256 of a file's bytes, in hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function faultOf(dir: string, file: AssetFile): Promise<string | undefined> {
  const path = join(dir, file.path);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return `${file.path}: absent`;
  if (found.size !== file.sizeBytes) return `${file.path}: ${found.size} bytes, not ${file.sizeBytes}`;
  return (await hashFile(path)) === file.sha256 ? undefined : `${file.path}: other bytes than the manifest says`;
}

export type Verified = { ok: true; manifest: AssetManifest } | { ok: false; faults: string[] };

/** Reads the manifest and checks every file's size and hash; a fault is a value, an absent manifest rejects. */
export async function verifyAssets(dir: string): Promise<Verified> {
  const manifest = await readAssetManifest(dir);
  const faults = (await Promise.all(manifest.files.map((file) => faultOf(dir, file)))).filter((fault) => fault !== undefined);
  return faults.length === 0 ? { ok: true, manifest } : { ok: false, faults };
}
