/**
 * ISO 9660 (ECMA-119) with Rock Ridge or Joliet. Files may have several extents (the only way to more than 4 GiB); interleaved
 * files, which no maker of installation media writes, are refused.
 */
import { findSusp, readSystemUse, type Susp, type SystemUse } from './rock-ridge.ts';
import { bytesOf, IsoError, utf16, type Extent, type Source } from './source.ts';
import { Listing, type Child, type DirectoryNode, type Node, type Volume, type VolumeKind } from './volume.ts';

const sectorBytes = 2048;
const firstDescriptor = 16;
const maxDescriptors = 64;
/** The 150 sectors that writers append for drives that read ahead; they may be missing. */
const paddingBytes = 150 * sectorBytes;
const recordBytes = 33;
const flag = { directory: 0x02, associated: 0x04, moreExtents: 0x80 } as const;

type Record = { at: number; name: Buffer; flags: number; extent: Extent; interleaved: boolean; modified: Date | undefined; area: DataView };
type Place = { source: Source; blockBytes: number; joliet: boolean; susp: Susp | undefined };

/** Every tree that the volume descriptors name, the fullest first. Throws malformed. */
export async function openIso9660(source: Source): Promise<Volume[]> {
  const trees: Volume[] = [];
  for (let sector = firstDescriptor; sector < firstDescriptor + maxDescriptors; sector += 1) {
    const extent = { offset: sector * sectorBytes, length: sectorBytes };
    if (!source.holds(extent)) break;
    const descriptor = await source.view(extent, 'a volume descriptor');
    const type = descriptor.getUint8(0);
    if (bytesOf(descriptor, 1, 5).toString('latin1') !== 'CD001' || type === 255) break;
    const joliet = type === 2 && ['%/@', '%/C', '%/E'].includes(bytesOf(descriptor, 88, 3).toString('latin1'));
    if (type === 1 || joliet) trees.push(await openTree(source, descriptor, { joliet, at: extent.offset }));
  }
  return trees;
}

async function openTree(source: Source, descriptor: DataView, { joliet, at }: { joliet: boolean; at: number }): Promise<Volume> {
  const blockBytes = descriptor.getUint16(128, true);
  if (![512, 1024, 2048].includes(blockBytes)) throw new IsoError('malformed', `the volume descriptor claims logical blocks of ${blockBytes} bytes`, at);
  const volumeBytes = descriptor.getUint32(80, true) * blockBytes;
  if (volumeBytes > source.sizeBytes + paddingBytes) throw new IsoError('outside-image', `the image is cut off: the volume claims ${volumeBytes} bytes of its ${source.sizeBytes}`, at + 80);
  const described = parseRecord(descriptor, 156, { blockBytes, at: at + 156 });
  const own = await ownRecord(source, described.extent.offset, blockBytes);
  const susp = joliet ? undefined : findSusp(own.area);
  const place: Place = { source, blockBytes, joliet, susp };
  const kind: VolumeKind = susp !== undefined ? 'rock-ridge' : joliet ? 'joliet' : 'iso9660';
  return { kind, root: directoryNode(described), children: (directory) => readChildren(place, directory) };
}

/** The record "." with which every directory begins, and which says its length. */
async function ownRecord(source: Source, offset: number, blockBytes: number): Promise<Record> {
  const record = parseRecord(await source.view({ offset, length: blockBytes }, 'a directory'), 0, { blockBytes, at: offset });
  if (record.name.length !== 1 || record.name[0] !== 0) throw new IsoError('malformed', 'there is no directory here, though the disc says so', offset);
  return record;
}

const directoryNode = (record: Record): DirectoryNode => ({ kind: 'directory', id: record.extent.offset, extents: [record.extent], modified: record.modified });

/** `at` is where in the image the record lies. Throws malformed. */
function parseRecord(view: DataView, from: number, { blockBytes, at }: { blockBytes: number; at: number }): Record {
  const length = view.getUint8(from);
  const nameBytes = length > recordBytes && from + length <= view.byteLength ? view.getUint8(from + 32) : 0;
  const useFrom = recordBytes + nameBytes + (nameBytes % 2 === 0 ? 1 : 0);
  if (nameBytes === 0 || recordBytes + nameBytes > length) {
    throw new IsoError('malformed', `a directory record of ${length} bytes with a name of ${nameBytes} can not be`, at);
  }
  const block = view.getUint32(from + 2, true) + view.getUint8(from + 1);
  return {
    at, name: bytesOf(view, from + recordBytes, nameBytes), flags: view.getUint8(from + 25), extent: { offset: block * blockBytes, length: view.getUint32(from + 10, true) },
    interleaved: view.getUint8(from + 26) !== 0, modified: parseDate(view, from + 18),
    area: new DataView(view.buffer, view.byteOffset + from + Math.min(useFrom, length), Math.max(0, length - useFrom)),
  };
}

