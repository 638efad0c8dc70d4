/**
 * The options of one message: raw bytes by code, in wire order, unknown codes included.
 * A decoded map only indexes the datagram; a value becomes a view when it is asked for, and an option that came in
 * several pieces (RFC 3396) is joined then. Readers return undefined for a missing option or a wrong length, because
 * RFC 2131 wants a bad option ignored; writers throw RangeError on a value that cannot be written.
 */
import { formatIpv4, parseIpv4 } from '../net.ts';
import { asBuffer, readTrimmedText } from '../text.ts';
import { encodeDomains } from './options/domains.ts';
import { encodeRoutes, type Route } from './options/routes.ts';
import { encodeSubOptions, type SubOption } from './options/sub-options.ts';

const noBytes = Buffer.alloc(0);
const STRIDE = 3;
const OWN = -1;

/** Where one option of a datagram lies; filled by the decoder only. */
export type OptionIndex = {
  source: Buffer;
  /** code, start, end of each first piece, in wire order */
  spans: number[];
  /** start, end of every piece of the codes that came in several */
  pieces: Map<number, number[]> | undefined;
};

export class OptionMap implements Iterable<[number, Uint8Array]> {
  #source: Buffer;
  #spans: number[];
  #pieces: Map<number, number[]> | undefined;
  #own: Map<number, Uint8Array> | undefined;

  constructor(index?: OptionIndex) {
    this.#source = index?.source ?? noBytes;
    this.#spans = index?.spans ?? [];
    this.#pieces = index?.pieces;
  }

  get size(): number {
    return this.#spans.length / STRIDE;
  }

  has(code: number): boolean {
    return this.#find(code) >= 0;
  }

  /** The raw bytes of an option, pieces joined; may be a view of the datagram. */
  get(code: number): Uint8Array | undefined {
    const i = this.#find(code);
    return i < 0 ? undefined : this.#valueAt(i);
  }

  /** Sets the raw bytes (0..65535 of them); a new code goes last, an existing one keeps its place. */
  set(code: number, value: Uint8Array): this {
    if (!Number.isInteger(code) || code < 1 || code > 254) throw new RangeError(`option code ${code} is not in 1..254`);
    if (value.length > 0xffff) throw new RangeError(`option ${code} has ${value.length} bytes, more than 65535`);
    const i = this.#find(code);
    if (i < 0) this.#spans.push(code, OWN, 0);
    else this.#spans[i + 1] = OWN;
    this.#own ??= new Map();
    this.#own.set(code, value);
    return this;
  }

  delete(code: number): boolean {
    const i = this.#find(code);
    if (i < 0) return false;
    this.#spans.splice(i, STRIDE);
    this.#own?.delete(code);
    return true;
  }

