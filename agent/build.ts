/**
 * Builds the boot assets (network loaders, boot code for disks, the agent's kernel and initramfs) from the Debian
 * packages of one suite: `node agent/build.ts [--out .cache/assets] [--suite trixie] [--arch amd64,arm64]`.
 * An architecture that the output already has is kept and kept current, named or not; amd64 is always there.
 * Does nothing when the output already is what this recipe makes of the packages apt would choose now.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MANIFEST_NAME, agentPaths, parseAssetManifest, type AssetFile, type AssetManifest, type AssetPackage } from './paths.ts';
import { chosenPackages, downloadPackages, type AptState } from './recipe/apt.ts';
import { buildInitramfs, compress, kernelVersion, type Stages } from './recipe/initramfs.ts';
import { writeLoaders } from './recipe/loaders.ts';
import { architectures, type Architecture, type Package } from './recipe/packages.ts';
import { readStaged, unpack } from './recipe/stage.ts';

const SOURCE = import.meta.dirname;
const CACHE = resolve(SOURCE, '../.cache');

export type BuildOptions = { out: string; suite: string; architectures: readonly Architecture[]; cache?: string; say?: (line: string) => void };
export type BuildResult = { built: readonly Architecture[]; manifest: AssetManifest };
/** One architecture with apt's choice for it. */
type Part = { architecture: Architecture; apt: AptState; packages: Package[] };

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** Hash of everything in `agent/` that decides the output's bytes. */
function recipeHash(): string {
  const files = ['build.ts', 'init', ...['recipe', 'lib'].flatMap((dir) => readdirSync(join(SOURCE, dir)).map((name) => `${dir}/${name}`))];
  const decisive = files.filter((path) => !path.endsWith('.test.ts')).sort();
  return sha256(decisive.map((path) => `${path} ${sha256(readFileSync(join(SOURCE, path)))}\n`).join(''));
}

/** Packages of another architecture than amd64 are named as dpkg does: `jq:arm64`. */
const slim = ({ architecture, packages }: Part): AssetPackage[] => packages.map(({ name, version, sha256: hash }) =>
  ({ name: architecture === 'amd64' ? name : `${name}:${architecture}`, version, sha256: hash }));

function presentManifest(out: string): AssetManifest | undefined {
  const path = join(out, MANIFEST_NAME);
  return existsSync(path) ? parseAssetManifest(readFileSync(path, 'utf8'), path) : undefined;
}

/** Which part of the output a file belongs to. */
const architectureOf = (path: string): Architecture => path.startsWith('agent/arm64/') || path.endsWith('aa64.efi') ? 'arm64' : 'amd64';
const isPresent = (out: string, { path, sizeBytes }: AssetFile): boolean => statSync(join(out, path), { throwIfNoEntry: false })?.size === sizeBytes;

/** The files of one part if they are there and of these very packages; undefined when it has to be built. */
function currentFiles(present: AssetManifest | undefined, part: Part, out: string): AssetFile[] | undefined {
  const files = present?.files.filter(({ path }) => architectureOf(path) === part.architecture) ?? [];
  const known = new Set(present?.packages.map((one) => JSON.stringify(one)));
  const isCurrent = files.length > 0 && slim(part).every((one) => known.has(JSON.stringify(one))) && files.every((file) => isPresent(out, file));
  return isCurrent ? files : undefined;
}

function describeFiles(out: string): AssetFile[] {
  const paths = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(out, path)).isFile());
  return paths.map((path) => {
    const bytes = readFileSync(join(out, path));
    return { path, sha256: sha256(bytes), sizeBytes: bytes.length };
  });
}

function makeAssets(stages: Stages, out: string, say: (line: string) => void): void {
  const { target, tools } = stages;
  const { kernel, initrd } = agentPaths(target.architecture);
  say(`${target.architecture}: making loaders and boot code, collecting programs and kernel modules`);
  writeLoaders(target, out);
  const archive = buildInitramfs(stages, SOURCE);
  say(`${target.architecture}: compressing the initramfs (${Math.round(archive.length / 1e6)} MB)`);
  mkdirSync(join(out, dirname(initrd)), { recursive: true });
  writeFileSync(join(out, initrd), compress(tools, archive));
  writeFileSync(join(out, kernel), readStaged(target, `boot/vmlinuz-${kernelVersion(target)}`));
}

