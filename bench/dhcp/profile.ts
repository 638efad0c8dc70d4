/** Where a Node process spent its time: V8's .cpuprofile as self time per function and per part of the program. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type Profile = {
  nodes: readonly { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: readonly number[];
  timeDeltas: readonly number[];
};
export type Hot = { name: string; percent: number };
export type Profiled = { busyPercent: number; functions: Hot[]; parts: Hot[] };

/** The newest profile in a folder, or the newest of a main thread: names are CPU.<day>.<time>.<process>.<thread>.<number>. Throws where there is none. */
export function readProfile(folder: string, thread: 'any' | 'main' = 'any'): Profile {
  const file = globSync(thread === 'main' ? 'CPU.*.*.*.0.*.cpuprofile' : '*.cpuprofile', { cwd: folder }).sort().at(-1);
  if (file === undefined) throw new Error(`no .cpuprofile in ${folder}: the process did not end by itself`);
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile;
}

/** Pure. Percent of the busy time (idle left out); `most` entries each. */
export function summarize({ nodes, samples, timeDeltas }: Profile, most: number): Profiled {
  const frames = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const [functions, parts] = [new Map<string, number>(), new Map<string, number>()];
  let [busy, all] = [0, 0];
  samples.forEach((id, at) => {
    const [frame, spent] = [frames.get(id), timeDeltas[at] ?? 0];
    all += spent;
    if (frame === undefined || frame.functionName === '(idle)') return;
    busy += spent;
    add(functions, `${frame.functionName || '(anonymous)'} ${place(frame.url)}:${frame.lineNumber + 1}`, spent);
    add(parts, part(frame.url, frame.functionName), spent);
  });
  const top = (map: Map<string, number>): Hot[] => [...map].sort((a, b) => b[1] - a[1]).slice(0, most).map(([name, spent]) => ({ name, percent: Number((spent / busy * 100).toFixed(1)) }));
  return { busyPercent: Number((busy / all * 100).toFixed(1)), functions: top(functions), parts: top(parts) };
}

const add = (map: Map<string, number>, name: string, spent: number): void => { map.set(name, (map.get(name) ?? 0) + spent); };

const place = (url: string): string => url.replace(/^.*\/(node_modules|libs|services)\//, '$1/').replace(/^node_modules\//, '');

/** The package, library or service that a file belongs to. */
function part(url: string, functionName: string): string {
  if (url === '') return functionName === '(garbage collector)' ? 'garbage collection' : 'native code';
  if (url.startsWith('node:')) return 'node';
  return /\/(node_modules\/(?:@[^/]+\/)?[^/]+|libs\/[^/]+|services\/[^/]+\/src\/[^/]+)/.exec(url)?.[1]?.replace('node_modules/', '') ?? 'other';
}

export function printProfile({ busyPercent, functions, parts }: Profiled): void {
  console.log(`main thread busy ${busyPercent} % of the time\n\nself time by part:`);
  for (const { name, percent } of parts) console.log(`${percent.toFixed(1).padStart(6)} %  ${name}`);
  console.log('\nself time by function:');
  for (const { name, percent } of functions) console.log(`${percent.toFixed(1).padStart(6)} %  ${name}`);
}
