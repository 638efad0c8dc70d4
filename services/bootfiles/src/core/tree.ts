/** The tree of a disc image as HTTP shows it: paths, which bytes of the image a range of a file is, and an index of a directory. Pure. */

/** What `/images/<sha256>/tree/<path>` has as path, undefined where it leads up or is no path. `path` is decoded already. */
export function treePath(path: string): string | undefined {
  return path.includes('\0') || path.split('/').includes('..') ? undefined : path;
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
