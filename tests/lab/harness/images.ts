/**
 * The operating system images that the lab deploys, built once and kept in `<cache>/images`.
 * An image's key is the recipe's files and the package versions that apt would install now.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { candidateVersions, debianSources } from '../images/apt-sources.ts';
import { customiseDebian, debianPackages, installDebian, packDebian } from '../images/debian.ts';
import { assembleTiny, extractTiny, packRootfs, tinyPackages } from '../images/tiny.ts';
import { makeDiskImage } from '../images/disk-image.ts';
import { ensurePackages, imagePackages, type Say } from './packages.ts';
import { run } from './run.ts';

export type ImageName = 'tiny' | 'debian';

/** A built image; `sha256` and `sizeBytes` are of the file at `path`, as it is downloaded. */
export type BuiltImage = {
  name: ImageName;
  path: string;
  format: 'rootfs' | 'raw';
  compression: 'zstd';
  sizeBytes: number;
  sha256: string;
  /** `name=version` of the packages that the key was made of. */
  versions: string[];
  /** The same system as an uncompressed raw disk, to boot without a provisioner. */
  rawPath: string;
};

const suite = 'bookworm';
const recipeDir = join(import.meta.dirname, '..', 'images');

/** Returns the image from the cache, or builds it (root needed; tiny about 20 s, debian about 100 s, one line of progress a step). */
export async function ensureImage(name: ImageName, cacheDir: string, say: Say): Promise<BuiltImage> {
  const versions = await packageVersions(name === 'tiny' ? tinyPackages : debianPackages);
  const dir = join(cacheDir, 'images', `${name}-${recipeKey(versions)}`);
  const manifest = join(dir, 'image.json');
  if (existsSync(manifest)) return { ...(JSON.parse(readFileSync(manifest, 'utf8')) as BuiltImage), ...paths(name, dir) };
  await ensurePackages(imagePackages, say);
  const work = `${dir}.partial-${process.pid}`; // two builds at once do not meet
  mkdirSync(work, { recursive: true });
  await (name === 'tiny' ? buildTiny(work, say) : buildDebian(work, say));
  const built = await describe(name, work, versions);
  writeFileSync(join(work, 'image.json'), `${JSON.stringify(built, null, 2)}\n`);
  if (existsSync(dir)) rmSync(work, { recursive: true });
  else renameSync(work, dir);
  forgetOlder(name, join(cacheDir, 'images'), dir);
  say(`${name}: ${Math.round(built.sizeBytes / 1e6)} MB in ${dir}`);
  return { ...built, ...paths(name, dir) };
}

/** Builds of former recipes go after a day; a lab may be using a younger one. */
function forgetOlder(name: ImageName, images: string, current: string): void {
  const dayMs = 24 * 3600 * 1000;
  const others = readdirSync(images).filter((entry) => entry.startsWith(`${name}-`)).map((entry) => join(images, entry));
  for (const path of others) {
    if (path !== current && Date.now() - statSync(path).mtimeMs > dayMs) rmSync(path, { recursive: true, force: true });
  }
}

async function buildTiny(work: string, say: Say): Promise<void> {
  const { path, rawPath } = paths('tiny', work);
  const [tree, root] = [join(work, 'packages'), join(work, 'root')];
  say(`tiny: unpacking ${tinyPackages.length} packages of Debian ${suite}`);
  await extractTiny(tree, sources(), suite);
  say('tiny: assembling the root file system and its initrd');
  await assembleTiny(tree, root);
  await packRootfs(root, path);
  say('tiny: making the raw disk');
  await makeDiskImage({ tree: root, tools: tree, out: rawPath, rootMb: 96 });
  for (const left of [tree, root]) rmSync(left, { recursive: true, force: true });
}

async function buildDebian(work: string, say: Say): Promise<void> {
  const { path, rawPath } = paths('debian', work);
  const tree = join(work, 'root');
  say(`debian: installing ${debianPackages.length} packages and what they need (about 80 s)`);
  await installDebian(tree, sources(), suite);
  customiseDebian(tree);
  say('debian: making the raw disk and compressing it');
  await packDebian(tree, rawPath, path);
  rmSync(tree, { recursive: true, force: true });
}

function paths(name: ImageName, dir: string): { path: string; rawPath: string } {
  return { path: join(dir, name === 'tiny' ? 'tiny.tar.zst' : 'debian.raw.zst'), rawPath: join(dir, `${name}.raw`) };
}

async function describe(name: ImageName, dir: string, versions: string[]): Promise<BuiltImage> {
  const { path, rawPath } = paths(name, dir);
  return {
    name, path, rawPath, versions, compression: 'zstd', format: name === 'tiny' ? 'rootfs' : 'raw',
    sizeBytes: statSync(path).size, sha256: await sha256Of(path),
  };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}

async function packageVersions(names: readonly string[]): Promise<string[]> {
  return candidateVersions((await run(['apt-cache', 'policy', ...names])).stdout);
}

/** Changes with any file of the recipes; tests and the command beside them don't count. */
function recipeKey(versions: readonly string[]): string {
  const files = readdirSync(recipeDir, { recursive: true, encoding: 'utf8' }).sort()
    .filter((path) => !path.endsWith('.test.ts') && path !== 'build.ts' && statSync(join(recipeDir, path)).isFile());
  const hash = createHash('sha256').update(versions.join('\n'));
  for (const path of files) hash.update(path).update(readFileSync(join(recipeDir, path)));
  return hash.digest('hex').slice(0, 12);
}

function sources(): string[] {
  const dir = '/etc/apt/sources.list.d';
  const listed = existsSync(dir) ? readdirSync(dir).filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(dir, name)) : [];
  const texts = ['/etc/apt/sources.list', ...listed].filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'));
  const found = debianSources(texts, suite);
  if (found === undefined) throw new Error('the apt sources of this machine name no Debian mirror, so the images can\'t be built here');
  return found;
}
