/**
 * UDF 1.02 to 2.01 (ECMA-167) as installation media use it: one volume, partitions as they lie on the medium. Refused by name: virtual,
 * sparable and metadata partitions (recordable discs, UDF 2.50), ICB strategy 4096, extents that were never recorded.
 */
import { readEntry, readFids, type Partitions } from './udf-entry.ts';
import { bytesOf, IsoError, type Extent, type Source } from './source.ts';
import { descriptorId, isDescriptor, tagId } from './udf-descriptor.ts';
import { Listing, type DirectoryNode, type Volume } from './volume.ts';

const sectorBytes = 2048;
const blockSizes = [2048, 512, 1024, 4096];
const maxDescriptors = 256;

/** Undefined where the image has no UDF. Throws malformed, unsupported, outside-image. */
export async function openUdf(source: Source): Promise<Volume | undefined> {
  if (!await isRecognised(source)) return undefined;
  const anchor = await findAnchor(source);
  if (anchor === undefined) return undefined;
  const { blockBytes, main, reserve } = anchor;
  const sequence = await readSequence(source, main, blockBytes).catch((error: unknown) => {
    if (!(error instanceof IsoError) || error.reason === 'unsupported') throw error;
    return readSequence(source, reserve, blockBytes);
  });
  const partitions: Partitions = { source, blockBytes, maps: sequence.maps };
  const root = await findRoot(partitions, sequence.fileSet);
  return { kind: 'udf', root, children: (directory) => readChildren(partitions, directory) };
}

/** The volume recognition sequence says NSR02 or NSR03 among others' descriptors (ECMA-167 2/8.3). */
async function isRecognised(source: Source): Promise<boolean> {
  for (let sector = 16; sector < 16 + 64; sector += 1) {
    const extent = { offset: sector * sectorBytes, length: 8 };
    if (!source.holds(extent)) return false;
    const name = bytesOf(await source.view(extent, 'a volume recognition descriptor'), 1, 5).toString('latin1');
    if (name === 'NSR02' || name === 'NSR03') return true;
    if (!/^(CD001|BEA01|BOOT2|CDW02|\0{5})$/.test(name)) return false;
  }
  return false;
}

type Anchor = { blockBytes: number; main: Extent; reserve: Extent };

/** At block 256, or at the end (ECMA-167 3/8.4.2.1); the block size shows by trial. */
async function findAnchor(source: Source): Promise<Anchor | undefined> {
  for (const blockBytes of blockSizes) {
    const last = Math.floor(source.sizeBytes / blockBytes) - 1;
    for (const block of [256, last, last - 256]) {
      const extent = { offset: block * blockBytes, length: 512 };
      if (!source.holds(extent)) continue;
      const view = await source.view(extent, 'the anchor');
      if (!isDescriptor(view, block) || view.getUint16(0, true) !== tagId.anchor) continue;
      const extentAt = (at: number): Extent => ({ length: view.getUint32(at, true), offset: view.getUint32(at + 4, true) * blockBytes });
      return { blockBytes, main: extentAt(16), reserve: extentAt(24) };
    }
  }
  return undefined;
}

type Sequence = { maps: readonly Extent[]; fileSet: { block: number; partition: number } };
/** The newest of each, by its sequence number. */
type Newest = { volume?: DataView; volumeAt: number; partitions: Map<number, DataView> };

