/**
 * Bytes to text and back for protocols that say "ASCII" and are sent UTF-8: ASCII and UTF-8 are read as such,
 * anything else as Latin-1, so no byte string is refused.
 */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

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

function readWide(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return bytes.toString('latin1');
    throw error;
  }
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