  *codes(): IterableIterator<number> {
    for (let i = 0; i < this.#spans.length; i += STRIDE) yield this.#spans[i] ?? 0;
  }

  *[Symbol.iterator](): IterableIterator<[number, Uint8Array]> {
    for (let i = 0; i < this.#spans.length; i += STRIDE) yield [this.#spans[i] ?? 0, this.#valueAt(i)];
  }

  /** Calls back with each code and value in order; quicker than iterating. */
  forEach(visit: (value: Uint8Array, code: number) => void): void {
    for (let i = 0; i < this.#spans.length; i += STRIDE) visit(this.#valueAt(i), this.#spans[i] ?? 0);
  }

  u8(code: number): number | undefined {
    const i = this.#find(code);
    if (i < 0) return undefined;
    const start = this.#spans[i + 1] ?? OWN;
    if (start !== OWN && this.#pieces === undefined) return this.#spans[i + 2] === start + 1 ? this.#source[start] : undefined;
    const value = this.#valueAt(i);
    return value.length === 1 ? value[0] : undefined;
  }

  u16(code: number): number | undefined {
    const v = this.get(code);
    return v?.length === 2 ? ((v[0] ?? 0) << 8) | (v[1] ?? 0) : undefined;
  }

  u32(code: number): number | undefined {
    const v = this.get(code);
    return v?.length === 4 ? u32At(v, 0) : undefined;
  }

  address(code: number): string | undefined {
    const value = this.u32(code);
    return value === undefined ? undefined : formatIpv4(value);
  }

  addresses(code: number): string[] | undefined {
    const v = this.get(code);
    if (v === undefined || v.length === 0 || v.length % 4 !== 0) return undefined;
    return Array.from({ length: v.length / 4 }, (_, i) => formatIpv4(u32At(v, i * 4)));
  }

  /** UTF-8, else Latin-1, without trailing NULs; undefined when nothing is left. */
  text(code: number): string | undefined {
    const v = this.get(code);
    if (v === undefined) return undefined;
    const text = readTrimmedText(asBuffer(v), 0, v.length);
    return text === '' ? undefined : text;
  }

  setU8(code: number, value: number): this {
    return this.set(code, Uint8Array.of(checked(value, 0xff)));
  }

  setU16(code: number, value: number): this {
    checked(value, 0xffff);
    return this.set(code, Uint8Array.of(value >>> 8, value));
  }

  setU32(code: number, value: number): this {
    checked(value, 0xffffffff);
    return this.set(code, Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value));
  }

  setAddress(code: number, address: string): this {
    return this.setU32(code, addressValue(address));
  }

  /** Several addresses in order of preference; an empty list removes the option (its minimum length is 4). */
  setAddresses(code: number, addresses: readonly string[]): this {
    if (addresses.length === 0) {
      this.delete(code);
      return this;
    }
    const bytes = new Uint8Array(addresses.length * 4);
    addresses.forEach((address, i) => {
      const value = addressValue(address);
      bytes.set([value >>> 24, value >>> 16, value >>> 8, value], i * 4);
    });
    return this.set(code, bytes);
  }

  /** UTF-8 without a NUL; an empty text removes the option (its minimum length is 1). */
  setText(code: number, text: string): this {
    if (text !== '') return this.set(code, Buffer.from(text, 'utf8'));
    this.delete(code);
    return this;
  }

  setHex(code: number, hexDigits: string): this {
    if (!/^([0-9a-f]{2})*$/i.test(hexDigits)) throw new RangeError(`'${hexDigits}' is not hex`);
    return this.set(code, Buffer.from(hexDigits, 'hex'));
  }

  /** Classless static routes (RFC 3442) under code 121, or 249 for old Windows. */
  setRoutes(routes: readonly Route[], code = 121): this {
    return this.set(code, encodeRoutes(routes));
  }

  /** Domain search list (RFC 3397) under code 119, compressed. */
  setDomains(domains: readonly string[], code = 119): this {
    return this.set(code, encodeDomains(domains));
  }

  /** Sub-options in order, for 43, 82, 175 and the like; `end` adds the 255 that RFC 2132 §8.4 allows and PXE expects in 43. */
  setEncapsulated(code: number, subOptions: readonly SubOption[], end = false): this {
    return this.set(code, encodeSubOptions(subOptions, end));
  }

  #find(code: number): number {
    const spans = this.#spans;
    for (let i = 0; i < spans.length; i += STRIDE) if (spans[i] === code) return i;
    return -1;
  }

  #valueAt(i: number): Uint8Array {
    const code = this.#spans[i] ?? 0;
    const start = this.#spans[i + 1] ?? OWN;
    if (start === OWN) return this.#own?.get(code) ?? noBytes;
    const pieces = this.#pieces?.get(code);
    if (pieces === undefined) return this.#source.subarray(start, this.#spans[i + 2]);
    const joined = joinPieces(this.#source, pieces);
    this.set(code, joined);
    return joined;
  }
}

function joinPieces(source: Buffer, pieces: readonly number[]): Uint8Array {
  const parts: Buffer[] = [];
  for (let i = 0; i < pieces.length; i += 2) parts.push(source.subarray(pieces[i], pieces[i + 1]));
  return Buffer.concat(parts);
}

export function u32At(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}

function checked(value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError(`${value} is not an integer in 0..${max}`);
  return value;
}

function addressValue(address: string): number {
  const value = parseIpv4(address);
  if (value === undefined) throw new RangeError(`'${address}' is not an IPv4 address`);
  return value;
}
