/** The unpacked packages, and programs run out of them by their own loader, so that every host runs the same versions. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARIES = 'usr/lib/x86_64-linux-gnu';
export const LOADER = 'usr/lib64/ld-linux-x86-64.so.2';

export type Stage = { root: string };

/** Unpacks packages into an empty folder; needs dpkg-deb alone. */
export function unpack(debs: readonly string[], root: string): Stage {
  for (const deb of debs) execFileSync('dpkg-deb', ['-x', deb, root], { stdio: ['ignore', 'ignore', 'inherit'] });
  return { root };
}

/** A file of the stage; throws when no package has it. */
export function readStaged(stage: Stage, path: string): Buffer {
  return readFileSync(join(stage.root, path));
}

type RunOptions = { input?: Buffer; cwd?: string };

/** Runs a staged program and returns its standard output; throws with its standard error when it fails. */
export function runStaged(stage: Stage, program: string, args: readonly string[], options: RunOptions = {}): Buffer {
  const loaderArgs = ['--inhibit-cache', '--library-path', join(stage.root, LIBRARIES), join(stage.root, program), ...args];
  return execFileSync(join(stage.root, LOADER), loaderArgs, {
    ...options, env: { LC_ALL: 'C', PATH: '/nonexistent' }, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 1 << 28,
  });
}

/** Shared libraries of a staged program as soname → path in the stage; throws on one that no staged package has. */
export function librariesOf(stage: Stage, program: string): Map<string, string> {
  const args = ['--inhibit-cache', '--library-path', join(stage.root, LIBRARIES), '--list', join(stage.root, program)];
  const listed = execFileSync(join(stage.root, LOADER), args, { encoding: 'utf8', env: { LC_ALL: 'C' } });
  const libraries = new Map<string, string>();
  for (const [, soname = ''] of listed.matchAll(/^\t(\S+) => /gm)) {
    if (soname.startsWith('/')) continue;
    const path = join(LIBRARIES, soname);
    if (!existsSync(join(stage.root, path))) throw new Error(`stage: ${program} needs ${soname}: add its package to recipe/packages.ts`);
    libraries.set(soname, path);
  }
  return libraries;
}