/** ECMA-119 §9.1.5: years since 1900 to seconds, then the offset from GMT in quarters of an hour. */
function parseDate(view: DataView, at: number): Date | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = Array.from({ length: 6 }, (_, index) => view.getUint8(at + index));
  return month === 0 || day === 0 ? undefined : new Date(Date.UTC(1900 + year, month - 1, day, hour, minute, second) - view.getInt8(at + 6) * 900_000);
}

async function readChildren(place: Place, directory: DirectoryNode): Promise<Listing> {
  const listing = new Listing();
  const view = await place.source.directory(directory.extents, 'a directory');
  const start = directory.extents[0]?.offset ?? 0;
  let parts: Record[] = [];
  for (let at = 0; at < view.byteLength;) {
    const length = view.getUint8(at);
    const blockEnd = at - at % sectorBytes + sectorBytes;
    if (length === 0) {
      at = blockEnd; // records do not cross sectors; the rest of one is zero
      continue;
    }
    const record = parseRecord(view, at, { blockBytes: place.blockBytes, at: start + at });
    at += length;
    if ((record.flags & flag.associated) !== 0 || isSelfOrParent(record.name)) continue;
    if (parts.length > 0 && !parts[0]?.name.equals(record.name)) throw new IsoError('malformed', 'a file is said to go on in the next record, which is another file’s', record.at);
    parts.push(record);
    if ((record.flags & flag.moreExtents) !== 0) continue;
    await addChild(place, listing, parts);
    parts = [];
  }
  if (parts.length > 0) throw new IsoError('malformed', 'a file is said to go on in the next record, and there is none', start);
  return listing;
}

const isSelfOrParent = (name: Buffer): boolean => name.length === 1 && (name[0] === 0 || name[0] === 1);

async function addChild(place: Place, listing: Listing, records: readonly Record[]): Promise<void> {
  const [first] = records;
  if (first === undefined) return;
  const { source, blockBytes, susp } = place;
  const use = susp === undefined ? undefined : await readSystemUse(source, first.area, { ...susp, blockBytes, at: first.at });
  if (use?.relocated === true) return;
  listing.add(use?.name ?? plainName(first.name, place.joliet), childOf(place, records, use), first.at);
}

function childOf({ source, blockBytes }: Place, records: readonly Record[], use: SystemUse | undefined): Child {
  const [first] = records as readonly [Record];
  if (use?.childBlock !== undefined) {
    const offset = use.childBlock * blockBytes;
    return { isDirectory: true, open: async () => directoryNode(await ownRecord(source, offset, blockBytes)) };
  }
  const node = (first.flags & flag.directory) !== 0 ? directoryNode(first) : fileNode(records, use);
  return { isDirectory: node.kind === 'directory', open: () => Promise.resolve(node) };
}

const fileType = { mask: 0o170000, regular: 0o100000 } as const;

function fileNode(records: readonly Record[], use: SystemUse | undefined): Node {
  const [first] = records as readonly [Record];
  const refused = (why: string): Node => ({ kind: 'unsupported', why, at: first.at });
  if (use?.target !== undefined) return { kind: 'symlink', target: use.target };
  if (use?.mode !== undefined && (use.mode & fileType.mask) !== fileType.regular) return refused('a device, pipe or socket');
  if (use?.compressed === true) return refused('a file compressed by zisofs: make the image without it');
  if (records.some((record) => record.interleaved)) return refused('an interleaved file');
  const extents = records.map((record) => record.extent).filter((extent) => extent.length > 0);
  return { kind: 'file', extents, sizeBytes: extents.reduce((sum, extent) => sum + extent.length, 0), modified: first.modified };
}

/** `README.TXT;1` is README.TXT in version 1, `LINUX.;1` has no extension (ECMA-119 §7.5.1). */
const plainName = (name: Buffer, joliet: boolean): string => joliet
  ? utf16(name).replace(/;\d+$/, '')
  : name.toString('latin1').replace(/;\d+$/, '').replace(/\.$/, '');
