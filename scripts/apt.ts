/** Debian packages the project's own commands need: installed as root, otherwise named with the command that installs them. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

export type Say = (text: string) => void;

/**
 * Which of `names` are not fully installed, given what `dpkg-query -W -f '${Package} ${Status}\n'` printed. Pure.
 * A package of a foreign architecture counts too: only its programs are wanted.
 */
export function missingPackages(names: readonly string[], dpkgOutput: string): string[] {
  const lines = dpkgOutput.split('\n').filter((line) => line.endsWith(' install ok installed'));
  const installed = new Set(lines.map((line) => line.split(' ')[0]));
  return names.filter((name) => !installed.has(name));
}

/** Installs what is missing of `names` without starting any daemon a package brings. Throws when it may not or can not. */
export function ensurePackages(names: readonly string[], say: Say): void {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${Status}\n', ...names], { encoding: 'utf8' });
  const missing = missingPackages(names, query.stdout ?? '');
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0) throw new Error(`these Debian packages are missing: ${missing.join(', ')}. As root, run: ${command}`);
  say(`installing Debian packages: ${missing.join(', ')}`);
  withoutDaemons(() => {
    run('apt-get', ['-q', 'update']);
    run('apt-get', ['-q', 'install', '-y', '--no-install-recommends', ...missing]);
  });
}

function run(program: string, args: readonly string[]): void {
  const result = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  if (result.status === 0) return;
  const tail = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(-8).join('\n');
  throw new Error(`${program} ${args.join(' ')} failed:\n${tail}`);
}

/** Debian's hook against starting services at installation (invoke-rc.d, policy-rc.d); an administrator's own one is left alone. */
function withoutDaemons(install: () => void): void {
  const hook = '/usr/sbin/policy-rc.d';
  if (existsSync(hook)) return install();
  writeFileSync(hook, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    rmSync(hook);
  }
}
