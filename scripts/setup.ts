/** Sets up what a command needs beyond npm packages, and says what it installs. `node scripts/setup.ts nats redis …` */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { benchPackages, clientPackages, imagePackages, labPackages, unpackedPackages, unpackPackage } from '../tests/lab/harness/packages.ts';
import { ensurePackages } from './apt.ts';
import { ensureNats } from './fetch-nats.mjs';

export const projectRoot = dirname(import.meta.dirname);
export const cacheDir = join(projectRoot, '.cache');

const say = (text: string): void => void process.stderr.write(`ironbus: ${text}\n`);

/** Debian packages by what needs them; all that are missing are named and installed at once. */
const packages: Record<string, () => readonly string[]> = {
  redis: () => redisVersion() >= 7 ? [] : ['redis-server'],
  ipmitool: () => ['ipmitool'],
  lab: () => [...labPackages, ...imagePackages, ...benchPackages, ...clientPackages],
};

/** What else can be set up, by name. Each does nothing, quickly, where it is already there. */
const steps: Record<string, () => void | Promise<void>> = {
  nats: async () => void (await ensureNats(cacheDir, say)),
  redis: () => { if (redisVersion() < 7) throw new Error(`redis-server 7 or newer is needed; this machine's is ${redisVersion()}: install a newer one`); },
  lab: async () => { for (const name of unpackedPackages) await unpackPackage(name, join(cacheDir, 'unpacked'), say); },
  assets: () => program('agent/build.ts', ['--out', join(cacheDir, 'assets')]),
  images: () => program('tests/lab/images/build.ts', []),
};

/** The major version of the redis-server on PATH, 0 where there is none. */
const redisVersion = (): number => Number(/v=(\d+)/.exec(spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 0);

function program(path: string, args: readonly string[]): void {
  const result = spawnSync(process.execPath, [join(projectRoot, path), ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status !== 0) throw new Error(`${path} failed (its messages are above)`);
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !(name in steps) && !(name in packages));
  if (unknown !== undefined) throw new Error(`nothing to set up is called ${unknown}; there are: ${[...new Set([...Object.keys(packages), ...Object.keys(steps)])].join(', ')}`);
  assertWritable();
  ensurePackages(names.flatMap((name) => packages[name]?.() ?? []), say);
  for (const name of names) await steps[name]?.();
}

/** After a run as root the cache is root's. */
function assertWritable(): void {
  mkdirSync(cacheDir, { recursive: true });
  const foreign = [cacheDir, ...readdirSync(cacheDir).map((name) => join(cacheDir, name))].find((path) => !isWritable(path));
  if (foreign !== undefined) throw new Error(`${foreign} belongs to another user, perhaps from a run as root. As root, run: chown -R ${userInfo().username} ${cacheDir}`);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  main(process.argv.slice(2)).catch((error: Error) => {
    say(error.message);
    process.exit(1);
  });
}
