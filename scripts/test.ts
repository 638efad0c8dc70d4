/** Runs the tests of one kind: unit (pure, no network), all (unit, the agent, then integration), lab (real virtual machines), compose (containers). */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname } from 'node:path';

const root = dirname(import.meta.dirname);
const everywhere = ['libs', 'services', 'apps', 'agent', 'scripts', 'tests/lab/harness', 'tests/lab/images'];

type Run = { name: string; files: string[]; flags: string[] };

const find = (patterns: readonly string[]): string[] => globSync([...patterns], { cwd: root, exclude: ['**/node_modules/**'] }).sort();
const unit = (): Run => ({ name: 'unit', files: find(everywhere.map((place) => `${place}/**/*.test.ts`)).filter((file) => !file.endsWith('.int.test.ts')), flags: ['--test-isolation=none'] });
const timeLimit = '--test-timeout=300000';
/** A virtual machine, and the build of what it boots: each keeps one processor busy. */
const agent = (): Run => ({ name: 'agent', files: find(['agent/**/*.int.test.ts']), flags: ['--test-concurrency=2', timeLimit] });
const integration = (): Run => ({
  name: 'integration',
  files: find([...everywhere.filter((place) => place !== 'agent').map((place) => `${place}/**/*.int.test.ts`), 'tests/integration/**/*.test.ts']),
  flags: ['--test-concurrency=1', timeLimit],
});
const lab = (): Run => ({ name: 'lab', files: find(['tests/lab/*.test.ts']), flags: ['--test-concurrency=2', '--test-timeout=1500000'] });
const compose = (): Run => ({ name: 'compose', files: find(['tests/compose/*.test.ts']), flags: ['--test-concurrency=1', '--test-timeout=1200000'] });

const kinds: Record<string, () => Run[]> = { unit: () => [unit()], all: () => [unit(), agent(), integration()], lab: () => [lab()], compose: () => [compose()] };

function run({ name, files, flags }: Run, only: readonly string[]): boolean {
  const chosen = only.length === 0 ? files : files.filter((file) => only.some((part) => file.includes(part)));
  if (chosen.length === 0) return only.length > 0;
  console.log(`\n== ${name}: ${chosen.length} files`);
  const result = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...flags, ...chosen], { cwd: root, stdio: 'inherit' });
  return result.status === 0;
}

const [kind = 'all', ...only] = process.argv.slice(2);
const runs = kinds[kind];
if (runs === undefined) {
  console.error(`unknown kind of tests ${kind}; there are: ${Object.keys(kinds).join(', ')}`);
  process.exit(2);
}
const outcomes = runs().map((each) => run(each, only));
process.exit(outcomes.every(Boolean) ? 0 : 1);
