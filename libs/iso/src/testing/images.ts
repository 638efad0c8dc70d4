/** Disc images for the tests, made and unpacked by programs we did not write. */
import { execFile } from 'node:child_process';
import { mkdir, open, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { openDisc, type Disc, type Extent } from '../index.ts';

export const run = async (program: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024, encoding: 'latin1' })).stdout;

/** Contents by path; a link's is `-> target`. */
export type Tree = Map<string, string>;

const filler = (seed: string, bytes: number): string => seed.repeat(Math.ceil(bytes / seed.length)).slice(0, bytes);

/** What installation media have, and what breaks readers of them. */
export const media: Tree = new Map([
  ['EFI/BOOT/BOOTX64.EFI', filler('shim', 90_001)],
  ['README.diskdefines', 'a name with a long extension\n'],
  ['casper/filesystem.squashfs', filler('squash!', 3_000_000)],
  ['pool/main/l/linux/linux-image-6.1.0-18-amd64_6.1.76-1_amd64.deb', filler('deb', 5_000)],
  ['empty', ''],
  ['exactly one block', filler('x', 2048)],
  ['Ünïcode/文件.txt', 'wide\n'],
  [`long/${'n'.repeat(100)}.txt`, 'one hundred characters\n'],
  ['a/b/c/d/e/f/g/h/i/j/k/l/deep.txt', 'deeper than ISO 9660 allows\n'],
  ...Array.from({ length: 300 }, (_, n): [string, string] => [`many/package-number-${n}.rpm`, `${n}`]),
]);
export const links: Tree = new Map([
  ['dists/stable', '-> bookworm'],
  ['dists/bookworm/Release', 'Suite: stable\n'],
  ['dists/absolute', '-> /casper/filesystem.squashfs'],
  ['dists/up', '-> ../EFI/./BOOT'],
  ['dists/long', `-> ../long/${'n'.repeat(100)}.txt`],
]);

export async function writeTree(directory: string, tree: Tree): Promise<void> {
  for (const [path, content] of tree) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    if (content.startsWith('-> ')) await symlink(content.slice(3), join(directory, path));
    else await writeFile(join(directory, path), content);
  }
}

/** What a program unpacked. */
export async function readTree(directory: string): Promise<Tree> {
  const tree: Tree = new Map();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(directory.length + 1);
    if (entry.isSymbolicLink()) tree.set(name, `-> ${await readlink(path)}`);
    else if (entry.isFile()) tree.set(name, await readFile(path, 'utf8'));
  }
  return tree;
}

export async function openImage(path: string): Promise<Disc & AsyncDisposable & { bytes(extents: readonly Extent[]): Promise<Buffer> }> {
  const handle = await open(path, 'r');
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  };
  const disc = await openDisc(read, (await handle.stat()).size).catch(async (error: unknown) => { await handle.close(); throw error; });
  return { ...disc, bytes: async (extents) => Buffer.concat(await Promise.all(extents.map(({ offset, length }) => read(offset, length)))), [Symbol.asyncDispose]: () => handle.close() };
}

/** Every file of an image as we see it, links followed. */
export async function readDisc(path: string): Promise<Tree> {
  await using disc = await openImage(path);
  const tree: Tree = new Map();
  const walk = async (directory: string): Promise<void> => {
    for (const { name, isDirectory } of await disc.list(directory) ?? []) {
      if (isDirectory) await walk(`${directory}${name}/`);
      const found = isDirectory ? undefined : await disc.find(`${directory}${name}`);
      if (found?.kind === 'file') tree.set(`${directory}${name}`.slice(1), (await disc.bytes(found.extents)).toString());
    }
  };
  await walk('/');
  return tree;
}
