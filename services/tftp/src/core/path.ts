/** The name behind a requested path. Files are found in a list, never by walking a directory: what is not in the list does not exist. */
export type Named = { ok: true; name: string } | { ok: false; reason: 'outside-tree' | 'bad-name' };

/** Firmware asks for `undionly.kpxe`, `/undionly.kpxe` and `//loaders/undionly.kpxe` alike, Windows' loaders for `\Boot\BCD`. A path that climbs, in any spelling, is refused. */
export function nameOf(path: string): Named {
  if (path.length === 0 || path.length > 512 || /[\u0000-\u001f\u007f]/.test(path)) return { ok: false, reason: 'bad-name' };
  const segments = path.split(/[/\\]+/).filter((segment) => segment !== '' && segment !== '.');
  if (segments.some((segment) => /^(\.|%2e|%252e)+$/i.test(segment)) || /^[a-z]:/i.test(path)) return { ok: false, reason: 'outside-tree' };
  if (segments[0] === 'loaders') segments.shift();
  return segments.length === 0 ? { ok: false, reason: 'bad-name' } : { ok: true, name: segments.join('/') };
}

/** Where a name leads in the boot assets: `agent-image/` is what bootfiles calls the agent over HTTP, everything else is a loader. */
export const assetOf = (name: string): string => /^agent(-image)?\//.test(name) ? name.replace(/^agent(-image)?\//, 'agent/') : `loaders/${name}`;
