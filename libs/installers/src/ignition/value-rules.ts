/** What Ignition refuses of single values: paths, URLs, modes, JSON. Pure. */
import { posix } from 'node:path';
import type { Judge } from './rules.ts';

export function judgePath(owner: object, key: string | number, path: string | undefined, judge: Judge): void {
  const name = typeof key === 'string' ? judge.say(key) : 'a path';
  if (path === undefined || path === '') judge.problem(owner, key, `there is no ${name}: write one, such as ${JSON.stringify(name === 'device' ? '/dev/sda' : '/etc/hostname')}`);
  else if (!path.startsWith('/')) judge.problem(owner, key, `${JSON.stringify(path)} is no absolute path: begin it with "/"`);
  else {
    const simple = posix.normalize(path).replace(/(.)\/$/, '$1');
    if (simple !== path) judge.problem(owner, key, `${JSON.stringify(path)} is not simplified: write ${JSON.stringify(simple)}`);
  }
}

const schemes: readonly (readonly [scheme: string, since: number])[] = [['http', 0], ['https', 0], ['tftp', 0], ['s3', 0], ['data', 0], ['gs', 2], ['arn', 4]];

export function judgeUrl(owner: object, key: string, url: string | undefined, judge: Judge): void {
  if (url === undefined || url === '') return;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const known = schemes.filter(([, since]) => since <= judge.spec).map(([name]) => name);
  if (scheme === undefined || !known.includes(scheme)) judge.problem(owner, key, `${JSON.stringify(url.slice(0, 60))} has no scheme that Ignition fetches by: there are ${known.join(', ')}`);
  else if (scheme === 'data') judgeDataUrl(owner, key, url, judge);
  else if (scheme !== 'arn' && !URL.canParse(url)) judge.problem(owner, key, `${JSON.stringify(url.slice(0, 60))} is no URL: check host, port and percent signs`);
}

/** RFC 2397. */
function judgeDataUrl(owner: object, key: string, url: string, judge: Judge): void {
  const comma = url.indexOf(',');
  const content = url.slice(comma + 1);
  if (comma < 0) judge.problem(owner, key, 'the data URL has no comma before its content: write data:,<text>, or data:;base64,<bytes>');
  else if (/;base64$/.test(url.slice(0, comma))) {
    const bytes = decodeURIComponentOr(content);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(bytes) || bytes.length % 4 !== 0) judge.problem(owner, key, 'the content of the data URL is not base64: encode it anew, without line breaks');
  } else if (/%(?![0-9a-f]{2})|[^A-Za-z0-9\-_.!~*'();/?:@&=+$,%]/i.test(content)) judge.problem(owner, key, 'the data URL holds letters that have to be written %XX: escape it, in Liquid with "| url_encode", or write Butane and "inline"');
}

const decodeURIComponentOr = (text: string): string => text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

export function judgeMode(value: { mode?: number }, directory: boolean, judge: Judge): void {
  const { mode } = value;
  if (mode === undefined) return;
  const octal = `0${mode.toString(8)}`;
  if (mode < 0 || mode > 0o7777) return judge.problem(value, 'mode', `${mode} is no mode: ${judge.strict ? 'write 0644' : 'JSON has decimal numbers only, 420 is 0644'}`);
  if (judge.strict && !usual(mode, directory) && /^[0-7]{1,4}$/.test(String(mode)) && usual(Number.parseInt(String(mode), 8), directory)) {
    return judge.problem(value, 'mode', `the mode ${mode} is decimal, that is ${octal}: write 0${mode}`);
  }
  if (judge.strict && judge.spec < 6 && (mode & 0o7000) !== 0) judge.problem(value, 'mode', `${octal} sets setuid, setgid or sticky, which Ignition does from spec 3.6.0 on: write version 1.7.0 of fcos, or leave them out`);
}

/** What people mean (Butane, “isTypicalMode”): who is further away may do no more, and something can be read. */
function usual(mode: number, directory: boolean): boolean {
  if (mode === 0) return true;
  const [far = 0, middle = 0, near = 0] = [mode & 7, (mode >> 3) & 7, (mode >> 6) & 7];
  let had = 0;
  for (const bits of [far, middle, near]) {
    if ((had & ~bits) !== 0 || ((bits & 1) !== 0 && (had & 5) === 4) || ((bits & 3) !== 0 && (bits & 4) === 0)) return false;
    had |= bits;
  }
  if ((had & 4) === 0) return false;
  if (directory) return (had & 1) !== 0 && (mode & 0o4000) === 0 && ((mode & 0o3000) === 0 || (had & 2) !== 0);
  return (mode & 0o1000) === 0 && ((mode & 0o6000) === 0 || ((had & 1) !== 0 && (mode & 2) === 0));
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