/** Unpacks and makes what is not current; the tools that run come from the packages of amd64 in any case. */
function buildParts(parts: readonly Part[], stale: readonly Part[], work: string): void {
  const unpacked = ({ architecture, apt, packages }: Part) => {
    const debs = downloadPackages(apt, packages);
    apt.say(`${architecture}: unpacking ${debs.length} packages`);
    return unpack(debs, join(work, architecture), architecture);
  };
  const tools = unpacked(parts.find(({ architecture }) => architecture === 'amd64') as Part);
  for (const part of stale) makeAssets({ target: part.architecture === 'amd64' ? tools : unpacked(part), tools }, join(work, 'out'), part.apt.say);
}

/**
 * Moves finished files into place: the manifest comes last, and leaves first where it names one that is replaced, so that a
 * half-done tree has none. An architecture that is only added leaves a running rack's files as they are.
 */
function publish(work: string, out: string, made: { manifest: AssetManifest; files: readonly AssetFile[] }, former: AssetManifest | undefined): void {
  const before = new Set(former?.files.map(({ path }) => path));
  if (former === undefined || made.files.some(({ path }) => before.has(path))) rmSync(join(out, MANIFEST_NAME), { force: true });
  for (const { path } of made.files) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    renameSync(join(work, path), join(out, path));
    before.delete(path);
  }
  const { manifest } = made;
  for (const { path } of manifest.files) before.delete(path);
  for (const path of before) rmSync(join(out, path), { force: true });
  writeFileSync(join(out, `${MANIFEST_NAME}.new`), `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(join(out, `${MANIFEST_NAME}.new`), join(out, MANIFEST_NAME));
}

function choose({ suite, cache = CACHE, say = () => {} }: BuildOptions, architecture: Architecture): Part {
  const name = architecture === 'amd64' ? `apt-${suite}` : `apt-${suite}-${architecture}`;
  const apt: AptState = { dir: join(cache, name), suite, arch: architecture, say };
  return { architecture, apt, packages: chosenPackages(apt) };
}

/** Builds into `out` what is not current there; throws with the cause when a package, program or module is missing. */
export function buildAssets(options: BuildOptions): BuildResult {
  const { out, suite } = options;
  const former = presentManifest(out);
  const wanted = new Set<Architecture>(['amd64', ...options.architectures, ...(former?.files ?? []).map(({ path }) => architectureOf(path))]);
  const parts = architectures.filter((one) => wanted.has(one)).map((one) => choose(options, one));
  const recipe = recipeHash();
  const reusable = former?.suite === suite && former.recipe === recipe ? former : undefined;
  const kept = parts.flatMap((part) => currentFiles(reusable, part, out) ?? []);
  const stale = parts.filter((part) => currentFiles(reusable, part, out) === undefined);
  if (stale.length === 0 && reusable !== undefined) return { built: [], manifest: reusable };
  mkdirSync(out, { recursive: true });
  const work = mkdtempSync(join(resolve(out), '.work-')); // inside the output: a rename must not cross file systems
  try {
    buildParts(parts, stale, work);
    const files = describeFiles(join(work, 'out'));
    const manifest = { suite, recipe, packages: parts.flatMap(slim), files: [...kept, ...files].sort((a, b) => (a.path < b.path ? -1 : 1)) };
    publish(join(work, 'out'), out, { manifest, files }, former);
    return { built: stale.map(({ architecture }) => architecture), manifest };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Reads `amd64,arm64`; throws on a name without a recipe. */
export function parseArchitectures(text: string): Architecture[] {
  return text.split(',').map((name) => {
    const known = architectures.find((one) => one === name);
    if (known === undefined) throw new Error(`assets: no recipe for ${name}, only for ${architectures.join(' and ')}`);
    return known;
  });
}

function main(): void {
  const { values } = parseArgs({ options: {
    out: { type: 'string', default: join(CACHE, 'assets') }, suite: { type: 'string', default: 'trixie' }, arch: { type: 'string', default: 'amd64' },
  } });
  const say = (line: string): void => console.log(`assets: ${line}`);
  const { built, manifest } = buildAssets({ out: values.out, suite: values.suite, architectures: parseArchitectures(values.arch), say });
  const bytes = manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  say(`${values.out} ${built.length === 0 ? 'is current' : `has ${built.join(' and ')} built`}: ${manifest.files.length} files, ${Math.round(bytes / 1e6)} MB`);
}

if (import.meta.main) main();
