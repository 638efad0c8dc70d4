/** `npm run bench -- <name>`: runs one bench, prints its rows, writes its result file. Whoever reads decides; it exits 0. */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { printRows, type Row } from './result.ts';

const name = process.argv[2] ?? '';
const file = join(import.meta.dirname, `${name}.bench.ts`);
if (!/^[a-z-]+$/.test(name) || !existsSync(file)) {
  console.error(`usage: npm run bench -- <name>; there are: ${globSync('*.bench.ts', { cwd: import.meta.dirname }).map((each) => each.replace('.bench.ts', '')).sort().join(', ')}`);
  process.exit(2);
}
const bench = await import(file) as { run(): Promise<readonly Row[]> };
printRows(await bench.run());
process.exit(0);
