/** Builds both operating system images into the cache where they are missing: `node tests/lab/images/build.ts`. */
import { join } from 'node:path';
import { ensureImage } from '../harness/images.ts';

if (process.getuid?.() !== 0) throw new Error('building operating system images needs root (mmdebstrap): run it as root');
const cache = join(import.meta.dirname, '../../../.cache');
for (const name of ['tiny', 'debian'] as const) await ensureImage(name, cache, (line) => void process.stderr.write(`ironbus: ${line}\n`));
