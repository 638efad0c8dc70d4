/**
 * Checks user-data before a boot is spent on it: what cloud-init would silently ignore is refused here, with line and remedy.
 * What each module takes is for cloud-init’s own schema (cloud-config.ts), where the region has it.
 */
import { createHash } from 'node:crypto';
import { LineCounter, parseDocument, type Document, type YAMLParseError } from 'yaml';
import { linesOf, type SchemaCheck } from './cloud-config.ts';
import { isMime, mimeParts, type MimePart } from './mime.ts';

export type UserDataProblem = { line: number; message: string };

/** cloud-init reads what the datasource gives; the seed on disk has no limit of its own, this one keeps events and seeds small. */
export const maxUserDataBytes = 262_144;

/** First lines that cloud-init acts on; it knows them by how they begin, the longest first (handlers, `type_from_starts_with`). */
const headers = ['#cloud-config', '#!', '#include', '#include-once', '#cloud-boothook', '#part-handler', '## template: jinja', '#cloud-config-archive', '#cloud-config-jsonp'];
const longestFirst = headers.toSorted((left, right) => right.length - left.length);
const headerOf = (text: string): string | undefined => longestFirst.find((header) => text.startsWith(header));

/** Every problem, none when cloud-init will take it. `text` is as the owner wrote it; `schema` is cloud-init’s own check of a cloud-config. */
export function checkUserData(text: string, schema: SchemaCheck = () => []): UserDataProblem[] {
  const large = checkSize(text);
  if (large.length > 0) return large;
  if (text.includes('\0')) return [{ line: 1, message: 'user-data contains a NUL byte: send it as text, or gzip and MIME it' }];
  return isMime(text) ? checkMime(text, schema) : checkText(text, schema);
}

/** All that can be said of user-data for a profile’s template, which may put it anywhere. */
export function checkSize(text: string): UserDataProblem[] {
  const bytes = Buffer.byteLength(text);
  return bytes <= maxUserDataBytes ? [] : [{ line: 1, message: `user-data has ${bytes} bytes, at most ${maxUserDataBytes} are taken: put large files in the image, or fetch them from a URL` }];
}

/** Sealed together with user-data, for which a rack’s bucket has room. */
export function checkSecretsSize(secrets: Readonly<Record<string, string>>): string[] {
  const bytes = Buffer.byteLength(JSON.stringify(secrets));
  return bytes <= maxUserDataBytes ? [] : [`the secrets have ${bytes} bytes together, at most ${maxUserDataBytes} are taken: let the installer fetch large ones by URL`];
}

function checkText(text: string, schema: SchemaCheck): UserDataProblem[] {
  switch (headerOf(text)) {
    case undefined: return [headerProblem(text.split('\n', 1)[0] ?? '')];
    case '#cloud-config': return checkCloudConfig(text, schema);
    case '#cloud-config-archive': return checkArchive(text);
    case '## template: jinja': return checkTemplate(text);
    default: return [];
  }
}

function headerProblem(first: string): UserDataProblem {
  const problem = (hint: string): UserDataProblem => ({ line: 1, message: `cloud-init would ignore user-data whose first line is ${JSON.stringify(first.slice(0, 60))}: ${hint}` });
  const bare = first.trim().toLowerCase();
  if (first.startsWith('\ufeff')) return problem('a byte order mark stands before it, which nobody sees: save it as UTF-8 without');
  if (/^(content-type:|from nobody)/i.test(first)) return problem('it is MIME only with a header "MIME-Version: 1.0" in its first 4096 bytes: add it');
  return problem(bare.startsWith('# cloud-config') || bare === 'cloud-config' ? 'write "#cloud-config" with no space' : `start it with one of ${headers.slice(0, 4).join(', ')}, or MIME headers`);
}

function checkMime(text: string, schema: SchemaCheck): UserDataProblem[] {
  const parts = mimeParts(text);
  if (!Array.isArray(parts)) return [parts];
  return parts.flatMap((part) => checkPart(part, schema).map(({ line, message }) => part.encoded
    ? { line: part.line, message: `line ${line} of the part that begins here: ${message}` } : { line: part.line + line - 1, message }));
}

/** Of these types cloud-init looks at how the text begins (user_data.py, `TYPE_NEEDED`); what is packed is not opened. */
function checkPart({ type, text }: MimePart, schema: SchemaCheck): UserDataProblem[] {
  if (type === 'text/cloud-config') return checkCloudConfig(text, schema);
  if (type === 'text/jinja2') return checkTemplate(text);
  return type === 'text/plain' || type === 'text/x-shellscript' ? checkText(text, schema) : [];
}

/** What it becomes only the machine knows; it has to begin with a header of its own, unless an expression makes that. */
function checkTemplate(text: string): UserDataProblem[] {
  const second = text.split('\n').slice(1).join('\n').trimStart();
  if (headerOf(second) !== undefined || second.startsWith('{')) return ownPhoneHome(text);
  return [{ line: 2, message: 'cloud-init would ignore what this template becomes: write "#cloud-config" or another header below "## template: jinja"' }];
}

/** Looked for by its text: it would take the place of ours, and the deployment would never be done. */
function ownPhoneHome(text: string): UserDataProblem[] {
  const line = text.split('\n').findIndex((one) => /^\s*(- )?"?phone_home"?\s*:/.test(one)) + 1;
  return line === 0 ? [] : [{ line, message: 'phone_home is how Ironbus learns that the deployment is done: remove it, and call other places from runcmd' }];
}

function checkCloudConfig(text: string, schema: SchemaCheck): UserDataProblem[] {
  const read = readYaml(text);
  if ('problems' in read) return read.problems;
  const { config, document, lineCounter } = read;
  if (config === null || config === undefined) return [];
  if (typeof config !== 'object' || Array.isArray(config)) return [{ line: 2, message: 'a #cloud-config is a map of module names to settings' }];
  return [...'phone_home' in config ? ownPhoneHome(text) : [], ...linesOf(document, lineCounter, schema(config))];
}

function checkArchive(text: string): UserDataProblem[] {
  const read = readYaml(text);
  if ('problems' in read) return read.problems;
  return Array.isArray(read.config) ? ownPhoneHome(text) : [{ line: 2, message: 'a #cloud-config-archive is a list of texts, or of maps with type and content' }];
}

/** As PyYAML reads it, which is YAML 1.1: `yes` and `no` are booleans. */
function readYaml(text: string): { problems: UserDataProblem[] } | { config: unknown; document: Document; lineCounter: LineCounter } {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { prettyErrors: true, lineCounter, version: '1.1', logLevel: 'error' });
  if (document.errors.length > 0) return { problems: document.errors.map(yamlProblem) };
  try {
    return { config: document.toJS({ maxAliasCount: 100 }), document, lineCounter };
  } catch (error) {
    // The one error that toJS has for a document without errors.
    if (!(error instanceof ReferenceError)) throw error;
    return { problems: [{ line: 1, message: 'its aliases stand for more than 100 copies of one thing: write it with fewer' }] };
  }
}

/** The line is told beside the message, and may be another one in the whole. */
const yamlProblem = ({ code, linePos, message }: YAMLParseError): UserDataProblem => ({
  line: linePos?.[0].line ?? 1,
  message: `not YAML: ${code === 'MULTIPLE_DOCS' ? 'this is one document: remove the "---" and what it separates' : (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')}`,
});

export const sha256Hex = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
