/** A request's path as events and logs show it. Pure. */

/** What of these paths follows the node, or the first folder, may be a token. */
const secretPath = /^(\/(?:phone-home|seed|install)\/[^/]*)\/./;

/** Cut off where a token begins, however the path is written: the router reads `//install/…`, `/%69nstall/…` and `http://rack/install/…` alike. */
export function shownPath(path: string): string {
  const routed = unescaped(path).replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '').replace(/\/{2,}/g, '/');
  const before = secretPath.exec(routed)?.[1];
  return (before === undefined ? path : `${before}/…`).slice(0, 1024);
}

function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
