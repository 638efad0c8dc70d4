/** Files of UDF: the ICB that says where one lies (ECMA-167 4/14.9), and the identifiers in a directory (4/14.4). */
import { bytesOf, IsoError, type Extent, type Source } from './source.ts';
import { decodeName, decodeTime, descriptorId, tagId } from './udf-descriptor.ts';
import type { Node } from './volume.ts';

export type Partitions = { source: Source; blockBytes: number; maps: readonly Extent[] };
/** A block of a partition, whose number is an index into `maps`. */
export type Location = { block: number; partition: number };

const maxIndirect = 8;
const maxExtents = 65_536;
const maxPieces = 1_024;
const fileKind = { directory: 4, regular: 5, realTime: 249 } as const;

/** What an ICB describes. Throws malformed, loop, outside-image, unsupported. */
export async function readEntry(partitions: Partitions, location: Location): Promise<Node> {
  let at = location;
  for (let hops = 0; hops < maxIndirect; hops += 1) {
    const block = extentOf(partitions, at, partitions.blockBytes);
    const view = await partitions.source.view(block, 'a file entry');
    const id = descriptorId(view, at.block, { what: 'a file entry', at: block.offset });
    if (id === tagId.fileEntry || id === tagId.extendedFileEntry) return nodeOf(partitions, { view, offset: block.offset, partition: at.partition, extended: id === tagId.extendedFileEntry });
    if (id !== tagId.indirect) throw new IsoError('malformed', `a descriptor ${id} is where a file entry has to be`, block.offset);
    at = { block: view.getUint32(40, true), partition: view.getUint16(44, true) };
  }
  throw new IsoError('loop', 'a file entry is never reached: indirect entries only', extentOf(partitions, location, 0).offset);
}

type FileEntry = { view: DataView; offset: number; partition: number; extended: boolean };

async function nodeOf(partitions: Partitions, entry: FileEntry): Promise<Node> {
  const { view, offset, extended } = entry;
  const kind = view.getUint8(27);
  const modified = decodeTime(view, extended ? 92 : 84);
  if (kind !== fileKind.directory && kind !== fileKind.regular && kind !== fileKind.realTime) return { kind: 'unsupported', why: `a UDF file of type ${kind}`, at: offset };
  const sizeBytes = Number(view.getBigUint64(56, true));
  const extents = await extentsOf(partitions, entry, sizeBytes);
  return kind === fileKind.directory ? { kind: 'directory', id: offset, extents, modified } : { kind: 'file', extents, sizeBytes, modified };
}

/** The bytes of a file, no more of them than it says it has. */
async function extentsOf(partitions: Partitions, { view, offset, partition, extended }: FileEntry, sizeBytes: number): Promise<Extent[]> {
  const from = (extended ? 216 : 176) + view.getUint32(extended ? 208 : 168, true);
  const length = view.getUint32(extended ? 212 : 172, true);
  if (from + length > view.byteLength) throw new IsoError('malformed', 'a file entry claims more allocation descriptors than it holds', offset);
  const form = view.getUint16(34, true) & 7;
  if (form === 3) {
    if (sizeBytes > length) throw new IsoError('malformed', `a file of ${sizeBytes} bytes is said to lie in ${length} bytes of its own entry`, offset);
    return sizeBytes === 0 ? [] : [{ offset: offset + from, length: sizeBytes }];
  }
  if (form > 1) throw new IsoError('unsupported', 'extended allocation descriptors are not read', offset);
  const whole = await readDescriptors(partitions, { view, from, length, offset, partition, long: form === 1 });
  return cut(whole, sizeBytes, offset);
}

function cut(extents: readonly Extent[], sizeBytes: number, at: number): Extent[] {
  let left = sizeBytes;
  const taken: Extent[] = [];
  for (const extent of extents) {
    if (left === 0) break;
    const length = Math.min(left, extent.length);
    const before = taken.at(-1);
    if (before !== undefined && before.offset + before.length === extent.offset) before.length += length;
    else taken.push({ offset: extent.offset, length });
    left -= length;
  }
  if (left > 0) throw new IsoError('malformed', `a file of ${sizeBytes} bytes has extents for ${sizeBytes - left}`, at);
  return taken;
}

