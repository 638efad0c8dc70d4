/**
 * Which shared libraries a 64-bit little-endian ELF file names, of whatever architecture: the machine that builds cannot
 * run another one's loader to ask it. Source: System V ABI, chapters 4 (ELF header) and 5 (program header, dynamic section).
 */
const ELF64_LITTLE_ENDIAN = Buffer.from('7f454c460201', 'hex');
const SEGMENT = { load: 1, dynamic: 2 } as const;
const TAG = { end: 0n, needed: 1n, stringTable: 5n } as const;

type Segment = { type: number; offset: number; address: number; bytes: number };

function segmentsOf(file: Buffer): Segment[] {
  const [start, size, count] = [Number(file.readBigUInt64LE(0x20)), file.readUInt16LE(0x36), file.readUInt16LE(0x38)];
  return Array.from({ length: count }, (_, index) => {
    const header = file.subarray(start + index * size);
    const [offset, address, bytes] = [0x08, 0x10, 0x20].map((at) => Number(header.readBigUInt64LE(at))) as [number, number, number];
    return { type: header.readUInt32LE(0), offset, address, bytes };
  });
}

function dynamicEntries(file: Buffer, { offset, bytes }: Segment): [bigint, number][] {
  const all = Array.from({ length: bytes / 16 }, (_, index): [bigint, number] => {
    const at = offset + index * 16;
    return [file.readBigUInt64LE(at), Number(file.readBigUInt64LE(at + 8))];
  });
  const end = all.findIndex(([tag]) => tag === TAG.end);
  return end === -1 ? all : all.slice(0, end);
}

/** Sonames in the file's own order; none for a static program. Throws on a file that is no such ELF, or a broken one. */
export function neededLibraries(file: Buffer): string[] {
  if (!file.subarray(0, 6).equals(ELF64_LITTLE_ENDIAN)) throw new Error('elf: not a 64-bit little-endian file');
  const segments = segmentsOf(file);
  const dynamic = segments.find(({ type }) => type === SEGMENT.dynamic);
  if (dynamic === undefined) return [];
  const entries = dynamicEntries(file, dynamic);
  const strings = entries.find(([tag]) => tag === TAG.stringTable)?.[1] ?? 0;
  const home = segments.find(({ type, address, bytes }) => type === SEGMENT.load && address <= strings && strings < address + bytes);
  if (home === undefined) throw new Error('elf: the string table is in no segment');
  const table = strings - home.address + home.offset;
  return entries.filter(([tag]) => tag === TAG.needed).map(([, at]) => file.toString('latin1', table + at, file.indexOf(0, table + at)));
}
