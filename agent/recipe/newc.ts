/**
 * Writer of the cpio "newc" format the kernel unpacks as its initramfs (kernel: Documentation/driver-api/early-userspace/
 * buffer-format.rst). The same entries give the same bytes: sorted by path, mtime 0, owner 0:0, inodes counted from 1.
 */

export type Entry =
  | { path: string; kind: 'directory'; mode?: number }
  | { path: string; kind: 'file'; mode: number; data: Uint8Array }
  | { path: string; kind: 'link'; target: string }
  | { path: string; kind: 'device'; mode: number; major: number; minor: number };

const TYPE_BITS = { directory: 0o040000, file: 0o100000, link: 0o120000, device: 0o020000 } as const;
const TRAILER = 'TRAILER!!!';

const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);
const hex8 = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');

function header(name: string, fields: { inode: number; mode: number; links: number; size: number; major: number; minor: number }): Buffer {
  const numbers = [fields.inode, fields.mode, 0, 0, fields.links, 0, fields.size, 0, 0, fields.major, fields.minor, Buffer.byteLength(name) + 1, 0];
  const head = Buffer.from(`070701${numbers.map(hex8).join('')}${name}\0`);
  return Buffer.concat([head, padding(head.length)]);
}

function dataOf(entry: Entry): Uint8Array {
  if (entry.kind === 'file') return entry.data;
  return entry.kind === 'link' ? Buffer.from(entry.target) : Buffer.alloc(0);
}

function permissionsOf(entry: Entry): number {
  if (entry.kind === 'link') return 0o777;
  return entry.kind === 'directory' ? entry.mode ?? 0o755 : entry.mode;
}

const byPath = (a: Entry, b: Entry): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

/** Adds every missing parent folder (0755), so that a caller may list files alone. */
export function withParents(entries: readonly Entry[]): Entry[] {
  const known = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      const parent = parts.slice(0, depth).join('/');
      if (!known.has(parent)) known.set(parent, { path: parent, kind: 'directory' });
    }
  }
  return [...known.values()].sort(byPath);
}

/** Encodes an archive; paths are relative without a leading slash; throws on a path listed twice or not relative. */
export function encodeNewc(entries: readonly Entry[]): Buffer {
  const chunks: Uint8Array[] = [];
  let previous: string | undefined;
  for (const [index, entry] of [...entries].sort(byPath).entries()) {
    if (entry.path === previous || entry.path === '' || entry.path.startsWith('/')) throw new Error(`newc: bad or double path "${entry.path}"`);
    previous = entry.path;
    const data = dataOf(entry);
    const [major, minor] = entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0];
    const mode = TYPE_BITS[entry.kind] | permissionsOf(entry);
    chunks.push(header(entry.path, { inode: index + 1, mode, links: entry.kind === 'directory' ? 2 : 1, size: data.length, major, minor }));
    chunks.push(data, padding(data.length));
  }
  chunks.push(header(TRAILER, { inode: 0, mode: 0, links: 1, size: 0, major: 0, minor: 0 }));
  return Buffer.concat(chunks);
}