type Piece = { view: DataView; from: number; length: number; offset: number; partition: number; long: boolean };

/** Short or long allocation descriptors, over all the extents they go on in. */
async function readDescriptors(partitions: Partitions, first: Piece): Promise<Extent[]> {
  const extents: Extent[] = [];
  let piece: Piece | undefined = first;
  for (let pieces = 0; piece !== undefined; pieces += 1) {
    const next: Location | undefined = readPiece(partitions, piece, extents);
    if (next !== undefined && (pieces >= maxPieces || extents.length > maxExtents)) throw new IsoError('loop', 'a file’s allocation descriptors have no end', first.offset);
    piece = next === undefined ? undefined : await readNext(partitions, next, first.long);
  }
  return extents;
}

/** Appends to `extents`; gives where the descriptors go on. */
function readPiece(partitions: Partitions, { view, from, length, offset, partition, long }: Piece, extents: Extent[]): Location | undefined {
  const step = long ? 16 : 8;
  for (let at = from; at + step <= from + length; at += step) {
    const word = view.getUint32(at, true);
    const bytes = word % 2 ** 30;
    if (bytes === 0) return undefined;
    const location = { block: view.getUint32(at + 4, true), partition: long ? view.getUint16(at + 8, true) : partition };
    if (word >>> 30 === 3) return location;
    if (word >>> 30 !== 0) throw new IsoError('unsupported', 'a file has parts that were never recorded', offset);
    extents.push(extentOf(partitions, location, bytes));
  }
  return undefined;
}

async function readNext(partitions: Partitions, location: Location, long: boolean): Promise<Piece> {
  const block = extentOf(partitions, location, partitions.blockBytes);
  const view = await partitions.source.view(block, 'allocation descriptors');
  const id = descriptorId(view, location.block, { what: 'an extent of allocation descriptors', at: block.offset });
  const length = view.getUint32(20, true);
  if (id !== tagId.allocationExtent || 24 + length > view.byteLength) throw new IsoError('malformed', 'there are no allocation descriptors where a file says they go on', block.offset);
  return { view, from: 24, length, offset: block.offset, partition: location.partition, long };
}

/** Throws malformed where a location is in no partition. */
function extentOf({ blockBytes, maps }: Partitions, { block, partition }: Location, length: number): Extent {
  const map = maps[partition];
  if (map === undefined || block * blockBytes + length > map.length) throw new IsoError('malformed', `block ${block} with ${length} bytes lies outside partition ${partition}`, map?.offset ?? 0);
  return { offset: map.offset + block * blockBytes, length };
}

export type Fid = { name: string; isDirectory: boolean; entry: Location; at: number };
const fidBytes = 38;
const trait = { directory: 0x02, deleted: 0x04, parent: 0x08 } as const;

/** The names in a directory, without deleted ones and the parent. `start` is where it lies, for errors. Throws malformed. */
export function* readFids(view: DataView, start: number): Generator<Fid> {
  for (let at = 0; at + fidBytes <= view.byteLength;) {
    if (view.getUint16(at, true) !== tagId.fileIdentifier) throw new IsoError('malformed', 'there is no file identifier in a directory where one has to be', start + at);
    const [traits, nameBytes, useBytes] = [view.getUint8(at + 18), view.getUint8(at + 19), view.getUint16(at + 36, true)];
    const nameFrom = at + fidBytes + useBytes;
    if (nameFrom + nameBytes > view.byteLength) throw new IsoError('malformed', 'a file identifier ends outside its directory', start + at);
    if ((traits & (trait.deleted | trait.parent)) === 0) {
      const entry = { block: view.getUint32(at + 24, true), partition: view.getUint16(at + 28, true) };
      yield { name: decodeName(bytesOf(view, nameFrom, nameBytes)), isDirectory: (traits & trait.directory) !== 0, entry, at: start + at };
    }
    at += (fidBytes + useBytes + nameBytes + 3) & ~3;
  }
}
