/** The tree of a disc image as HTTP shows it: paths, which bytes of the image a range of a file is, and an index of a directory. Pure. */

/**
 * What `/images/<sha256>/tree/<path>` has as path, without dot segments (RFC 3986 §5.2.4); undefined where it leads above the disc or is no path.
 * `path` is decoded already. Loaders ask as their configuration is written: GRUB sends `boot/grub/../fonts` as it is, and web servers take it.
 */
export function treePath(path: string): string | undefined {
  if (path.includes('\0')) return undefined;
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..' && names.pop() === undefined) return undefined;
    if (!['', '.', '..'].includes(name)) names.push(name);
  }
  return names.join('/');
}

export type Extent = { offset: number; length: number };

/** The bytes `start` to `end` (exclusive) of a file that lies in these extents. */
export function sliceExtents(extents: readonly Extent[], start: number, end: number): Extent[] {
  let from = 0;
  return extents.flatMap(({ offset, length }) => {
    const [first, last] = [Math.max(start, from), Math.min(end, from + length)];
    const slice = { offset: offset + first - from, length: last - first };
    from += length;
    return slice.length > 0 ? [slice] : [];
  });
}

/** A list of links as web servers make it, which wget, anaconda and debian-installer follow; names are the disc’s and may hold anything. */
export function renderIndex(path: string, entries: readonly { name: string; isDirectory: boolean }[]): string {
  const title = escapeHtml(`Index of /${path}`);
  const lines = entries.map(({ name, isDirectory }) => {
    const slash = isDirectory ? '/' : '';
    return `<a href="./${encodeURIComponent(name)}${slash}">${escapeHtml(name)}${slash}</a>`;
  });
  const up = path === '' ? [] : ['<a href="../">../</a>'];
  return `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1><pre>\n${[...up, ...lines].join('\n')}\n</pre></body></html>\n`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
