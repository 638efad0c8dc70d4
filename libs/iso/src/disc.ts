/**
 * A disc image as one tree of names. Of several trees on it the fullest is taken: Rock Ridge (links, any name), UDF (what Windows
 * media keep their files in), Joliet, plain ISO 9660. Nothing is read but what a path needs; what was read of directories is
 * remembered up to a bound.
 */
import { openIso9660 } from './iso9660.ts';
import { IsoError, Source, type Extent, type Read } from './source.ts';
import { openUdf } from './udf.ts';
import type { DirectoryNode, Listing, Node, Volume, VolumeKind } from './volume.ts';

export type { VolumeKind } from './volume.ts';
export type Entry = { name: string; isDirectory: boolean };
export type Found =
  | { kind: 'file'; sizeBytes: number; extents: readonly Extent[]; modified: Date | undefined }
  | { kind: 'directory'; modified: Date | undefined };
export type Disc = {
  kind: VolumeKind;
  /** What a path names, links followed; undefined where there is nothing. Throws IsoError. */
  find(path: string): Promise<Found | undefined>;
  /** The names in a directory in byte order; undefined where there is no such directory. Throws IsoError. */
  list(path: string): Promise<Entry[] | undefined>;
};

const preference: readonly VolumeKind[] = ['rock-ridge', 'udf', 'joliet', 'iso9660'];
const maxLinks = 16;
const maxDepth = 128;
/** About 10 MB of names. */
const maxRemembered = 32_768;

/** Throws IsoError: not-a-disc, or what is wrong with it. */
export async function openDisc(read: Read, sizeBytes: number): Promise<Disc> {
  const source = new Source(read, sizeBytes);
  const { volume, udf } = await chooseVolume(source);
  const walk = new Walk(volume);
  await walk.children(volume.root);
  const second = udf === undefined || udf === volume ? undefined : new Walk(udf);
  return {
    kind: volume.kind,
    async find(path) {
      const node = await walk.to(path);
      if (node === undefined) return undefined;
      if (node.kind === 'directory') return { kind: 'directory', modified: node.modified };
      if (node.kind !== 'file') throw new IsoError('unsupported', `${JSON.stringify(path)} is ${node.kind === 'unsupported' ? node.why : 'a link'}`, node.kind === 'unsupported' ? node.at : 0);
      const { extents, sizeBytes, modified } = second === undefined ? node : await inFull(node, second, path);
      source.check(extents, JSON.stringify(path));
      return { kind: 'file', sizeBytes, extents, modified };
    },
    async list(path) {
      const node = await walk.to(path);
      if (node?.kind !== 'directory') return undefined;
      const entries = [...(await walk.children(node)).entries].map(([name, child]) => ({ name, isDirectory: child.isDirectory }));
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

/** A damaged UDF is no matter where Rock Ridge has everything; elsewhere what it hides would be missing without a word. */
async function chooseVolume(source: Source): Promise<{ volume: Volume; udf: Volume | undefined }> {
  const iso = await openIso9660(source);
  const hasRockRidge = iso.some((each) => each.kind === 'rock-ridge');
  const udf = await openUdf(source).catch((error: unknown) => {
    if (error instanceof IsoError && hasRockRidge) return undefined;
    throw error;
  });
  const volumes = [...iso, ...(udf === undefined ? [] : [udf])];
  const volume = preference.flatMap((kind) => volumes.find((each) => each.kind === kind) ?? [])[0];
  if (volume === undefined) throw new IsoError('not-a-disc', 'there is no ISO 9660 or UDF volume', 16 * 2048);
  return { volume, udf };
}

type FileNode = Extract<Node, { kind: 'file' }>;

/**
 * `genisoimage -udf -allow-limited-size` gives a file over 4 GiB the rest of its size modulo 4 GiB in ISO 9660, and all of it in UDF
 * alone: the two name the same first block.
 */
async function inFull(node: FileNode, udf: Walk, path: string): Promise<FileNode> {
  const other = await udf.to(path);
  const isSame = other?.kind === 'file' && other.extents[0]?.offset === node.extents[0]?.offset;
  return isSame && other.sizeBytes > node.sizeBytes ? other : node;
}

class Walk {
  readonly #volume: Volume;
  readonly #known = new Map<number, Promise<Listing>>();
  readonly #sizes = new Map<number, number>();

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  /** Follows a path from the root, and the links on it. Throws loop. */
  async to(path: string): Promise<Node | undefined> {
    const trail: DirectoryNode[] = [this.#volume.root];
    let names = split(path);
    for (let links = 0; ;) {
      const [name, ...rest] = names;
      const here = trail.at(-1) as DirectoryNode;
      if (name === undefined) return here;
      names = rest;
      if (name === '..') {
        if (trail.length > 1) trail.pop();
        continue;
      }
      const node = await (await this.children(here)).find(name)?.open();
      if (node === undefined) return undefined;
      if (node.kind === 'symlink') {
        links += 1;
        if (links > maxLinks) throw new IsoError('loop', `${JSON.stringify(path)} leads through more than ${maxLinks} symbolic links`, here.id);
        if (node.target.startsWith('/')) trail.length = 1;
        names = [...split(node.target), ...names];
      } else if (node.kind === 'directory') enter(trail, node, path);
      else return names.length === 0 ? node : undefined;
    }
  }

  /** Two that ask for one directory at once read it once. */
  async children(directory: DirectoryNode): Promise<Listing> {
    const reading = this.#known.get(directory.id) ?? this.#volume.children(directory);
    this.#known.delete(directory.id);
    this.#known.set(directory.id, reading);
    try {
      const listing = await reading;
      this.#remember(directory.id, listing.entries.size + 1);
      return listing;
    } catch (error) {
      this.#forget(directory.id);
      throw error;
    }
  }

  /** The longest unused directories are forgotten. */
  #remember(id: number, size: number): void {
    if (!this.#known.has(id)) return;
    this.#sizes.set(id, size);
    let sum = [...this.#sizes.values()].reduce((total, each) => total + each, 0);
    for (const oldest of this.#known.keys()) {
      if (sum <= maxRemembered) return;
      sum -= this.#sizes.get(oldest) ?? 0;
      this.#forget(oldest);
    }
  }

  #forget(id: number): void {
    this.#known.delete(id);
    this.#sizes.delete(id);
  }
}

const split = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

function enter(trail: DirectoryNode[], node: DirectoryNode, path: string): void {
  if (trail.some((above) => above.id === node.id)) throw new IsoError('loop', `${JSON.stringify(path)} leads into a directory that contains itself`, node.id);
  if (trail.length >= maxDepth) throw new IsoError('too-large', `${JSON.stringify(path)} is deeper than ${maxDepth} directories`, node.id);
  trail.push(node);
}
