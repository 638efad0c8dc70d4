/**
 * Liquid: no code runs in it, no file is read, and an unknown variable or filter is an error with line and column. Pure but for
 * the clock that ends a template which loops too long.
 */
import type { Liquid, LiquidError, LiquidOptions } from 'liquidjs';
import { liquid } from './parsers.ts';

/**
 * `in` is the snippet a problem lies in; `rendered` says that line and column are of the result, not of the template; `source` is the
 * template’s line that made it, where one alone can have.
 */
export type Problem = { message: string; line?: number; column?: number; in?: string; rendered?: boolean; source?: { line: number; in?: string } };
export type Rendered = { ok: true; text: string } | { ok: false; problem: Problem };

/** A configuration has tens of kilobytes and is rendered in a millisecond. */
const limits = { parseLimit: 1_000_000, renderLimit: 1000, memoryLimit: 10_000_000 };
export const maxRenderedBytes = 1024 * 1024;

/** Renders a text with `{% include 'name' %}` and `{% render 'name' %}` of `snippets`. Never throws for what the text says. */
export function renderTemplate(text: string, snippets: Readonly<Record<string, string>>, scope: object): Rendered {
  try {
    const rendered = engineFor(snippets).parseAndRenderSync(text, scope) as string;
    const bytes = Buffer.byteLength(rendered);
    if (bytes <= maxRenderedBytes) return { ok: true, text: rendered };
    return { ok: false, problem: { message: `the result has ${bytes} bytes, at most ${maxRenderedBytes} are served: let the installer fetch large parts by URL` } };
  } catch (error) {
    if (!liquid().LiquidError.is(error)) throw error;
    return { ok: false, problem: explain(error, text, snippets) };
  }
}

function engineFor(snippets: Readonly<Record<string, string>>): Liquid {
  const read = (name: string): string => snippets[name] ?? '';
  const exists = (name: string): boolean => Object.hasOwn(snippets, name);
  const fs = {
    exists: async (name: string) => exists(name), existsSync: exists, readFile: async (name: string) => read(name), readFileSync: read,
    resolve: (_directory: string, name: string) => name, contains: async () => true, containsSync: () => true, dirname: () => '', sep: '/',
  } satisfies LiquidOptions['fs'];
  return new (liquid().Liquid)({ strictVariables: true, strictFilters: true, lenientIf: true, ownPropertyOnly: true, relativeReference: false, fs, ...limits });
}

function explain(error: LiquidError, text: string, snippets: Readonly<Record<string, string>>): Problem {
  const [line, column] = error.token?.getPosition?.() ?? [];
  // Liquid names no file for a variable, but the token keeps the text that it is of.
  const source = error.token?.input ?? text;
  const file = source === text ? undefined : Object.entries(snippets).find(([, snippet]) => snippet === source)?.[0];
  return {
    message: reason(error, Object.keys(snippets)), ...(line !== undefined && { line }), ...(column !== undefined && { column }), ...(file !== undefined && { in: file }),
  };
}

function reason(error: LiquidError, known: readonly string[]): string {
  const said = (error.originalError?.message ?? error.message).replace(/, (file:[^,]*, )?line:\d+, col:\d+$/, '');
  const variable = /^undefined variable: (.+)$/.exec(said)?.[1];
  if (variable?.startsWith('values.') === true) return `${variable} is set in no layer that applies: set it (ironbus layers set), or write {{ ${variable} | default: … }}`;
  if (variable?.startsWith('secrets.') === true) return `${variable} was not given: deploy with --secret ${variable.slice(8)}=<file>`;
  if (variable !== undefined) return `there is no variable ${variable}: see the guide’s list, or write {{ ${variable} | default: … }}`;
  const missing = /Failed to lookup "([^"]*)"/.exec(said)?.[1];
  if (missing !== undefined) return `there is no snippet ${JSON.stringify(missing)}; there are ${known.join(', ') || 'none'}`;
  if (/(memory alloc|template render|parse length) limit exceeded/.test(said)) return 'the template is too large or loops too long';
  if (said === 'Maximum call stack size exceeded') return 'snippets include each other without an end, or tags are nested too deep: let a snippet include others only';
  return said;
}

/** `line 3, column 5 of snippet users: …`, for people. */
export function formatProblem({ message, line, column, in: file, rendered, source }: Problem): string {
  const where = [line === undefined ? '' : `line ${line}`, column === undefined ? '' : `column ${column}`].filter((part) => part !== '').join(', ');
  const what = file === undefined ? (rendered === true ? 'the rendered text' : 'the template') : file === 'kernelArguments' ? 'the kernel arguments' : `snippet ${file}`;
  const made = source === undefined || (source.in === undefined && source.line === line) ? '' : ` (line ${source.line} of ${source.in === undefined ? 'the template' : `snippet ${source.in}`})`;
  return where === '' ? message : `${where} of ${what}${made}: ${message}`;
}
