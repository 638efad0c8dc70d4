/** What the file systems of a disc have in common, for the walk along a path. */
import { IsoError, maxDirectoryEntries, type Extent } from './source.ts';

export type VolumeKind = 'rock-ridge' | 'udf' | 'joliet' | 'iso9660';

/** `id` is where the disc keeps it: the same number is the same thing. */
export type Node =
  | { kind: 'directory'; id: number; extents: readonly Extent[]; modified: Date | undefined }
  | { kind: 'file'; extents: readonly Extent[]; sizeBytes: number; modified: Date | undefined }
  | { kind: 'symlink'; target: string }
  | { kind: 'unsupported'; why: string; at: number };
export type DirectoryNode = Extract<Node, { kind: 'directory' }>;

/** One name in a directory; `open` reads what it names where the directory itself does not say. */
export type Child = { isDirectory: boolean; open: () => Promise<Node> };
export type Volume = { kind: VolumeKind; root: DirectoryNode; children(directory: DirectoryNode): Promise<Listing> };

/** The names of one directory: found as they are written, else whatever the case (as Windows and Joliet mean them). */
export class Listing {
  readonly entries = new Map<string, Child>();
  #folded: Map<string, string> | undefined;

  /** The first of two equal names counts, as in Linux. Throws too-large. */
  add(name: string, child: Child, at: number): void {
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || this.entries.has(name)) return;
    if (this.entries.size >= maxDirectoryEntries) throw new IsoError('too-large', `a directory has more than ${maxDirectoryEntries} entries`, at);
    this.entries.set(name, child);
  }

  find(name: string): Child | undefined {
    const exact = this.entries.get(name);
    if (exact !== undefined) return exact;
    this.#folded ??= new Map([...this.entries.keys()].reverse().map((each) => [fold(each), each]));
    const folded = this.#folded.get(fold(name));
    return folded === undefined ? undefined : this.entries.get(folded);
  }
}

const fold = (name: string): string => name.normalize('NFC').toLowerCase();