/** Logical volume and partitions as the volume descriptor sequence describes them. */
async function readSequence(source: Source, extent: Extent, blockBytes: number): Promise<Sequence> {
  const newest: Newest = { volumeAt: extent.offset, partitions: new Map() };
  let { offset, length } = extent;
  for (let count = 0; length >= blockBytes && count < maxDescriptors; count += 1) {
    const view = await source.view({ offset, length: blockBytes }, 'the volume descriptor sequence');
    const id = isDescriptor(view, offset / blockBytes) ? view.getUint16(0, true) : tagId.terminating;
    if (id === tagId.terminating) break;
    keepNewest(newest, id, { view, at: offset });
    const goesOn = id === tagId.pointer;
    length = goesOn ? view.getUint32(20, true) : length - blockBytes;
    offset = goesOn ? view.getUint32(24, true) * blockBytes : offset + blockBytes;
  }
  const { volume } = newest;
  if (volume === undefined) throw new IsoError('malformed', 'the volume descriptor sequence names no logical volume', extent.offset);
  const claimed = volume.getUint32(212, true);
  if (claimed !== blockBytes) throw new IsoError('malformed', `the logical volume claims blocks of ${claimed} bytes where the medium has ${blockBytes}`, newest.volumeAt);
  return { maps: readMaps(newest, volume, blockBytes), fileSet: { block: volume.getUint32(252, true), partition: volume.getUint16(256, true) } };
}

function keepNewest(newest: Newest, id: number, { view, at }: { view: DataView; at: number }): void {
  const isNewer = (known: DataView | undefined): boolean => known === undefined || view.getUint32(16, true) >= known.getUint32(16, true);
  if (id === tagId.logicalVolume && isNewer(newest.volume)) Object.assign(newest, { volume: view, volumeAt: at });
  if (id !== tagId.partition) return;
  const number = view.getUint16(22, true);
  if (isNewer(newest.partitions.get(number))) newest.partitions.set(number, view);
}

/** Partition references are indexes into this map (ECMA-167 3/10.7). */
function readMaps({ partitions, volumeAt }: Newest, volume: DataView, blockBytes: number): Extent[] {
  const count = volume.getUint32(268, true);
  const maps: Extent[] = [];
  for (let at = 440; maps.length < Math.min(count, 16);) {
    const [type, length] = at + 6 <= volume.byteLength ? [volume.getUint8(at), volume.getUint8(at + 1)] : [0, 0];
    const kind = type === 2 && at + 28 <= volume.byteLength ? bytesOf(volume, at + 5, 23).toString('latin1').replace(/\0.*$/s, '') : '';
    if (type !== 1 || length !== 6) throw new IsoError('unsupported', `UDF with a partition of another kind (${kind || `type ${type}`}) is not read: make the image as UDF 1.02 to 2.01 for a read-only disc`, volumeAt + at);
    const partition = partitions.get(volume.getUint16(at + 4, true));
    if (partition === undefined) throw new IsoError('malformed', 'the logical volume lies in a partition that is not described', volumeAt + at);
    maps.push({ offset: partition.getUint32(188, true) * blockBytes, length: partition.getUint32(192, true) * blockBytes });
    at += length;
  }
  return maps;
}

async function findRoot(partitions: Partitions, { block, partition }: Sequence['fileSet']): Promise<DirectoryNode> {
  const { source, blockBytes, maps } = partitions;
  const map = maps[partition];
  if (map === undefined) throw new IsoError('malformed', `the file set lies in partition ${partition}, which there is not`, 0);
  const offset = map.offset + block * blockBytes;
  const view = await source.view({ offset, length: blockBytes }, 'the file set');
  if (descriptorId(view, block, { what: 'the file set', at: offset }) !== tagId.fileSet) throw new IsoError('malformed', 'there is no file set where the volume says', offset);
  const root = await readEntry(partitions, { block: view.getUint32(404, true), partition: view.getUint16(408, true) });
  if (root.kind !== 'directory') throw new IsoError('malformed', 'the root is not a directory', offset);
  return root;
}

async function readChildren(partitions: Partitions, directory: DirectoryNode): Promise<Listing> {
  const listing = new Listing();
  const view = await partitions.source.directory(directory.extents, 'a directory');
  for (const { name, isDirectory, entry, at } of readFids(view, directory.extents[0]?.offset ?? 0)) {
    listing.add(name, { isDirectory, open: () => readEntry(partitions, entry) }, at);
  }
  return listing;
}
