/**
 * Which package imports which (house rules: contracts, wire, iso and libc import nothing of ours, libs import contracts only, no service
 * imports a service, core/ is pure). The list is a golden file; what breaks a rule is an error.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { builtinModules } from 'node:module';

type Import = { file: string; from: string; to: string };

const pureBuiltins = new Set(['node:crypto', 'node:buffer', 'node:net', 'node:util', 'node:assert', 'node:querystring', 'node:url', 'node:path']);
const packageOf = (file: string): string => /^(libs|services|apps)\/[^/]+/.exec(file)?.[0] ?? file.split('/')[0] ?? file;

/** The golden list: one line per edge between packages of ours or to a third-party package. */
export function dependencyEdges(root: string): string {
  const edges = new Set(allImports(root).filter((edge) => !isTest(edge.file)).flatMap(({ file, to }) => {
    const target = ourPackage(to) ?? thirdParty(to);
    return target === undefined || target === packageOf(file) ? [] : [`${packageOf(file)} -> ${target}`];
  }));
  return `${[...edges].sort().join('\n')}\n`;
}

/** Every broken rule as a sentence. */
export function edgeProblems(root: string): string[] {
  return allImports(root).flatMap((edge) => problem(edge) ?? []);
}

function problem({ file, to }: Import): string[] | undefined {
  const from = packageOf(file);
  const target = ourPackage(to);
  const says = (why: string): string[] => [`${file} imports ${to}: ${why}`];
  if (target !== undefined && /^@ironbus\/[^/]+\/./.test(to)) return says('only a package’s face may be imported');
  if (isTest(file)) return undefined;
  if (target === 'libs/testkit' && !from.startsWith('apps/sim') && from !== 'libs/testkit') return says('testkit is for tests');
  if (['libs/contracts', 'libs/wire', 'libs/iso', 'libs/libc'].includes(from) && target !== undefined && target !== from) return says(`${from} imports nothing of ours`);
  if (['libs/bus', 'libs/store', 'libs/runtime', 'libs/installers'].includes(from) && target !== undefined && target !== 'libs/contracts') return says('shared libraries may import contracts only');
  if (from.startsWith('services/') && target?.startsWith('services/') && target !== from) return says('no service imports another');
  if (from === 'apps/cli' && target !== undefined && target !== from && !['libs/wire', 'libs/contracts'].includes(target)) return says('the CLI speaks HTTP to the public API');
  return /\/core\//.test(file) ? coreProblem(file, to, target, says) : undefined;
}

function coreProblem(file: string, to: string, target: string | undefined, says: (why: string) => string[]): string[] | undefined {
  if (target !== undefined && !['libs/contracts', 'libs/wire', 'libs/installers'].includes(target)) return says('core/ may import contracts, wire and installers only');
  if (/(^|\/)shell\//.test(to)) return says('core/ may not import shell/');
  const builtin = to.startsWith('node:') || builtinModules.includes(to);
  return builtin && !pureBuiltins.has(to) ? says('core/ is pure: no sockets, files, processes or timers') : undefined;
}

const isTest = (file: string): boolean => /\.test\.ts$|^tests\/|^bench\/|\/test(ing)?\//.test(file);
const ourPackage = (to: string): string | undefined => {
  const name = /^@ironbus\/([^/]+)/.exec(to)?.[1];
  return name === undefined ? undefined : ['libs', 'services', 'apps'].map((place) => `${place}/${name}`).find((path) => existsSync(join(import.meta.dirname, '..', path)));
};
const thirdParty = (to: string): string | undefined =>
  to.startsWith('.') || to.startsWith('node:') || builtinModules.includes(to) ? undefined : /^(@[^/]+\/)?[^/]+/.exec(to)?.[0];

function allImports(root: string): Import[] {
  const files = ['libs', 'services', 'apps', 'agent', 'tests', 'bench'].flatMap((place) => sources(join(root, place)));
  return files.flatMap((path) => {
    const file = relative(root, path);
    const text = readFileSync(path, 'utf8');
    const found = text.matchAll(/^\s*(?:import|export)\b[^;'"]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\('([^']+)'\)/gm);
    return [...found].map((match) => ({ file, from: packageOf(file), to: match[1] ?? match[2] ?? match[3] ?? '' }));
  });
}

function sources(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) return [];
    const path = join(directory, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : [];
  });
}
