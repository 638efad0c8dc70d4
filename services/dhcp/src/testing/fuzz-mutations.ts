/**
 * What can be wrong with a DHCP packet: each mutation takes bytes and gives other bytes. Blind ones change any byte; knowing
 * ones take the options apart (RFC 2132 §2), change one thing and put them together again.
 */
import type { SeededRandom } from './fuzz-random.ts';

export type Mutation = (bytes: Buffer, random: SeededRandom, other: Buffer) => Buffer;

const optionsAt = 240;
const snameAt = 44;
const fileAt = 108;
const fileEnd = 236;
const longest = 65_507;
/** Offset and length of the fields of RFC 2131 §2, figure 1. */
const headerFields = [
  [0, 1], [1, 1], [2, 1], [3, 1], [4, 4], [8, 2], [10, 2], [12, 4], [16, 4], [20, 4], [24, 4], [28, 6], [28, 16], [236, 4],
] as const;
/** Options that a server reads or echoes, so that a change in them is felt. */
const telling = [12, 43, 50, 51, 52, 53, 54, 55, 57, 60, 61, 66, 67, 77, 80, 81, 82, 93, 94, 97, 116, 118, 119, 121, 124, 150, 175, 209, 249];
const edges = [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 63, 64, 127, 128, 253, 254, 255];

type Option = { code: number; value: Buffer };

/** The options until the end option or the first that does not fit. */
function split(bytes: Buffer): Option[] {
  const options: Option[] = [];
  for (let at = optionsAt; at + 1 < bytes.length; ) {
    const code = bytes[at] ?? 255;
    if (code === 255) break;
    if (code === 0) { at += 1; continue; }
    const end = at + 2 + (bytes[at + 1] ?? 0);
    if (end > bytes.length) break;
    options.push({ code, value: bytes.subarray(at + 2, end) });
    at = end;
  }
  return options;
}

/** The header as it was with these options; values over 255 bytes go in pieces. */
function join(bytes: Buffer, options: readonly Option[]): Buffer {
  const parts: Buffer[] = [bytes.subarray(0, optionsAt)];
  for (const { code, value } of options) {
    let at = 0;
    do {
      const piece = value.subarray(at, at + 255);
      parts.push(Buffer.of(code, piece.length), piece);
      at += 255;
    } while (at < value.length);
  }
  parts.push(Buffer.of(255));
  return Buffer.concat(parts).subarray(0, longest);
}

type Edit = (options: Option[], random: SeededRandom, other: Buffer) => Option[];
const change = (edit: Edit): Mutation =>
  (bytes, random, other) => bytes.length < optionsAt ? bytes : join(bytes, edit(split(bytes), random, other));
const some = (random: SeededRandom): Option =>
  ({ code: random.below(4) === 0 ? 1 + random.below(254) : random.oneOf(telling), value: random.bytes(random.oneOf(edges)) });

export const mutations: Readonly<Record<string, Mutation>> = {
  flipBits(bytes, random) {
    for (let n = 1 + random.below(8); n > 0; n -= 1) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    }
    return bytes;
  },
  setBytes(bytes, random) {
    for (let n = 1 + random.below(6); n > 0; n -= 1) bytes[random.below(bytes.length)] = random.oneOf(edges);
    return bytes;
  },
  setHeader(bytes, random) {
    const [at, length] = random.oneOf(headerFields);
    random.bytes(length).copy(bytes, at);
    return bytes;
  },
  fillFields(bytes, random) {
    const [from, end] = random.oneOf([[snameAt, fileAt], [fileAt, fileEnd], [snameAt, fileEnd]] as const);
    random.bytes(end - from).copy(bytes, from);
    return bytes;
  },
  truncate: (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  lengthen: (bytes, random) => Buffer.concat([bytes, random.below(2) === 0 ? random.bytes(random.below(1_200)) : Buffer.alloc(random.below(1_200))]),
  lieAboutLength(bytes, random) {
    const options = split(bytes);
    let at = optionsAt;
    for (let n = random.below(options.length + 1); n > 0; n -= 1) at += 2 + (options[n - 1]?.value.length ?? 0);
    if (at + 1 < bytes.length) bytes[at + 1] = random.oneOf(edges);
    return bytes;
  },
  shuffle: change((options, random) => {
    for (let i = options.length - 1; i > 0; i -= 1) {
      const j = random.below(i + 1);
      [options[i], options[j]] = [options[j] as Option, options[i] as Option];
    }
    return options;
  }),
  drop: change((options, random) => options.filter(() => random.below(4) > 0)),
  duplicate: change((options, random) =>
    options.length === 0 ? options : [...options, ...Array.from({ length: 1 + random.below(5) }, () => random.oneOf(options))]),
  pileUp: change((options, random) => {
    const option = options.length === 0 || random.below(2) === 0 ? some(random) : random.oneOf(options);
    return [...options, ...Array.from({ length: 1 + random.below(400) }, () => option)];
  }),
  addOptions: change((options, random) => {
    for (let n = 1 + random.below(3); n > 0; n -= 1) options.splice(random.below(options.length + 1), 0, some(random));
    return options;
  }),
  changeValue: change((options, random) => {
    const at = random.below(options.length);
    const option = options[at];
    return option === undefined ? options : options.with(at, { code: option.code, value: some(random).value });
  }),
  longValue: change((options, random) => {
    const most = random.below(20) === 0 ? 60_000 : 2_000;
    return [...options, { code: random.oneOf(telling), value: random.bytes(random.below(most)) }];
  }),
  cross: change((options, random, other) =>
    [...options.slice(0, random.below(options.length + 1)), ...split(other).slice(random.below(4))]),
  /** Option 52 with fields that name each other, and are full of options themselves (RFC 2132 §9.3). */
  overload(bytes, random) {
    if (bytes.length < optionsAt) return bytes;
    const { code, value } = some(random);
    const field = Buffer.concat([Buffer.of(52, 1, random.below(5), code, random.oneOf(edges)), value, Buffer.of(52, 1, 3)]);
    for (const [from, end] of [[snameAt, fileAt], [fileAt, fileEnd]] as const) if (random.below(3) > 0) field.copy(bytes, from, 0, end - from);
    return join(bytes, [{ code: 52, value: Buffer.of(random.below(6)) }, ...split(bytes)]);
  },
  /** Sub-options whose lengths may lie, in what has sub-options (RFC 2132 §8.4, RFC 3046 §2.0). */
  subOptions: change((options, random) => {
    const subs = Array.from({ length: 1 + random.below(12) }, () => {
      const value = random.bytes(random.below(9));
      return Buffer.concat([Buffer.of(random.below(14), random.below(6) === 0 ? random.oneOf(edges) : value.length), value]);
    });
    return [...options.filter(() => random.below(5) > 0), { code: random.oneOf([43, 82, 124, 125, 175]), value: Buffer.concat(subs) }];
  }),
  /** Names that point at each other (RFC 1035 §4.1.4 in options 119 and 81). */
  pointers: change((options, random) => {
    const value = Buffer.alloc(2 * (1 + random.below(500)));
    for (let at = 0; at < value.length; at += 2) value.writeUInt16BE(0xc000 | random.below(value.length), at);
    return [...options, { code: random.oneOf([81, 119]), value }];
  }),
};
