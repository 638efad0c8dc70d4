/** Reads a newc archive; written apart from the writer, as its witness in tests. */

export type ReadEntry = { mode: number; device: [number, number]; data: Buffer };

const align = (offset: number): number => Math.ceil(offset / 4) * 4;

/** Path → entry, in the archive's order; throws on anything that is no newc header. */
export function readNewc(archive: Buffer): Map<string, ReadEntry> {
  const found = new Map<string, ReadEntry>();
  for (let offset = 0; ;) {
    const field = (index: number): number => Number.parseInt(archive.toString('latin1', offset + 6 + index * 8, offset + 14 + index * 8), 16);
    if (archive.toString('latin1', offset, offset + 6) !== '070701') throw new Error(`no newc header at ${offset}`);
    const nameEnd = offset + 110 + field(11);
    const name = archive.toString('utf8', offset + 110, nameEnd - 1);
    if (name === 'TRAILER!!!') return found;
    const start = align(nameEnd);
    found.set(name, { mode: field(1), device: [field(9), field(10)], data: archive.subarray(start, start + field(6)) });
    offset = align(start + field(6));
  }
}
