/** Where this machine gets Debian from: its own apt sources, in the deb822 and the one-line form (sources.list(5)). Pure. */

export type Source = { uri: string; suites: readonly string[]; components: readonly string[] };
export type SourceFile = { name: string; text: string };

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter((word) => word !== '');

function stanzaFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let field = '';
  for (const line of stanza.split('\n')) {
    const start = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
    if (start) field = (start[1] ?? '').toLowerCase();
    const value = start ? start[2] ?? '' : line;
    if (field !== '') fields.set(field, `${fields.get(field) ?? ''} ${value}`.trim());
  }
  return fields;
}

function parseDeb822(text: string): Source[] {
  const withoutComments = text.split('\n').filter((line) => !line.startsWith('#')).join('\n');
  return withoutComments.split(/\n\s*\n/).map(stanzaFields).flatMap((fields) => {
    const isBinary = words(fields.get('types')).includes('deb');
    if (!isBinary || /^(no|false|0)$/i.test(fields.get('enabled') ?? '')) return [];
    const common = { suites: words(fields.get('suites')), components: words(fields.get('components')) };
    return words(fields.get('uris')).map((uri) => ({ uri, ...common }));
  });
}

function parseOneLine(text: string): Source[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (!match) return [];
    return [{ uri: match[1] ?? '', suites: [match[2] ?? ''], components: words(match[3]) }];
  });
}

/** Reads one sources file; the name's ending (`.sources` or not) tells the form. */
export function parseSources(file: SourceFile): Source[] {
  return file.name.endsWith('.sources') ? parseDeb822(file.text) : parseOneLine(file.text);
}

/**
 * The Debian mirror of a machine whose release is `codename`: the first source that carries that very suite with `main`
 * (so neither `-security` nor a third party), else one whose address ends in `/debian`; undefined when there is none.
 */
export function debianMirror(files: readonly SourceFile[], codename: string): string | undefined {
  const sources = files.flatMap(parseSources).filter((source) => source.components.includes('main'));
  const own = sources.find((source) => source.suites.includes(codename))
    ?? sources.find((source) => /\/debian\/?$/.test(source.uri));
  return own?.uri.replace(/\/$/, '');
}
