/**
 * Checks user-data before a boot is spent on it: what cloud-init would silently ignore is refused here, with line and remedy.
 * What each module takes is for cloud-init’s own schema (cloud-config.ts), where the region has it.
 */
import { createHash } from 'node:crypto';
import { LineCounter, parseDocument } from 'yaml';
import { linesOf, type SchemaCheck } from './cloud-config.ts';

export type UserDataProblem = { line: number; message: string };

/** cloud-init reads what the datasource gives; the seed on disk has no limit of its own, this one keeps events and seeds small. */
export const maxUserDataBytes = 262_144;

/** First lines that cloud-init acts on (its user-data formats page). */
const headers = ['#cloud-config', '#!', '#include', '#include-once', '#cloud-boothook', '#part-handler', '## template: jinja', '#cloud-config-archive', '#cloud-config-jsonp'];
const mime = /^(content-type:|mime-version:|from nobody)/i;

/** Every problem, none when cloud-init will take it. `text` is as the owner wrote it; `schema` is cloud-init’s own check of a cloud-config. */
export function checkUserData(text: string, schema: SchemaCheck = () => []): UserDataProblem[] {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxUserDataBytes) return [{ line: 1, message: `user-data has ${bytes} bytes, at most ${maxUserDataBytes} are taken: put large files in the image, or fetch them from a URL` }];
  if (text.includes('\0')) return [{ line: 1, message: 'user-data contains a NUL byte: send it as text, or gzip and MIME it' }];
  const first = text.split('\n', 1)[0] ?? '';
  if (!headers.some((header) => first.startsWith(header)) && !mime.test(first)) return [headerProblem(first)];
  if (first.startsWith('#!') && first.endsWith('\r')) return [{ line: 1, message: 'the script has Windows line ends, so its interpreter would not be found: convert it, for example with dos2unix' }];
  return first.trimEnd() === '#cloud-config' ? checkCloudConfig(text, schema) : [];
}

function headerProblem(first: string): UserDataProblem {
  const bare = first.trim().toLowerCase();
  const hint = bare.startsWith('# cloud-config') || bare === 'cloud-config' ? 'write "#cloud-config" with no space' : `start it with one of ${headers.slice(0, 4).join(', ')}, or a MIME header`;
  return { line: 1, message: `cloud-init would ignore user-data whose first line is ${JSON.stringify(first.slice(0, 60))}: ${hint}` };
}

function checkCloudConfig(text: string, schema: SchemaCheck): UserDataProblem[] {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { prettyErrors: true, lineCounter });
  if (document.errors.length > 0) return document.errors.map((error) => ({ line: error.linePos?.[0].line ?? 1, message: `not YAML: ${error.message.split('\n')[0]}` }));
  const config: unknown = document.toJS({ maxAliasCount: 100 });
  if (config === null || config === undefined) return [];
  if (typeof config !== 'object' || Array.isArray(config)) return [{ line: 2, message: 'a #cloud-config is a map of module names to settings' }];
  const ours = 'phone_home' in config ? [{ line: lineOf(text, 'phone_home'), message: 'phone_home is how Ironbus learns that the deployment is done: remove it, and call other places from runcmd' }] : [];
  return [...ours, ...linesOf(document, lineCounter, schema(config))];
}

const lineOf = (text: string, key: string): number => text.split('\n').findIndex((line) => line.trimStart().replace(/^"/, '').startsWith(key)) + 1;

export const sha256Hex = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
