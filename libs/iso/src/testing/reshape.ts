/** The same files said differently: forms that makers of media use and the programs of this machine do not write. */
import { tagId } from '../udf-descriptor.ts';

const block = 2048;
export type Form = 'long' | 'extended' | 'embedded' | 'continued';

/** Rewrites every file entry of a genisoimage's UDF (short descriptors); gives how many. */
export function reshapeUdf(image: Buffer, form: Form): number {
  let count = 0;
  const start = openPartition(image);
  let spare = image.length / block - 2; // genisoimage fills the end with anchors, of which one is enough
  for (let at = start; at < image.length / block; at += 1) {
    const entry = image.subarray(at * block, (at + 1) * block);
    if (entry.readUInt16LE(0) !== tagId.fileEntry || entry.readUInt32LE(12) !== at - start) continue;
    const data = image.subarray((entry.readUInt32LE(180) + start) * block).subarray(0, Number(entry.readBigUInt64LE(56)));
    if (entry[27] !== 5 || data.length === 0 || (form === 'embedded' && data.length > 1500)) continue;
    if (form === 'continued') {
      if (count === 20) break;
      rewriteContinued(entry, image.subarray(spare * block, (spare + 1) * block), spare - start);
      spare -= 1;
    } else rewrite(entry, form, Buffer.from(data));
    count += 1;
  }
  return count;
}

/** Makes the partition as long as the image, which has room at its end; gives where it starts. */
function openPartition(image: Buffer): number {
  let start = 0;
  for (let at = 16; at < image.length / block; at += 1) {
    const descriptor = image.subarray(at * block, (at + 1) * block);
    if (descriptor.readUInt16LE(0) !== tagId.partition || descriptor.readUInt32LE(12) !== at) continue;
    start = descriptor.readUInt32LE(188);
    descriptor.writeUInt32LE(image.length / block - start, 192);
    seal(descriptor, 496);
  }
  return start;
}

function rewrite(entry: Buffer, form: Form, data: Buffer): void {
  const [length, position] = [entry.readUInt32LE(176), entry.readUInt32LE(180)];
  const from = form === 'extended' ? 216 : 176;
  if (form === 'extended') extend(entry);
  const descriptors = form === 'embedded' ? data : longDescriptor(length, position);
  descriptors.copy(entry, from);
  entry.writeUInt16LE((entry.readUInt16LE(34) & ~7) | (form === 'embedded' ? 3 : 1), 34);
  entry.writeUInt32LE(descriptors.length, from - 4);
  seal(entry, from - 16 + descriptors.length);
}

function longDescriptor(length: number, position: number): Buffer {
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt32LE(length, 0);
  descriptor.writeUInt32LE(position, 4);
  return descriptor;
}

/** A file entry as an extended one (ECMA-167 4/14.17): object size, creation time and stream directory are new in between. */
function extend(entry: Buffer): void {
  const old = Buffer.from(entry);
  entry.fill(0, 64);
  entry.writeUInt16LE(tagId.extendedFileEntry, 0);
  old.copy(entry, 64, 56, 64);   // object size
  old.copy(entry, 72, 64, 72);   // blocks recorded
  old.copy(entry, 80, 72, 96);   // access, modification
  old.copy(entry, 104, 84, 96);  // creation
  old.copy(entry, 116, 96, 112); // attributes, checkpoint
  old.copy(entry, 136, 112, 128); // extended attributes’ ICB
  old.copy(entry, 168, 128, 168); // implementation, unique id
}

/** The first half of the blocks here, the rest in an allocation extent descriptor of its own. */
function rewriteContinued(entry: Buffer, next: Buffer, nextBlock: number): void {
  const [length, position] = [entry.readUInt32LE(176), entry.readUInt32LE(180)];
  const half = Math.floor(length / block / 2) * block;
  const short = (at: Buffer, from: number, bytes: number, where: number): void => { at.writeUInt32LE(bytes, from); at.writeUInt32LE(where, from + 4); };
  const firsts = half === 0 ? [] : [[half, position] as const];
  [...firsts, [block + 3 * 2 ** 30, nextBlock] as const].forEach(([bytes, where], index) => short(entry, 176 + 8 * index, bytes, where));
  entry.writeUInt32LE(8 * (firsts.length + 1), 172);
  seal(entry, 160 + 8 * (firsts.length + 1));
  next.fill(0);
  entry.copy(next, 0, 0, 12);
  next.writeUInt16LE(tagId.allocationExtent, 0);
  next.writeUInt32LE(nextBlock, 12);
  next.writeUInt32LE(8, 20);
  short(next, 24, length - half, position + half / block);
  seal(next, 16);
}

/** CRC and checksum of a descriptor whose body is so long. */
function seal(entry: Buffer, bodyBytes: number): void {
  entry.writeUInt16LE(bodyBytes, 10);
  entry.writeUInt16LE(entry.subarray(16, 16 + bodyBytes).reduce((crc, byte) => ((crc << 8) & 0xffff) ^ (table[(crc >> 8) ^ byte] ?? 0), 0), 8);
  entry[4] = entry.subarray(0, 16).reduce((sum, byte, at) => at === 4 ? sum : (sum + byte) & 0xff, 0);
}

const table = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  return crc;
});

/** Splits the record of a file in a plain ISO 9660 image into two extents, as only files over 4 GiB have them. */
export function splitExtent(image: Buffer, name: string): void {
  const at = image.indexOf(Buffer.from(name, 'latin1')) - 33;
  const length = image[at] ?? 0;
  const sector = image.subarray(at - at % block, at - at % block + block);
  const from = at % block;
  sector.copyWithin(from + length, from, block - length);
  const [first, second] = [sector.subarray(from, from + length), sector.subarray(from + length, from + 2 * length)];
  const [where, bytes] = [first.readUInt32LE(2), first.readUInt32LE(10)];
  const write = (record: Buffer, offset: number, value: number): void => { record.writeUInt32LE(value, offset); record.writeUInt32BE(value, offset + 4); };
  first[25] = (first[25] ?? 0) | 0x80;
  write(first, 10, block);
  write(second, 2, where + 1);
  write(second, 10, bytes - block);
}
