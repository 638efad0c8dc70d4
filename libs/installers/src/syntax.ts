/** What of a rendered configuration its installer would stumble over, with line and remedy. Not the installers’ own parsers. Pure. */
import type { Document } from 'yaml';
import { xml, yaml } from './parsers.ts';
import type { Problem } from './template.ts';

const at = (line: number, message: string): Problem => ({ line, message, rendered: true });
const lines = (text: string): string[] => text.split('\n').map((line) => line.replace(/\r$/, ''));

/** Sections that Anaconda’s kickstart closes with %end (pykickstart documentation, “sections”). */
const sections = ['%pre', '%pre-install', '%post', '%onerror', '%traceback', '%packages', '%addon', '%anaconda', '%certificate'];

export function checkKickstart(text: string): Problem[] {
  const problems: Problem[] = [];
  let open: { name: string; line: number } | undefined;
  lines(text).forEach((line, index) => {
    const name = /^(%[a-z-]+)/.exec(line)?.[1];
    if (name === undefined || name === '%include' || name === '%ksappend') return;
    if (name === '%end') {
      if (open === undefined) problems.push(at(index + 1, '%end closes no section: remove it'));
      open = undefined;
    } else if (open !== undefined && sections.includes(name)) {
      problems.push(at(open.line, `${open.name} is not closed before ${name} in line ${index + 1}: write %end after it`));
      open = { name, line: index + 1 };
    } else if (open === undefined) {
      if (!sections.includes(name)) problems.push(at(index + 1, `there is no section ${name}; there are ${sections.join(', ')}`));
      open = { name, line: index + 1 };
    }
  });
  if (open !== undefined) problems.push(at((open as { line: number }).line, `${(open as { name: string }).name} is never closed: write %end after it`));
  return problems;
}

/** debconf-set-selections(1): owner, question, type, value; a value may go on after a backslash. */
const debconfTypes = ['boolean', 'string', 'password', 'select', 'multiselect', 'note', 'text', 'title', 'error', 'entropy', 'seen'];

export function checkPreseed(text: string): Problem[] {
  const problems: Problem[] = [];
  let goesOn: { line: number; said: string } | undefined;
  lines(text).forEach((line, index) => {
    const { line: from, said } = goesOn === undefined ? { line: index + 1, said: line } : { line: goesOn.line, said: goesOn.said + line };
    goesOn = said.endsWith('\\') ? { line: from, said: said.slice(0, -1) } : undefined;
    if (goesOn !== undefined || /^\s*(#.*)?$/.test(said)) return;
    const [owner, question, type] = said.trim().split(/\s+/);
    if (owner === undefined || question === undefined || type === undefined) {
      problems.push(at(from, `${excerpt(said)} is no answer: write "<owner> <question> <type> <value>", such as "d-i time/zone string UTC"`));
    } else if (!debconfTypes.includes(type)) problems.push(at(from, `${JSON.stringify(type)} is no type of debconf; there are ${debconfTypes.join(', ')}`));
  });
  if (goesOn !== undefined) problems.push(at(lines(text).length, 'the last line ends in a backslash, so nothing goes on after it: remove it'));
  return problems;
}

export function checkAutoinstall(text: string): Problem[] {
  if (!/^#cloud-config\s*$/.test(lines(text)[0] ?? '')) return [at(1, 'cloud-init ignores user-data whose first line is not "#cloud-config": write exactly that')];
  const read = readYaml(yaml().parseDocument(text));
  if ('problems' in read) return read.problems;
  const { autoinstall } = (read.value ?? {}) as { autoinstall?: unknown };
  if (typeof autoinstall !== 'object' || autoinstall === null || Array.isArray(autoinstall)) return [at(2, 'there is no map "autoinstall": Subiquity would ask a person instead')];
  return (autoinstall as { version?: unknown }).version === 1 ? [] : [at(lineOf(text, /^\s+version:|^autoinstall:/), 'autoinstall needs "version: 1"')];
}

export function checkTalos(text: string): Problem[] {
  const documents = yaml().parseAllDocuments(text);
  const read = (Array.isArray(documents) ? documents : []).map((document) => readYaml(document as Document));
  const problems = read.flatMap((one) => 'problems' in one ? one.problems : []);
  if (problems.length > 0) return problems;
  const main = read.map((one) => 'value' in one ? one.value as { version?: unknown; machine?: unknown; kind?: unknown } | null : null).find((value) => value?.kind === undefined);
  if (main === undefined || main === null || main.version !== 'v1alpha1') return [at(1, 'no document says "version: v1alpha1": this is no Talos machine configuration, "talosctl gen config" makes one')];
  return typeof main.machine === 'object' && main.machine !== null ? [] : [at(1, 'there is no map "machine": this is no Talos machine configuration')];
}

export function checkAutoyast(text: string): Problem[] {
  const problems: Problem[] = [];
  const onError = (_level: string, message: string, context: { locator?: { lineNumber?: number } }): void => {
    problems.push(at(context.locator?.lineNumber || Number(/@#\[line:(\d+)/.exec(message)?.[1] ?? 0) || 1, `not XML: ${message.split('\n')[0]}`));
  };
  try {
    // A byte order mark is no part of the document (XML 1.0, appendix F); this parser takes it for text.
    const root = new (xml().DOMParser)({ onError }).parseFromString(text.replace(/^\ufeff/, ''), 'text/xml').documentElement?.localName;
    if (problems.length === 0 && root !== 'profile') problems.push(at(1, `the outermost element is <${root ?? 'nothing'}>, AutoYaST wants <profile>`));
  } catch (error) {
    if (problems.length === 0) problems.push(at((error as { locator?: { lineNumber?: number } }).locator?.lineNumber || 1, `not XML: ${(error as Error).message.split('\n')[0]}`));
  }
  return problems.slice(0, 1);
}

export const checkIpxe = (text: string): Problem[] => lines(text)[0]?.trimEnd() === '#!ipxe' ? [] : [at(1, 'an iPXE script begins with "#!ipxe": write exactly that in the first line')];

function readYaml(document: Document): { value: unknown } | { problems: Problem[] } {
  if (document.errors.length > 0) {
    return { problems: document.errors.map(({ code, linePos, message }) =>
      at(linePos?.[0].line ?? 1, `not YAML: ${code === 'MULTIPLE_DOCS' ? 'this is one document: remove the "---" and what it separates' : message.split('\n')[0]}`)) };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown };
  } catch (error) {
    // The one error that toJS has for a document without errors.
    if (!(error instanceof ReferenceError)) throw error;
    return { problems: [at(1, 'its aliases stand for more than 100 copies of one thing: write it with fewer')] };
  }
}

const lineOf = (text: string, pattern: RegExp): number => Math.max(1, lines(text).findIndex((line) => pattern.test(line)) + 1);
const excerpt = (line: string): string => JSON.stringify(line.trim().slice(0, 40));
