/**
 * Bytes to text and back for protocols that say "ASCII" and are sent UTF-8: ASCII and UTF-8 are read as such,
 * anything else as Latin-1, so no byte string is refused.
 */
import { isUtf8 } from 'node:buffer';

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads bytes [start, end) as UTF-8 when they are that, as Latin-1 otherwise. */
export function readText(bytes: Buffer, start: number, end: number): string {
  for (let i = start; i < end; i++) {
    if ((bytes[i] ?? 0) > 0x7f) return readWide(bytes.subarray(start, end));
  }
  return bytes.toString('latin1', start, end);
}

/** Asks first: a decoder that throws takes microseconds for each text, and a packet may hold thousands of them (fuzzed). */
function readWide(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

/** As readText, without the trailing NULs that some senders add (RFC 2132 §2 tells receivers to strip them). */
export function readTrimmedText(bytes: Buffer, start: number, end: number): string {
  let last = end;
  while (last > start && bytes[last - 1] === 0) last--;
  return readText(bytes, start, last);
}

/** Reads a NUL-terminated field of fixed size; what follows the NUL is ignored. */
export function readField(bytes: Buffer, start: number, end: number): string {
  if (bytes[start] === 0) return '';
  let last = start;
  while (last < end && bytes[last] !== 0) last++;
  return readText(bytes, start, last);
}
