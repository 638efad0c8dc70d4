/** The name behind a requested path. Files are found in a list, never by walking a directory: what is not in the list does not exist. */
export type Named = { ok: true; name: string } | { ok: false; reason: 'outside-tree' | 'bad-name' };

const sameAsDot = /[\u2024\uff0e]|\u00c0\u00ae/g;
const sameAsSlash = /[\u2044\u2215\u29f8\uff0f\\\uff3c]|\u00c0\u00af/g;
const deepest = 4;

/**
 * A path as somebody could read it who undoes escapes, again and again: `..%2f`, `%252e%252e%255c`, dots and slashes in overlong UTF-8 or
 * of other widths. Nobody here does; what climbs when it is read so is asked for by nobody who means well.
 */
function unescaped(path: string): string {
  let read = path;
  for (let depth = 0; depth < deepest; depth++) {
    const before = read;
    read = read.replace(/%u?(?:00)?([0-9a-f]{2})/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))).replace(sameAsDot, '.').replace(sameAsSlash, '/');
    if (read === before) break;
  }
  return read;
}

/** Dots alone, also with what ends a name for some readers: a NUL, a space, a semicolon. */
const climbs = (path: string): boolean => unescaped(path).split('/').some((segment) => /^\s*\.\.+\s*([;\0].*)?$/.test(segment));

/** Firmware asks for `undionly.kpxe`, `/undionly.kpxe` and `//loaders/undionly.kpxe` alike, Windows' loaders for `\Boot\BCD`. A path that climbs, in any spelling, is refused. */
export function nameOf(path: string): Named {
  if (path.length === 0 || path.length > 512 || /[\u0000-\u001f\u007f]/.test(path)) return { ok: false, reason: 'bad-name' };
  const segments = path.split(/[/\\]+/).filter((segment) => segment !== '' && segment !== '.');
  if (climbs(path) || /^[a-z]:/i.test(path)) return { ok: false, reason: 'outside-tree' };
  if (segments[0] === 'loaders') segments.shift();
  return segments.length === 0 ? { ok: false, reason: 'bad-name' } : { ok: true, name: segments.join('/') };
}

/** Where a name leads in the boot assets: `agent-image/` is what bootfiles calls the agent over HTTP, everything else is a loader. */
export const assetOf = (name: string): string => /^agent(-image)?\//.test(name) ? name.replace(/^agent(-image)?\//, 'agent/') : `loaders/${name}`;
