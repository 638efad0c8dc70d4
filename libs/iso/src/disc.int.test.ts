/** Images made by genisoimage, xorriso and mkudffs, compared file by file with what bsdtar, xorriso, 7z, isoinfo and GRUB find in them. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openDisc } from './index.ts';
import { links, media, openImage, readDisc, readTree, run, writeTree, type Tree } from './testing/images.ts';
import { reshapeUdf, splitExtent, type Form } from './testing/reshape.ts';

let place: string;
const at = (name: string): string => join(place, name);
before(async () => {
  place = await mkdtemp(join(tmpdir(), 'ironbus-iso-'));
  await writeTree(at('plain'), media);
  await writeTree(at('linked'), new Map([...media, ...links]));
});
after(() => rm(place, { recursive: true }));

const genisoimage = (name: string, tree: string, ...options: string[]): Promise<string> =>
  run('genisoimage', '-quiet', '-input-charset', 'utf-8', '-V', 'TEST', '-o', at(name), ...options, at(tree));

async function unpacked(program: string, ...args: string[]): Promise<Tree> {
  const directory = await mkdtemp(at('unpacked-'));
  await run(program, ...args.map((arg) => arg.replace('DIR', directory)));
  return readTree(directory);
}
const bsdtar = (name: string, options = ''): Promise<Tree> => unpacked('bsdtar', ...(options === '' ? [] : ['--options', options]), '-xf', at(name), '-C', 'DIR');

/** What stands behind each link, as we serve it. */
const followed = (tree: Tree): Tree => new Map([...tree].flatMap(([path, content]): [string, string][] => {
  if (!content.startsWith('-> ')) return [[path, content]];
  const target = new URL(content.slice(3), `file:///${path}`).pathname.slice(1);
  return tree.has(target) ? [[path, tree.get(target) ?? '']] : [];
}));
function same(found: Tree, expected: Tree): void {
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
  for (const [path, content] of expected) assert.ok(found.get(path) === content, path);
}

for (const [maker, make] of [
  ['genisoimage', () => genisoimage('rr.iso', 'linked', '-iso-level', '3', '-R', '-J', '-joliet-long', '-udf')],
  ['xorriso', () => run('xorriso', '-as', 'mkisofs', '-quiet', '-iso-level', '3', '-R', '-J', '-joliet-long', '-o', at('rr.iso'), at('linked'))],
  ['genisoimage with directories in their depth', () => genisoimage('rr.iso', 'linked', '-R', '-D')],
] as const) {
  test(`Rock Ridge by ${maker}: names, links and deep directories as bsdtar and xorriso unpack them`, async () => {
    await rm(at('rr.iso'), { force: true });
    await make();
    const ours = await readDisc(at('rr.iso'));
    same(ours, followed(await bsdtar('rr.iso')));
    same(ours, followed(await unpacked('xorriso', '-osirrox', 'on', '-indev', at('rr.iso'), '-extract', '/', 'DIR/all').then(below('all/'))));
    await using disc = await openImage(at('rr.iso'));
    assert.equal(disc.kind, 'rock-ridge');
    for (const path of ['dists/stable/Release', 'dists/up/BOOTX64.EFI', '/dists/../DISTS/Stable/release']) assert.equal((await disc.find(path))?.kind, 'file', path);
    assert.ok(!(await disc.list('/'))?.some(({ name, isDirectory }) => !isDirectory && name === 'a'));
  });
}
const below = (prefix: string) => (tree: Tree): Tree => new Map([...tree].map(([path, content]) => [path.replace(prefix, ''), content]));

test('Joliet: Unicode names as bsdtar unpacks them, found in any case', async () => {
  const short = new Map([...media].filter(([path]) => path.split('/').every((name) => name.length <= 64)));
  await writeTree(at('short'), short);
  await genisoimage('joliet.iso', 'short', '-J', '-D');
  const ours = await readDisc(at('joliet.iso'));
  same(ours, await bsdtar('joliet.iso', 'iso9660:!rockridge'));
  same(ours, short);
  await using disc = await openImage(at('joliet.iso'));
  assert.equal(disc.kind, 'joliet');
  assert.equal((await disc.find('efi/boot/bootx64.efi'))?.kind, 'file');
});

