/** The unpacked packages of one architecture, and programs run out of them by their own loader, so that every host runs the same versions. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { neededLibraries } from './elf.ts';
import type { Architecture } from './packages.ts';

/** Where Debian keeps an architecture's libraries, and the loader its programs name (without the leading slash, merged /usr). */
const PLACES: Readonly<Record<Architecture, { libraries: string; loader: string }>> = {
  amd64: { libraries: 'usr/lib/x86_64-linux-gnu', loader: 'usr/lib64/ld-linux-x86-64.so.2' },
  arm64: { libraries: 'usr/lib/aarch64-linux-gnu', loader: 'usr/lib/ld-linux-aarch64.so.1' },
};

export type Stage = { root: string; architecture: Architecture; libraries: string; loader: string };

/** Unpacks packages into an empty folder; needs dpkg-deb alone. */
export function unpack(debs: readonly string[], root: string, architecture: Architecture): Stage {
  for (const deb of debs) execFileSync('dpkg-deb', ['-x', deb, root], { stdio: ['ignore', 'ignore', 'inherit'] });
  return { root, architecture, ...PLACES[architecture] };
}

/** A file of the stage; throws when no package has it. */
export function readStaged(stage: Stage, path: string): Buffer {
  return readFileSync(join(stage.root, path));
}

type RunOptions = { input?: Buffer; cwd?: string };

/** Runs a staged program and returns its standard output; throws with its standard error when it fails. Only what this machine can run. */
export function runStaged(stage: Stage, program: string, args: readonly string[], options: RunOptions = {}): Buffer {
  const loaderArgs = ['--inhibit-cache', '--library-path', join(stage.root, stage.libraries), join(stage.root, program), ...args];
  return execFileSync(join(stage.root, stage.loader), loaderArgs, {
    ...options, env: { LC_ALL: 'C', PATH: '/nonexistent' }, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 1 << 28,
  });
}

/** Shared libraries of a staged program and theirs, as soname → path in the stage; throws on one that no staged package has. */
export function librariesOf(stage: Stage, program: string): Map<string, string> {
  const found = new Map<string, string>();
  const queue = [program];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    for (const soname of neededLibraries(readStaged(stage, path))) {
      if (found.has(soname) || soname === basename(stage.loader)) continue;
      const library = join(stage.libraries, soname);
      if (!existsSync(join(stage.root, library))) throw new Error(`stage: ${program} needs ${soname}: add its package to recipe/packages.ts`);
      found.set(soname, library);
      queue.push(library);
    }
  }
  return found;
}
