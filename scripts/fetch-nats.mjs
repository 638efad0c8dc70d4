#!/usr/bin/env node
/**
 * Finds a nats-server that is new enough, or unpacks Debian's newest into the project's cache.
 * Nothing of the machine is changed: apt works on its own `Dir::*` folders in `<cache>/apt-<suite>`, with the mirror
 * and the proxy that the machine's own sources name. Needs no root. Plain JavaScript: it runs before Node 24 is there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';

export const minimumNats = '2.12.0';
const suites = ['forky', 'sid'];
const debianSuite = /^(oldstable|stable|testing|unstable|sid|buster|bullseye|bookworm|trixie|forky)(-updates|-backports)?$/;
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The path of a nats-server >= 2.12: the machine's own, else one unpacked below `cacheDir`. Throws where none can be had. */
export async function ensureNats(cacheDir, say = (text) => console.error(text)) {
  const found = findNats(cacheDir);
  if (found !== undefined) return found;
  mkdirSync(cacheDir, { recursive: true });
  const unlock = await lock(join(cacheDir, 'nats.lock'));
  try {
    return findNats(cacheDir) ?? fetchFromDebian(cacheDir, say);
  } finally {
    unlock();
  }
}

/** The path of an already present nats-server >= 2.12, on PATH or in the cache; undefined where there is none. */
export function findNats(cacheDir) {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(Boolean).map((folder) => join(folder, 'nats-server'));
  return [...onPath, cachedBinary(cacheDir), '/usr/sbin/nats-server'].find((file) => isNewEnough(versionOf(file)));
}

const cachedBinary = (cacheDir) => join(resolve(cacheDir), 'nats', 'usr', 'sbin', 'nats-server');

function versionOf(file) {
  if (!existsSync(file)) return undefined;
  try {
    const text = execFileSync(file, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /v?(\d+\.\d+\.\d+)/.exec(text)?.[1];
  } catch {
    return undefined; // not executable here, e.g. another architecture: as good as absent
  }
}

function isNewEnough(version) {
  if (version === undefined) return false;
  const [have, need] = [version, minimumNats].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) if (have[i] !== need[i]) return have[i] > need[i];
  return true;
}

function fetchFromDebian(cacheDir, say) {
  const source = debianSource();
  if (source === undefined) throw new Error(`no nats-server >= ${minimumNats} on PATH, and apt has no Debian source to fetch one from: install nats-server`);
  const failures = [];
  for (const suite of suites) {
    try {
      const file = unpackFrom(cacheDir, suite, source, say);
      const version = versionOf(file);
      if (isNewEnough(version)) {
        say(`nats-server ${version} is in ${dirname(file)}`);
        return file;
      }
      failures.push(`${suite} has ${version ?? 'a nats-server that does not run here'}`);
    } catch (error) {
      failures.push(`${suite}: ${String(error.stderr || error.message).trim().split('\n').slice(-3).join(' / ')}`);
    }
  }
  throw new Error(`no nats-server >= ${minimumNats} could be fetched: ${failures.join('; ')}`);
}

function unpackFrom(cacheDir, suite, source, say) {
  const apt = aptOf(cacheDir, suite, source);
  say(`reading Debian ${suite}'s package list (own folder ${apt.dir}; the machine's apt sources stay as they are)`);
  apt.run(['update']);
  const work = join(resolve(cacheDir), `nats.${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'tree'), { recursive: true });
  try {
    apt.run(['download', 'nats-server'], work);
    for (const deb of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      say(`unpacking ${deb} (${(statSync(join(work, deb)).size / 1e6).toFixed(1)} MB) into ${join(cacheDir, 'nats')}`);
      execFileSync('dpkg-deb', ['-x', join(work, deb), join(work, 'tree')], { stdio: 'pipe' });
    }
    const target = join(resolve(cacheDir), 'nats');
    rmSync(target, { recursive: true, force: true });
    renameSync(join(work, 'tree'), target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return cachedBinary(cacheDir);
}

/** apt-get with its own sources, lists and cache; the machine's apt.conf (proxies) still counts. */
function aptOf(cacheDir, suite, source) {
  const dir = join(resolve(cacheDir), `apt-${suite}`);
  for (const part of ['lists/partial', 'cache/archives/partial', 'log']) mkdirSync(join(dir, part), { recursive: true });
  writeFileSync(join(dir, 'sources.list'), `deb [signed-by=${source.keyring}] ${source.mirror} ${suite} main\n`);
  const settings = {
    'Dir::Etc::SourceList': join(dir, 'sources.list'), 'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null', 'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State::Lists': join(dir, 'lists'), 'Dir::State::status': '/dev/null', 'Dir::Cache': join(dir, 'cache'),
    'Dir::Log': join(dir, 'log'), 'APT::Sandbox::User': userInfo().username, 'Acquire::Languages': 'none', 'Acquire::Retries': '2',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return { dir, run: (args, cwd = dir) => execFileSync('apt-get', ['-qq', ...options, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' }) };
}

/** The first Debian mirror among the machine's apt sources, with the keyring it is checked against. */
function debianSource(etc = '/etc/apt') {
  const parts = join(etc, 'sources.list.d');
  const files = existsSync(parts) ? readdirSync(parts).sort().map((name) => join(parts, name)) : [];
  return [join(etc, 'sources.list'), ...files].filter(existsSync)
    .flatMap((file) => file.endsWith('.sources') ? readStanzas(readFileSync(file, 'utf8')) : readLines(readFileSync(file, 'utf8')))
    .find(({ mirror, suite }) => debianSuite.test(suite) && !/-security\/?$/.test(mirror));
}

/** deb822 (sources.list(5)): stanzas apart by empty lines, `Field: value` with continuation lines. */
export function readStanzas(text) {
  const lines = text.split('\n').filter((line) => !line.startsWith('#')).join('\n').replace(/\n[ \t]+/g, ' ');
  return lines.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(stanza)?.[1]?.trim();
    if (!(field('Types') ?? '').split(/\s+/).includes('deb') || field('Enabled') === 'no') return [];
    const [mirror, suite, keyring] = [field('URIs')?.split(/\s+/)[0], field('Suites')?.split(/\s+/)[0], field('Signed-By')];
    return mirror && suite ? [{ mirror, suite, keyring: keyring?.startsWith('/') ? keyring : debianKeyring }] : [];
  });
}

/** The one-line form: `deb [signed-by=…] <mirror> <suite> <component>…`. */
export function readLines(text) {
  return text.split('\n').flatMap((line) => {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/.exec(line.trim());
    if (match === null) return [];
    return [{ mirror: match[2], suite: match[3], keyring: /signed-by=(\/\S+)/.exec(match[1] ?? '')?.[1] ?? debianKeyring }];
  });
}

/** Waits until no other process fetches. A lock whose process is gone is taken over. */
async function lock(file) {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => unlinkSync(file);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!holderLives(file)) rmSync(file, { force: true });
    await new Promise((done) => setTimeout(done, 200));
  }
}

function holderLives(file) {
  try {
    const text = readFileSync(file, 'utf8');
    if (text !== '') process.kill(Number(text), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const cacheDir = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..', '.cache');
  console.log(await ensureNats(cacheDir));
}
