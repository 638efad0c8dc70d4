/** Rock Ridge: what POSIX knows of a file, in the system use area of its directory record (SUSP 1.12, RRIP 1.12). */
import { bytesOf, IsoError, type Source } from './source.ts';

export type SystemUse = {
  name: string | undefined;
  target: string | undefined;
  /** File mode of PX. */
  mode: number | undefined;
  /** CL: the block where a directory lies that is too deep for ISO 9660. */
  childBlock: number | undefined;
  /** RE: such a directory in its place of storage, where nobody is to see it. */
  relocated: boolean;
  /** ZF: compressed in a way that only some kernels undo. */
  compressed: boolean;
};
/** `skip`: bytes that are somebody else's at the start of every area (SP). */
export type Susp = { skip: number };

const maxContinuations = 32;
const maxAreaBytes = 65_536;

/** SP is the first entry of the root's own record (SUSP §5.3); undefined where Rock Ridge is not used. */
export function findSusp(area: DataView): Susp | undefined {
  const starts = (at: number): boolean => area.byteLength >= at + 7 && area.getUint16(at) === 0x5350 && area.getUint16(at + 4) === 0xbeef;
  if (starts(0)) return { skip: area.getUint8(6) };
  return starts(14) ? { skip: area.getUint8(20) } : undefined; // CD-ROM XA puts 14 bytes of its own before it
}

type Parsed = { name: Buffer[]; link: Buffer[]; linkOpen: boolean; use: SystemUse };

/** Reads one area and what it is continued in. `blockBytes` is the unit of CE and CL. Throws malformed, loop, outside-image. */
export async function readSystemUse(source: Source, area: DataView, { skip, blockBytes, at }: Susp & { blockBytes: number; at: number }): Promise<SystemUse> {
  const parsed: Parsed = {
    name: [], link: [], linkOpen: false,
    use: { name: undefined, target: undefined, mode: undefined, childBlock: undefined, relocated: false, compressed: false },
  };
  const seen = new Set<number>();
  for (let next = readArea(area, Math.min(skip, area.byteLength), parsed); next !== undefined;) {
    const offset = next.block * blockBytes + next.offset;
    if (seen.has(offset)) throw new IsoError('loop', 'the system use area of a directory record continues in itself', at);
    if (seen.size >= maxContinuations || next.length > maxAreaBytes) throw new IsoError('too-large', 'the system use area of a directory record has no end', at);
    seen.add(offset);
    next = readArea(await source.view({ offset, length: next.length }, 'a continuation of a directory record'), 0, parsed);
  }
  if (parsed.name.length > 0) parsed.use.name = text(Buffer.concat(parsed.name));
  if (parsed.link.length > 0) parsed.use.target = text(Buffer.concat(parsed.link));
  return parsed.use;
}

type Continuation = { block: number; offset: number; length: number };

/** Gives where it goes on. What follows a length that can not be is no entry any more: writers pad with anything. */
function readArea(area: DataView, from: number, parsed: Parsed): Continuation | undefined {
  let next: Continuation | undefined;
  for (let at = from; at + 4 <= area.byteLength;) {
    const length = area.getUint8(at + 2);
    if (length < 4 || at + length > area.byteLength) break;
    const signature = String.fromCharCode(area.getUint8(at), area.getUint8(at + 1));
    if (signature === 'ST') break;
    if (signature === 'CE' && length >= 28) next = { block: area.getUint32(at + 4, true), offset: area.getUint32(at + 12, true), length: area.getUint32(at + 20, true) };
    else readEntry(signature, new DataView(area.buffer, area.byteOffset + at, length), parsed);
    at += length;
  }
  return next;
}

function readEntry(signature: string, entry: DataView, parsed: Parsed): void {
  const { use } = parsed;
  if (signature === 'NM' && entry.byteLength > 5 && (entry.getUint8(4) & 0x06) === 0) parsed.name.push(bytesOf(entry, 5, entry.byteLength - 5));
  if (signature === 'SL' && entry.byteLength > 5) readLink(entry, parsed);
  if (signature === 'PX' && entry.byteLength >= 12) use.mode = entry.getUint32(4, true);
  if (signature === 'CL' && entry.byteLength >= 12) use.childBlock = entry.getUint32(4, true);
  if (signature === 'RE') use.relocated = true;
  if (signature === 'ZF') use.compressed = true;
}

/** Components of a link's target; one whose first flag is set goes on in the next (RRIP §4.1.3.1). */
function readLink(entry: DataView, parsed: Parsed): void {
  for (let at = 5; at + 2 <= entry.byteLength;) {
    const [flags, length] = [entry.getUint8(at), entry.getUint8(at + 1)];
    if (at + 2 + length > entry.byteLength) return;
    if (parsed.link.length > 0 && !parsed.linkOpen && !endsWithSlash(parsed.link)) parsed.link.push(slash);
    parsed.link.push(flags & 0x08 ? slash : flags & 0x04 ? Buffer.from('..') : flags & 0x02 ? Buffer.from('.') : bytesOf(entry, at + 2, length));
    parsed.linkOpen = (flags & 0x01) !== 0;
    at += 2 + length;
  }
}

const slash = Buffer.from('/');
const endsWithSlash = (parts: readonly Buffer[]): boolean => parts.at(-1)?.at(-1) === 0x2f;

/** Names are bytes; those that are not UTF-8 are taken for Latin-1, so that each has a spelling. */
function text(bytes: Buffer): string {
  const decoded = bytes.toString('utf8');
  return decoded.includes('\ufffd') ? bytes.toString('latin1') : decoded;
}
