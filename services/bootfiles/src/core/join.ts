/**
 * Files sent as one: an initrd and its overlays. The kernel unpacks one archive after the other, compressed or not, and skips zeros between
 * them; an archive has to begin at a multiple of four (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). Pure.
 */
import { sliceExtents, type Extent } from './tree.ts';

/** A file, or the `extents` of one that are a file: of a disc image. */
export type Part = { path: string; sizeBytes: number; extents?: readonly Extent[] };
/** Bytes `start` to `end` (excluded) of a file, or so many zeros. */
export type Piece = { path: string; start: number; end: number } | { zeros: number };

const padding = (sizeBytes: number): number => (4 - (sizeBytes % 4)) % 4;

/** Size of the whole: every part but the last is filled up to a multiple of four. */
export const joinedBytes = (parts: readonly Part[]): number =>
  parts.reduce((sum, { sizeBytes }, index) => sum + sizeBytes + (index < parts.length - 1 ? padding(sizeBytes) : 0), 0);

/** What bytes `start` to `end` (excluded) of the whole consist of, in order. */
export function piecesOf(parts: readonly Part[], start: number, end: number): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  const take = (size: number, cut: (from: number, to: number) => Piece[]): void => {
    const [from, to] = [Math.max(start - at, 0), Math.min(end - at, size)];
    if (from < to) pieces.push(...cut(from, to));
    at += size;
  };
  for (const { path, sizeBytes, extents = [{ offset: 0, length: sizeBytes }] } of parts) {
    take(sizeBytes, (from, to) => sliceExtents(extents, from, to).map(({ offset, length }) => ({ path, start: offset, end: offset + length })));
    take(padding(sizeBytes), (from, to) => [{ zeros: to - from }]);
  }
  return pieces;
}
