/**
 * Bytes to DhcpMessage (RFC 951, 1542, 2131 §2, 2132; split options RFC 3396; overload RFC 2132 §9.3).
 * Never throws. The result keeps views of the given bytes, so they must not be reused while the message lives.
 * Not here: whether a message makes sense (a server's decision), and the values of options (getters.ts).
 */
import { formatIpv4 } from '../net.ts';
import { asBuffer, readField } from '../text.ts';
import type { DhcpMessage } from './messages.ts';
import { OptionMap } from './option-map.ts';

/** Why bytes are not a DHCP or BOOTP message; the same words are log fields and metric labels. */
export type DhcpMalformedReason = 'too-short' | 'bad-op' | 'bad-hlen' | 'option-without-length' | 'option-overruns';
export type DhcpMalformed = { ok: false; at: number; why: DhcpMalformedReason };
export type DhcpDecoded = { ok: true; message: DhcpMessage } | DhcpMalformed;

/** Byte offsets of the fixed header (RFC 2131 §2 figure 1). */
export const Header = { chaddr: 28, sname: 44, file: 108, cookie: 236, options: 240 } as const;
export const MAGIC_COOKIE = 0x63825363;

const PAD = 0;
const OVERLOAD = 52;
const END = 255;

/**
 * Decodes one datagram. A BOOTP packet without RFC 1497's cookie is ok and has no options; a missing end option is
 * forgiven; what follows the end is ignored. When it cannot, it returns the byte offset and the reason.
 */
export function decode(bytes: Uint8Array): DhcpDecoded {
  const b = asBuffer(bytes);
  if (b.length < Header.cookie) return { ok: false, at: b.length, why: 'too-short' };
  const op = b[0] ?? 0;
  const hlen = b[2] ?? 0;
  if (op !== 1 && op !== 2) return { ok: false, at: 0, why: 'bad-op' };
  if (hlen > 16) return { ok: false, at: 2, why: 'bad-hlen' };

  const cookie = b.length >= Header.options && b.readUInt32BE(Header.cookie) === MAGIC_COOKIE;
  const scan = new OptionScan(b);
  if (cookie) scan.message();
  if (scan.failure !== undefined) return scan.failure;
  return { ok: true, message: readMessage(b, { cookie, overload: scan.overload, options: scan.options() }) };
}

type Scanned = { cookie: boolean; overload: number; options: OptionMap };

function readMessage(b: Buffer, { cookie, overload, options }: Scanned): DhcpMessage {
  const hlen = b[2] ?? 0;
  const flags = b.readUInt16BE(10);
  return {
    op: b[0] ?? 0, htype: b[1] ?? 0, hlen, hops: b[3] ?? 0,
    xid: b.readUInt32BE(4), secs: b.readUInt16BE(8), flags, broadcast: flags >= 0x8000,
    ciaddr: formatIpv4(b.readUInt32BE(12)), yiaddr: formatIpv4(b.readUInt32BE(16)),
    siaddr: formatIpv4(b.readUInt32BE(20)), giaddr: formatIpv4(b.readUInt32BE(24)),
    chaddr: b.subarray(Header.chaddr, Header.chaddr + hlen),
    sname: (overload & 2) !== 0 ? '' : readField(b, Header.sname, Header.file),
    file: (overload & 1) !== 0 ? '' : readField(b, Header.file, Header.cookie),
    cookie, options,
  };
}

/** Which codes were met in the scan under way; cleared at its end, so that no scan allocates its own table. */
const met = new Uint8Array(256);

/** One pass over options, then file, then sname (the order of RFC 3396 §5), noting where each option lies. */
class OptionScan {
  readonly #b: Buffer;
  readonly #spans: number[] = [];
  #pieces: Map<number, number[]> | undefined;
  overload = 0;
  failure: DhcpMalformed | undefined;

  constructor(b: Buffer) {
    this.#b = b;
  }

  message(): void {
    this.#area(Header.options, this.#b.length, true);
    const which = this.overload;
    if ((which & 1) !== 0) this.#area(Header.file, Header.cookie, false);
    if ((which & 2) !== 0) this.#area(Header.sname, Header.file, false);
    for (let i = 0; i < this.#spans.length; i += 3) met[this.#spans[i] ?? 0] = 0;
  }

  options(): OptionMap {
    return new OptionMap({ source: this.#b, spans: this.#spans, pieces: this.#pieces });
  }

  #area(from: number, end: number, isMain: boolean): void {
    if (this.failure !== undefined) return;
    const b = this.#b;
    let at = from;
    while (at < end) {
      const code = b[at] ?? END;
      if (code === END) return;
      if (code === PAD) {
        at++;
        continue;
      }
      const start = at + 2;
      const next = start + (b[at + 1] ?? 0);
      if (start > end || next > end) {
        this.failure = start > end ? { ok: false, at, why: 'option-without-length' } : { ok: false, at: at + 1, why: 'option-overruns' };
        return;
      }
      this.#add(code, start, next);
      if (code === OVERLOAD && isMain && next === start + 1) this.overload = (b[start] ?? 0) & 3;
      at = next;
    }
  }

  #add(code: number, start: number, end: number): void {
    if (met[code] === 0) {
      met[code] = 1;
      this.#spans.push(code, start, end);
      return;
    }
    this.#pieces ??= new Map();
    const pieces = this.#pieces.get(code) ?? this.#firstPiece(code);
    pieces.push(start, end);
    this.#pieces.set(code, pieces);
  }

  #firstPiece(code: number): number[] {
    for (let i = 0; i < this.#spans.length; i += 3) {
      if (this.#spans[i] === code) return [this.#spans[i + 1] ?? 0, this.#spans[i + 2] ?? 0];
    }
    return [];
  }
}
