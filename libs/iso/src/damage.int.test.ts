/** Images with lies in them: whatever is changed, there is an answer or an IsoError, within bounds of memory and reads. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { IsoError, openDisc, type Disc } from './index.ts';
import { maxDirectoryBytes } from './source.ts';
import { links, run, writeTree } from './testing/images.ts';

let place: string;
const images = new Map<string, Buffer>();
before(async () => {
  place = await mkdtemp(join(tmpdir(), 'ironbus-iso-'));
  await writeTree(join(place, 'tree'), new Map([...links, ['a/b/c/d/e/f/g/h/i.txt', 'deep'], [`${'n'.repeat(200)}`, 'long'], ['casper/filesystem.squashfs', 'small']]));
  for (const [name, options] of [['rr.iso', ['-R', '-J', '-udf']], ['udf.iso', ['-udf', '-D']], ['joliet.iso', ['-J', '-D']]] as const) {
    await run('genisoimage', '-quiet', '-input-charset', 'utf-8', '-o', join(place, name), ...options, join(place, 'tree'));
    images.set(name, await readFile(join(place, name)));
  }
});
after(() => rm(place, { recursive: true }));

/** Walks as far as a visitor would; a visitor of a directory in itself is stopped by the reader. */
async function visit(image: Uint8Array): Promise<{ names: number; errors: IsoError[] }> {
  let [names, bytes] = [0, 0];
  const errors: IsoError[] = [];
  const known = (error: unknown): undefined => {
    if (!(error instanceof IsoError)) throw error;
    errors.push(error);
  };
  const disc = await openDisc((offset, length) => {
    assert.ok(offset >= 0 && offset + length <= image.length && length <= maxDirectoryBytes);
    bytes += length;
    assert.ok(bytes < 64 * 2 ** 20, 'it reads on and on');
    return Promise.resolve(image.subarray(offset, offset + length));
  }, image.length).catch(known);
  const walk = async (from: Disc, path: string, depth: number): Promise<void> => {
    for (const { name, isDirectory } of await from.list(path).catch(known) ?? []) {
      names += 1;
      if (names > 500) return;
      await from.find(`${path}${name}`).catch(known);
      if (isDirectory && depth < 20) await walk(from, `${path}${name}/`, depth + 1);
    }
  };
  if (disc !== undefined) await walk(disc, '/', 0);
  return { names, errors };
}

/** Where the descriptors and directories lie; files are behind. */
const structureBytes = 700_000;

test('any bytes changed anywhere: an answer or an IsoError', async () => {
  const change = fc.record({ at: fc.nat({ max: structureBytes / 4 }), value: fc.oneof(fc.constantFrom(0, 0xffffffff, 0x80000000, 17, 2048), fc.nat({ max: 0xffffffff })) });
  await fc.assert(fc.asyncProperty(fc.constantFrom(...images.keys()), fc.array(change, { minLength: 1, maxLength: 40 }), async (name, changes) => {
    const image = Buffer.from(images.get(name) ?? []);
    const used = usedWords(image);
    for (const { at, value } of changes) image.writeUInt32LE(value, used[at % used.length] ?? 0);
    await visit(image);
  }), { numRuns: 300 });
});

/** Zeros are mostly padding: what is changed has to be read by somebody. */
const usedWords = (image: Buffer): number[] =>
  Array.from({ length: Math.min(image.length, structureBytes) / 4 - 8192 }, (_, n) => 32_768 + 4 * n).filter((at) => image.readUInt32LE(at) !== 0);

test('cut off in every block: an answer or an IsoError', async () => {
  for (const image of images.values()) for (let at = 1000; at < image.length; at += 2048) await visit(image.subarray(0, at));
});

test('no bytes at all, zeros and noise are no disc', async () => {
  const noise = Buffer.from(Array.from({ length: 100_000 }, (_, n) => (n * 7919) & 0xff));
  for (const image of [Buffer.alloc(0), Buffer.alloc(100_000), noise]) assert.equal((await visit(image)).errors[0]?.reason, 'not-a-disc');
});

/** Each lie by hand, and what is said of it. `of` finds the record of a name in an image. */
const record = (image: Buffer, name: string): number => image.lastIndexOf(Buffer.from(name, 'latin1')) - 33; // the path tables come first
const lies: [what: string, image: string, lie: (image: Buffer) => void, path: string, says: RegExp][] = [
  ['a file beyond the end', 'joliet.iso', (image) => image.writeUInt32LE(0xffff, recordOfJoliet(image, 'filesystem.squashfs') + 2), '/casper/filesystem.squashfs', /outside the image/],
  ['a directory that is its own child', 'rr.iso', (image) => { const at = record(image, 'DISTS'); image.writeUInt32LE(rootBlock(image), at + 2); }, '/dists/dists/dists', /contains itself/],
  ['a directory where there is none', 'rr.iso', (image) => image.writeUInt32LE(17, record(image, 'CASPER') + 2), '/casper', /malformed|can not be|record/],
  ['a huge directory', 'rr.iso', (image) => image.writeUInt32LE(0x7fffffff, record(image, 'CASPER') + 10), '/casper/filesystem.squashfs', /are the most that is read/],
];
const rootBlock = (image: Buffer): number => image.readUInt32LE(16 * 2048 + 158);
const recordOfJoliet = (image: Buffer, name: string): number => image.indexOf(Buffer.from(name, 'utf16le').swap16()) - 33;

for (const [what, name, lie, path, says] of lies) {
  test(`a lie is named: ${what}`, async () => {
    const image = Buffer.from(images.get(name) ?? []);
    lie(image);
    const disc = await openDisc((offset, length) => Promise.resolve(image.subarray(offset, offset + length)), image.length);
    const told = async (): Promise<unknown> => (await disc.find(path))?.kind === 'directory' ? disc.list(path) : undefined;
    await assert.rejects(told, (error) => error instanceof IsoError && says.test(error.message));
  });
}

test('an image cut off by more than its padding is said to be, before any file is missed', async () => {
  const image = (images.get('rr.iso') ?? Buffer.alloc(0)).subarray(0, -200 * 2048);
  await assert.rejects(openDisc((offset, length) => Promise.resolve(image.subarray(offset, offset + length)), image.length), /cut off/);
});

test('links that lead in a circle are named', async () => {
  await writeTree(join(place, 'circle'), new Map([['one', '-> two'], ['two', '-> one'], ['here', '-> here/and/on']]));
  await run('genisoimage', '-quiet', '-R', '-o', join(place, 'circle.iso'), join(place, 'circle'));
  const image = await readFile(join(place, 'circle.iso'));
  const disc = await openDisc((offset, length) => Promise.resolve(image.subarray(offset, offset + length)), image.length);
  for (const path of ['one', 'two', 'here']) await assert.rejects(disc.find(path), /symbolic links/);
});
