/** Conditional and partial requests for one file (RFC 9110 §13, §14). Pure; a file is its size and its validators. */
import { parseHttpDate } from './http-date.ts';

export type FileFacts = { sizeBytes: number; etag: string; modified: Date };
export type Asked = Partial<Record<'range' | 'ifRange' | 'ifMatch' | 'ifUnmodifiedSince' | 'ifNoneMatch' | 'ifModifiedSince', string | undefined>>;
export type Part =
  | { status: 200 | 206; start: number; /** Exclusive. */ end: number }
  | { status: 304 | 412 | 416 };

/** Which bytes to send, in the order of §13.2.2. Several ranges, other units and malformed ones are answered with the whole file (§14.2 allows it). Never throws. */
export function decidePart(file: FileFacts, asked: Asked): Part {
  if (!isExpected(file, asked)) return { status: 412 };
  if (isUnchanged(file, asked)) return { status: 304 };
  const whole: Part = { status: 200, start: 0, end: file.sizeBytes };
  if (asked.range === undefined || !rangeHolds(file, asked.ifRange)) return whole;
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(asked.range); // of any length: some say 2^64-1 for the end, and a large number is still one (§14.1.2)
  if (match === null) return whole;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? whole : suffix(file.sizeBytes, Number(last));
  const start = Number(first);
  const end = last === '' ? file.sizeBytes : Math.min(Number(last) + 1, file.sizeBytes);
  if (last !== '' && Number(last) < start) return whole;
  return start >= file.sizeBytes ? { status: 416 } : { status: 206, start, end };
}

function suffix(sizeBytes: number, count: number): Part {
  if (count === 0 || sizeBytes === 0) return { status: 416 };
  return { status: 206, start: Math.max(0, sizeBytes - count), end: sizeBytes };
}

function isUnchanged(file: FileFacts, asked: Asked): boolean {
  if (asked.ifNoneMatch !== undefined) {
    return asked.ifNoneMatch.trim() === '*' || tagsOf(asked.ifNoneMatch).some((tag) => tag.replace(/^W\//, '') === file.etag);
  }
  return secondsOf(file) <= dateOf(asked.ifModifiedSince);
}

/** What is asked for only if it is still the file that the asker knows (§13.1.1, §13.1.4). A date that is none is not looked at. */
function isExpected(file: FileFacts, { ifMatch, ifUnmodifiedSince }: Asked): boolean {
  if (ifMatch !== undefined) return ifMatch.trim() === '*' || tagsOf(ifMatch).includes(file.etag);
  return !(secondsOf(file) > dateOf(ifUnmodifiedSince));
}

const tagsOf = (list: string): string[] => list.split(',').map((tag) => tag.trim());
/** NaN, which compares with nothing, where there is none. */
const dateOf = (text: string | undefined): number => parseHttpDate(text ?? '') ?? NaN;
/** HTTP knows no parts of a second. */
const secondsOf = (file: FileFacts): number => Math.floor(file.modified.getTime() / 1000) * 1000;

/** §13.1.5: a range is only good for the file that the asker already has a part of; a date has to be the very one. */
const rangeHolds = (file: FileFacts, ifRange: string | undefined): boolean =>
  ifRange === undefined || ifRange.trim() === file.etag || dateOf(ifRange) === secondsOf(file);