test('plain ISO 9660: the names isoinfo lists, without versions', async () => {
  await genisoimage('plain.iso', 'plain', '-iso-level', '2');
  const listed = (await run('isoinfo', '-f', '-i', at('plain.iso'))).split('\n').filter((line) => /;1$/.test(line)).map((line) => line.replace(/^\//, '').replace(/\.?;1$/, ''));
  const ours = await readDisc(at('plain.iso'));
  assert.deepEqual([...ours.keys()].sort(), listed.sort());
  assert.equal(ours.get('EFI/BOOT/BOOTX64.EFI'), media.get('EFI/BOOT/BOOTX64.EFI'));
});

test('UDF 1.02 by genisoimage, with an ISO 9660 that hides everything as on Windows media: as 7z unpacks it and GRUB compares it', async () => {
  await genisoimage('udf.iso', 'plain', '-udf', '-D', '-hide', '*');
  await using disc = await openImage(at('udf.iso'));
  assert.equal(disc.kind, 'udf');
  const ours = await readDisc(at('udf.iso'));
  same(ours, media);
  same(ours, await unpacked('7z', 'x', '-tudf', '-oDIR', at('udf.iso')));
  await run('grub-fstest', at('udf.iso'), 'cmp', '(loop0)/casper/filesystem.squashfs', at('plain/casper/filesystem.squashfs'));
  assert.equal((await disc.find('efi/boot/bootx64.efi'))?.kind, 'file');
});

for (const form of ['long', 'extended', 'embedded', 'continued'] satisfies Form[]) {
  test(`UDF with ${form} allocation${form === 'continued' ? ', which 7z does not read' : ': 7z reads the same'}`, async () => {
    await genisoimage('form.iso', 'plain', '-udf', '-D');
    const image = await readFile(at('form.iso'));
    assert.ok(reshapeUdf(image, form) >= (form === 'continued' ? 20 : 200));
    await writeFile(at('form.iso'), image);
    const ours = await readDisc(at('form.iso'));
    same(ours, media);
    if (form !== 'continued') same(ours, await unpacked('7z', 'x', '-tudf', '-oDIR', at('form.iso')));
  });
}

for (const blockBytes of ['512', '2048', '4096']) {
  for (const revision of ['0x0102', '0x0150', '0x0201']) {
    test(`an empty UDF ${revision} by mkudffs with blocks of ${blockBytes} bytes`, async () => {
      await writeFile(at('empty.udf'), '');
      await truncate(at('empty.udf'), 8 * 2 ** 20);
      await run('mkudffs', '--media-type=hd', `--blocksize=${blockBytes}`, `--udfrev=${revision}`, at('empty.udf'));
      await using disc = await openImage(at('empty.udf'));
      assert.deepEqual([disc.kind, (await disc.list('/'))?.filter(({ name }) => name !== 'lost+found')], ['udf', []]);
    });
  }
}

test('a recordable disc’s UDF is refused by the name of what it needs', async () => {
  await writeFile(at('cdrw.udf'), '');
  await truncate(at('cdrw.udf'), 8 * 2 ** 20);
  await run('mkudffs', '--media-type=cdrw', at('cdrw.udf'));
  await assert.rejects(openImage(at('cdrw.udf')), /\*UDF Sparable Partition.*UDF 1\.02 to 2\.01/);
});

test('a file of several extents: bsdtar puts the same together', async () => {
  await genisoimage('multi.iso', 'plain', '-iso-level', '3');
  const image = await readFile(at('multi.iso'));
  splitExtent(image, 'BOOTX64.EFI;1');
  await writeFile(at('multi.iso'), image);
  await using disc = await openImage(at('multi.iso'));
  const found = await disc.find('EFI/BOOT/BOOTX64.EFI');
  assert.ok(found?.kind === 'file' && found.extents.length === 2);
  assert.equal((await disc.bytes(found.extents)).toString(), media.get('EFI/BOOT/BOOTX64.EFI'));
  assert.equal((await bsdtar('multi.iso')).get('EFI/BOOT/BOOTX64.EFI'), media.get('EFI/BOOT/BOOTX64.EFI'));
});

test('a file whose size ISO 9660 can not tell (-allow-limited-size) has that of UDF', async () => {
  await genisoimage('limited.iso', 'plain', '-R', '-udf');
  const image = await readFile(at('limited.iso'));
  const size = image.lastIndexOf('FILESYST', undefined, 'latin1') - 33 + 10;
  assert.equal(image.readUInt32LE(size), 3_000_000);
  image.writeUInt32LE(3_000, size);
  await writeFile(at('limited.iso'), image);
  await using disc = await openImage(at('limited.iso'));
  const found = await disc.find('casper/filesystem.squashfs');
  assert.deepEqual([disc.kind, found?.kind === 'file' && found.sizeBytes], ['rock-ridge', 3_000_000]);
});

test('a directory with 5,000 names is read once', async () => {
  await mkdir(at('wide'));
  await Promise.all(Array.from({ length: 5000 }, (_, n) => writeFile(at(`wide/file-${n}`), '')));
  await genisoimage('wide.iso', 'wide', '-R');
  const image = await readFile(at('wide.iso'));
  let reads = 0;
  const disc = await openDisc((offset, length) => { reads += 1; return Promise.resolve(image.subarray(offset, offset + length)); }, image.length);
  const opening = reads;
  assert.equal((await disc.list('/'))?.length, 5000);
  for (let n = 0; n < 5000; n += 1) assert.equal((await disc.find(`file-${n}`))?.kind, 'file');
  assert.equal(reads, opening);
});
