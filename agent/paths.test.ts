import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createHash } from 'node:crypto';
import { MANIFEST_NAME, parseAssetManifest, readAssetManifest, verifyAssets } from './paths.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const manifestOf = (path: string, text: string) => ({
  suite: 'trixie', recipe: hash(''), packages: [{ name: 'jq', version: '1', sha256: hash('jq') }], files: [{ path, sha256: hash(text), sizeBytes: text.length }],
});

for (const [name, change] of [
  ['no suite', { suite: '' }], ['no hash', { recipe: 'x' }], ['no list', { files: {} }],
  ['a path that leaves the folder', { files: [{ path: '../x', sha256: hash(''), sizeBytes: 0 }] }],
  ['a package without a version', { packages: [{ name: 'jq', sha256: hash('') }] }],
] as const) {
  test(`a manifest with ${name} is refused`, () => {
    assert.throws(() => parseAssetManifest(JSON.stringify({ ...manifestOf('a', 'a'), ...change }), 'm'), /^Error: m: /);
  });
}

test('assets are verified by size and hash', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ironbus-assets-'));
  t.after(() => rm(dir, { recursive: true }));
  await assert.rejects(readAssetManifest(dir), /ENOENT/);
  await writeFile(join(dir, MANIFEST_NAME), JSON.stringify(manifestOf('loader', 'bytes')));
  assert.deepEqual(await verifyAssets(dir), { ok: false, faults: ['loader: absent'] });
  await writeFile(join(dir, 'loader'), 'bytes');
  assert.equal((await verifyAssets(dir)).ok, true);
  await writeFile(join(dir, 'loader'), 'other');
  assert.deepEqual(await verifyAssets(dir), { ok: false, faults: ['loader: other bytes than the manifest says'] });
  await writeFile(join(dir, 'loader'), 'longer bytes');
  assert.deepEqual(await verifyAssets(dir), { ok: false, faults: ['loader: 12 bytes, not 5'] });
});
