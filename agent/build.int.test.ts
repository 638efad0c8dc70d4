import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildAssets, parseArchitectures } from './build.ts';
import { MANIFEST_NAME, verifyAssets } from './paths.ts';

test('two builds of the same packages are the same bytes, and a third has nothing to do', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ironbus-build-'));
  t.after(() => rm(dir, { recursive: true }));
  const build = (name: string) => buildAssets({ out: join(dir, name), suite: 'trixie', architectures: ['amd64'] });
  assert.deepEqual(build('one').built, ['amd64']);
  assert.deepEqual(build('two').built, ['amd64']);
  assert.equal(await readFile(join(dir, 'one', MANIFEST_NAME), 'utf8'), await readFile(join(dir, 'two', MANIFEST_NAME), 'utf8'));
  assert.equal((await verifyAssets(join(dir, 'two'))).ok, true);
  const began = performance.now();
  assert.deepEqual(build('two').built, []);
  assert.ok(performance.now() - began < 2000, 'a current output is recognised in under 2 s');
});

test('an architecture without a recipe is refused', () => {
  assert.throws(() => parseArchitectures('amd64,riscv64'), /no recipe for riscv64, only for amd64 and arm64/);
});
