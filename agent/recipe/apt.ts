/**
 * Debian packages of one suite, by apt with its own state folder (`Dir::*`): the machine's sources, lists and installed
 * packages stay as they are. Works offline once the lists and packages are there.
 */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { kernelMetapackage, kernelPackageOf, missingPackages, packagesOf, parsePrintUris, type Architecture, type Package } from './packages.ts';
import { debianMirror, type SourceFile } from './sources.ts';

const UPDATE_AFTER_MS = 24 * 3600 * 1000;
const KEYRINGS = ['/usr/share/keyrings/debian-archive-keyring.gpg', '/usr/share/keyrings/debian-archive-keyring.pgp'];

/** `arch` need not be the machine's: the state folder is apt's whole world, and what it fetches is unpacked, never installed. */
export type AptState = { dir: string; suite: string; arch: Architecture; say: (line: string) => void };

function sourceFiles(): SourceFile[] {
  const parts = '/etc/apt/sources.list.d';
  const names = existsSync(parts) ? readdirSync(parts).sort().filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(parts, name)) : [];
  return [...names, '/etc/apt/sources.list'].filter((name) => existsSync(name)).map((name) => ({ name, text: readFileSync(name, 'utf8') }));
}

function hostCodename(): string {
  return /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
}

/** Writes the suite's one-line source; throws when the machine has no Debian source or no archive keyring. */
function writeSources({ dir, suite, arch }: AptState): void {
  const mirror = debianMirror(sourceFiles(), hostCodename());
  const keyring = KEYRINGS.find((path) => existsSync(path));
  if (mirror === undefined) throw new Error('apt: no Debian source among the machine\'s own apt sources');
  if (keyring === undefined) throw new Error('apt: the package debian-archive-keyring is not installed');
  for (const folder of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(dir, folder), { recursive: true });
  writeFileSync(join(dir, 'sources.list'), `deb [arch=${arch} signed-by=${keyring}] ${mirror} ${suite} main\n`);
}

function apt(state: AptState, program: string, args: readonly string[], cwd = state.dir): string {
  const options = {
    'Dir::Etc::SourceList': join(state.dir, 'sources.list'), 'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null', 'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State::Lists': join(state.dir, 'lists'), 'Dir::Cache': join(state.dir, 'cache'), 'Dir::State::status': '/dev/null',
    'APT::Architecture': state.arch, 'APT::Architectures': state.arch, 'APT::Sandbox::User': 'root', 'Acquire::Languages': 'none', 'Acquire::Retries': '3',
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const env = { ...process.env, LC_ALL: 'C' };
  return execFileSync(program, ['-q', ...flags, ...args], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 });
}

function ageMs(path: string): number {
  return existsSync(path) ? Date.now() - statSync(path).mtimeMs : Number.POSITIVE_INFINITY;
}

/** Fetches the suite's lists, at most once a day; a failure is only said when older lists are there to go on with. */
function update(state: AptState): void {
  const stamp = join(state.dir, 'updated');
  if (ageMs(stamp) < UPDATE_AFTER_MS) return;
  state.say(`reading the package lists of ${state.suite} for ${state.arch}`);
  try {
    apt(state, 'apt-get', ['update', '-o', 'APT::Update::Error-Mode=any']);
  } catch (error) {
    if (!existsSync(stamp)) throw error;
    state.say(`the package lists could not be read again; going on with those of ${statSync(stamp).mtime.toISOString()}`);
    return;
  }
  rmSync(join(state.dir, 'chosen.json'), { force: true });
  writeFileSync(stamp, '');
}

function choose(state: AptState): Package[] {
  const metapackage = kernelMetapackage(state.arch);
  const kernel = kernelPackageOf(apt(state, 'apt-cache', ['show', '--no-all-versions', metapackage]));
  if (kernel === undefined) throw new Error(`apt: ${metapackage} names no kernel in ${state.suite}`);
  const wanted = [...packagesOf(state.arch), kernel];
  const chosen = parsePrintUris(apt(state, 'apt-get', ['download', '--print-uris', ...wanted]));
  const missing = missingPackages(wanted, chosen);
  if (missing.length > 0) throw new Error(`apt: ${state.suite} has no ${missing.join(' ')} for ${state.arch}`);
  return chosen;
}

/** The packages apt would take now. The choice is kept until the lists or the wanted names change. */
export function chosenPackages(state: AptState): Package[] {
  mkdirSync(state.dir, { recursive: true });
  writeSources(state);
  update(state);
  const key = createHash('sha256').update(`${packagesOf(state.arch).join(' ')} ${state.arch}`).digest('hex');
  const cache = join(state.dir, 'chosen.json');
  if (existsSync(cache)) {
    const kept = JSON.parse(readFileSync(cache, 'utf8')) as { key: string; packages: Package[] };
    if (kept.key === key) return kept.packages;
  }
  const packages = choose(state);
  writeFileSync(cache, JSON.stringify({ key, packages }));
  return packages;
}

function isDownloaded(archives: string, one: Package): boolean {
  const path = join(archives, one.fileName);
  return existsSync(path) && createHash('sha256').update(readFileSync(path)).digest('hex') === one.sha256;
}

/** Downloads what is not there yet (apt checks signatures and hashes) and returns the paths of all packages. */
export function downloadPackages(state: AptState, packages: readonly Package[]): string[] {
  const archives = join(state.dir, 'cache/archives');
  const absent = packages.filter((one) => !isDownloaded(archives, one));
  if (absent.length > 0) {
    state.say(`downloading ${absent.length} packages of ${state.suite} for ${state.arch}`);
    apt(state, 'apt-get', ['download', ...absent.map((one) => `${one.name}=${one.version}`)], archives);
  }
  const broken = packages.filter((one) => !isDownloaded(archives, one)).map((one) => one.name);
  if (broken.length > 0) throw new Error(`apt: not as the lists say: ${broken.join(' ')}`);
  return packages.map((one) => join(archives, basename(one.fileName)));
}
