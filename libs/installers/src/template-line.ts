/** Where in a template a line of what it rendered comes from, told by its text. Pure. */

/** `in` is the snippet; undefined where no line or several could have made it. */
export function templateLine(rendered: string, { template, snippets }: { template: string; snippets: Readonly<Record<string, string>> }): { line: number; in?: string } | undefined {
  const text = rendered.trim();
  if (text === '') return undefined;
  const lines = [{ name: undefined as string | undefined, source: template }, ...Object.entries(snippets).map(([name, source]) => ({ name, source }))]
    .flatMap(({ name, source }) => source.split('\n').map((line, index) => ({ line: line.trim(), at: { line: index + 1, ...(name !== undefined && { in: name }) } })));
  const same = lines.filter(({ line }) => line === text);
  const found = same.length > 0 ? same : lines.filter(({ line }) => couldMake(line, text));
  return found.length === 1 ? found[0]?.at : undefined;
}

/** What stands outside of `{{ }}` and `{% %}` is in the text, in order. */
function couldMake(line: string, text: string): boolean {
  const parts = line.split(/\{\{.*?\}\}|\{%.*?%\}/);
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (parts.length === 1 || parts.join('').trim() === '' || !text.startsWith(first) || !text.endsWith(last)) return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from + last.length <= text.length;
}
