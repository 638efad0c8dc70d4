/** A profile’s kernel or initrd where it is on the rack: `image:<id>`, or `image:<id>/<path>` in the tree of a disc. Pure. */
export type ImageFile = { id: string; path: string | undefined };

/** Undefined for a URL. The path is as on the disc: escapes, with which it stands in the tree’s URL, are undone; those that are no UTF-8 stay. */
export function imageFile(file: string | null): ImageFile | undefined {
  const [, id, path] = /^image:([^/]+)(?:\/(.+))?$/.exec(file ?? '') ?? [];
  return id === undefined ? undefined : { id, path: path === undefined ? undefined : withoutEscapes(path) };
}

function withoutEscapes(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}
