import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeAssets } from '../test/rack.ts';
import { openAssets } from './shell/assets.ts';

test('assets are verified: whole, absent, damaged', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'ironbus-assets-'));
  t.after(() => rm(directory, { recursive: true }));
  await assert.rejects(openAssets(directory), { code: 'ASSETS_MISSING', message: /manifest\.json can not be read: build them with "node agent\/build\.ts --out / });
  await writeAssets(directory);
  assert.equal((await openAssets(directory)).get('loaders/undionly.kpxe')?.path, 'loaders/undionly.kpxe');
  const original = 'bytes of agent/amd64/vmlinuz '.repeat(1000);
  await writeFile(join(directory, 'agent/amd64/vmlinuz'), original.replace('b', 'B'));
  await rm(join(directory, 'loaders/snponly.efi'));
  await assert.rejects(openAssets(directory), { code: 'ASSETS_MISSING', message: /loaders\/snponly\.efi is absent; agent\/amd64\/vmlinuz differs/ });
});
