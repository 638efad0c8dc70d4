/** Where this machine gets Debian from. Pure: the texts of its apt sources in, one-line sources for mmdebstrap out. */

type Source = { uri: string; suite: string };

/**
 * One-line sources for `suite` and, where the machine has one, its security suite. Reads both formats of sources.list(5).
 * A machine of another Debian release lends its mirror; undefined when it has no Debian mirror at all (Ubuntu).
 */
export function debianSources(texts: readonly string[], suite: string): string[] | undefined {
  const sources = texts.flatMap((text) => [...oneLine(text), ...deb822(text)]);
  const releases = ['bullseye', 'bookworm', 'trixie', 'forky', 'sid', 'stable', 'testing', 'unstable', suite];
  const main = sources.find((source) => releases.includes(source.suite));
  if (main === undefined) return undefined;
  const security = sources.find((source) => source.suite.endsWith('-security') && releases.includes(source.suite.replace('-security', '')));
  return [
    `deb ${main.uri} ${suite} main`,
    ...(security === undefined ? [] : [`deb ${security.uri} ${suite}-security main`]),
  ];
}

function oneLine(text: string): Source[] {
  const lines = text.split('\n').map((line) => /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line));
  return lines.flatMap((match) => (match === null ? [] : [{ uri: match[1] ?? '', suite: match[2] ?? '' }]));
}

function deb822(text: string): Source[] {
  const stanzas = text.split(/\n\s*\n/).map((stanza) => stanza.split('\n').filter((line) => !line.startsWith('#')).join('\n'));
  return stanzas.filter((stanza) => /^Types:.*\bdeb\b/m.test(stanza) && !/^Enabled:\s*no/mi.test(stanza)).flatMap((stanza) => {
    const words = (field: string): string[] => new RegExp(`^${field}:(.*)$`, 'm').exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
    return words('URIs').flatMap((uri) => words('Suites').map((suite) => ({ uri, suite })));
  });
}

/** The candidate versions in what `apt-cache policy <names>` printed, as `name=version` lines: a cache key. Pure. */
export function candidateVersions(policy: string): string[] {
  const found: string[] = [];
  let name = '';
  for (const line of policy.split('\n')) {
    const heading = /^(\S+):$/.exec(line);
    const candidate = /^ {2}Candidate: (\S+)/.exec(line);
    if (heading !== null) name = heading[1] ?? '';
    if (candidate !== null) found.push(`${name}=${candidate[1]}`);
  }
  return found;
}
