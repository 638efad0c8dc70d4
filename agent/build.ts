/**
 * Builds the boot assets (network loaders, boot code for disks, the agent's kernel and initramfs) from the Debian
 * packages of one suite: `node agent/build.ts [--out .cache/assets] [--suite trixie] [--arch amd64]`.
 * Does nothing when the output already is what this recipe makes of the packages apt would choose now.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MANIFEST_NAME, assetPaths, parseAssetManifest, type AssetFile, type AssetManifest } from './paths.ts';
import { chosenPackages, downloadPackages, type AptState } from './recipe/apt.ts';
import { buildInitramfs, compress, kernelVersion } from './recipe/initramfs.ts';
import { writeLoaders } from './recipe/loaders.ts';
import type { Package } from './recipe/packages.ts';
import { readStaged, unpack } from './recipe/stage.ts';

const SOURCE = import.meta.dirname;
const CACHE = resolve(SOURCE, '../.cache');

export type BuildOptions = { out: string; suite: string; arch: string; cache?: string; say?: (line: string) => void };
export type BuildResult = { built: boolean; manifest: AssetManifest };

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** Hash of everything in `agent/` that decides the output's bytes. */
function recipeHash(): string {
  const files = ['build.ts', 'init', ...['recipe', 'lib'].flatMap((dir) => readdirSync(join(SOURCE, dir)).map((name) => `${dir}/${name}`))];
  const decisive = files.filter((path) => !path.endsWith('.test.ts')).sort();
  return sha256(decisive.map((path) => `${path} ${sha256(readFileSync(join(SOURCE, path)))}\n`).join(''));
}

const slim = ({ name, version, sha256: hash }: Package) => ({ name, version, sha256: hash });

function presentManifest(out: string): AssetManifest | undefined {
  const path = join(out, MANIFEST_NAME);
  return existsSync(path) ? parseAssetManifest(readFileSync(path, 'utf8'), path) : undefined;
}

function isCurrent(present: AssetManifest, wanted: Pick<AssetManifest, 'suite' | 'recipe' | 'packages'>, out: string): boolean {
  const { files, ...made } = present;
  const sameSource = JSON.stringify(made) === JSON.stringify({ suite: wanted.suite, recipe: wanted.recipe, packages: wanted.packages });
  return sameSource && files.every(({ path, sizeBytes }) => statSync(join(out, path), { throwIfNoEntry: false })?.size === sizeBytes);
}

function describeFiles(out: string): AssetFile[] {
  const paths = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(out, path)).isFile()).sort();
  return paths.map((path) => {
    const bytes = readFileSync(join(out, path));
    return { path, sha256: sha256(bytes), sizeBytes: bytes.length };
  });
}

function makeAssets(debs: readonly string[], work: string, say: (line: string) => void): void {
  say(`unpacking ${debs.length} packages`);
  const stage = unpack(debs, join(work, 'stage'));
  const out = join(work, 'out');
  say('making loaders and boot code');
  writeLoaders(stage, out);
  say('collecting programs and kernel modules');
  const archive = buildInitramfs(stage, SOURCE);
  say(`compressing the initramfs (${Math.round(archive.length / 1e6)} MB)`);
  mkdirSync(join(out, 'agent/amd64'), { recursive: true });
  writeFileSync(join(out, assetPaths.initrd), compress(stage, archive));
  writeFileSync(join(out, assetPaths.kernel), readStaged(stage, `boot/vmlinuz-${kernelVersion(stage)}`));
}

/** Moves the finished tree into place: the manifest leaves first and comes last, so that a half-done tree has none. */
function publish(work: string, out: string, manifest: AssetManifest): void {
  mkdirSync(out, { recursive: true });
  rmSync(join(out, MANIFEST_NAME), { force: true });
  for (const name of readdirSync(join(work, 'out'))) {
    rmSync(join(out, name), { recursive: true, force: true });
    renameSync(join(work, 'out', name), join(out, name));
  }
  writeFileSync(join(out, `${MANIFEST_NAME}.new`), `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(join(out, `${MANIFEST_NAME}.new`), join(out, MANIFEST_NAME));
}

/** Builds into `out` unless it is current; throws with the cause when a package, program or module is missing. */
export function buildAssets({ out, suite, arch, cache = CACHE, say = () => {} }: BuildOptions): BuildResult {
  if (arch !== 'amd64') throw new Error(`assets: no recipe for ${arch}, only for amd64`);
  const apt: AptState = { dir: join(cache, `apt-${suite}`), suite, arch, say };
  const packages = chosenPackages(apt);
  const wanted = { suite, recipe: recipeHash(), packages: packages.map(slim) };
  const present = presentManifest(out);
  if (present !== undefined && isCurrent(present, wanted, out)) return { built: false, manifest: present };
  const debs = downloadPackages(apt, packages);
  mkdirSync(out, { recursive: true });
  const work = mkdtempSync(join(resolve(out), '.work-')); // inside the output: a rename must not cross file systems
  try {
    makeAssets(debs, work, say);
    const manifest = { ...wanted, files: describeFiles(join(work, 'out')) };
    publish(work, out, manifest);
    return { built: true, manifest };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function main(): void {
  const { values } = parseArgs({ options: {
    out: { type: 'string', default: join(CACHE, 'assets') }, suite: { type: 'string', default: 'trixie' }, arch: { type: 'string', default: 'amd64' },
  } });
  const say = (line: string): void => console.log(`assets: ${line}`);
  const { built, manifest } = buildAssets({ ...values, say });
  const bytes = manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  say(`${values.out} ${built ? 'built' : 'is current'}: ${manifest.files.length} files, ${Math.round(bytes / 1e6)} MB`);
}

if (import.meta.main) main();
