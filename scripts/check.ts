/** `npm run check`: types, lint, dependency rules, and no drift between the code and what is generated from it. `--write` mends the drift. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { edgeProblems } from './edges.ts';
import { generatedFiles, unpublished } from './generated.ts';

const root = dirname(import.meta.dirname);
const write = process.argv.includes('--write');
const bin = (name: string): string => join(root, 'node_modules/.bin', name);

/** Each check gives its problems, none when all is well. */
const checks: Record<string, () => string[]> = {
  types: () => tool(bin('tsc'), ['-p', '.']),
  lint: () => tool(bin('biome'), ['lint', '--diagnostic-level=error', ...(write ? ['--write'] : []), '.']),
  dependencies: () => edgeProblems(root),
  manifests: unpublished,
  drift,
  words: forbiddenWords,
};

function tool(program: string, args: readonly string[]): string[] {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  return result.status === 0 ? [] : [`${result.stdout}${result.stderr}`.trim()];
}

function drift(): string[] {
  const files = generatedFiles(root);
  const stale = [...files].filter(([path, content]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== content);
  const orphans = readdirSync(join(root, 'libs/contracts/schemas'), { withFileTypes: true }).map((entry) => `libs/contracts/schemas/${entry.name}`).filter((path) => !files.has(path));
  if (!write) return [...stale.map(([path]) => `${path} is not what the code says: npm run check -- --write, then read the diff`), ...orphans.map((path) => `${path} belongs to no event type`)];
  for (const [path, content] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  for (const path of orphans) rmSync(join(root, path));
  return [];
}

/** Marks of unfinished work do not land. */
function forbiddenWords(): string[] {
  const marks = ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|');
  const found = spawnSync('git', ['grep', '-nE', `\\b(${marks})\\b`, '--', '*.ts', '*.mjs', '*.sh'], { cwd: root, encoding: 'utf8' });
  if (found.status === null || found.status > 1) return [`git grep could not run: ${found.stderr ?? found.error?.message}`];
  return found.stdout.split('\n').filter((line) => line !== '');
}

if (write) mkdirSync(join(root, 'libs/contracts/schemas'), { recursive: true });
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  const problems = check();
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  for (const problem of problems) console.log(`     ${problem.replaceAll('\n', '\n     ')}`);
  failed += problems.length === 0 ? 0 : 1;
}
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
