/** Symbolic links lead nowhere: not those that are there at start, nor one that takes a file's place later. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFiles } from './files.ts';

test('links below pi/ are not listed; a file that became one is not read', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ironbus-tftp-files-'));
  t.after(() => rm(dir, { recursive: true }));
  const [assets, outside] = [join(dir, 'assets'), join(dir, 'outside')];
  await mkdir(join(assets, 'pi'), { recursive: true });
  await mkdir(outside);
  await writeFile(join(assets, 'manifest.json'), '{"files":[]}');
  await writeFile(join(outside, 'secret'), 'secret');
  for (const name of ['start4.elf', 'fixup4.dat']) await writeFile(join(assets, 'pi', name), 'inside');
  await symlink(join(outside, 'secret'), join(assets, 'pi/link'));
  await symlink(outside, join(assets, 'pi/overlays'));
  const files = await openFiles(assets);
  assert.deepEqual([...files.paths].sort(), ['pi/fixup4.dat', 'pi/start4.elf']);
  assert.deepEqual(['pi/link', 'pi/overlays/secret', 'pi/overlays'].map((path) => files.take(path, 'binary')), [undefined, undefined, undefined]);
  await unlink(join(assets, 'pi/start4.elf'));
  await symlink(join(outside, 'secret'), join(assets, 'pi/start4.elf'));
  await assert.rejects(files.take('pi/start4.elf', 'binary') ?? Promise.resolve(), { code: 'ASSETS_MISSING' });
  assert.equal((await files.take('pi/fixup4.dat', 'binary'))?.bytes.toString(), 'inside');
});
