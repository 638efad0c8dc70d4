/** Encapsulated sub-options: code, length, value, as in options 43, 82 and 175 (RFC 2132 §8.4, RFC 3046 §2.0). */

export type SubOption = { code: number; value: Uint8Array };

/** How an area treats code 0 and 255: 43 and 175 have pad and end (RFC 2132 §8.4), 82 has not (RFC 3046 §2.0). */
export type Padding = 'pad-and-end' | 'none';

/** Reads sub-options in wire order, repeated codes kept; undefined when a length runs over the end. */
export function decodeSubOptions(bytes: Uint8Array, padding: Padding = 'pad-and-end'): SubOption[] | undefined {
  const found: SubOption[] = [];
  let at = 0;
  while (at < bytes.length) {
    const code = bytes[at] ?? 0;
    if (padding === 'pad-and-end' && code === 0) {
      at++;
      continue;
    }
    if (padding === 'pad-and-end' && code === 255) break;
    const length = bytes[at + 1];
    if (length === undefined || at + 2 + length > bytes.length) return undefined;
    found.push({ code, value: bytes.subarray(at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return found;
}

/** Writes sub-options in order; one longer than 255 bytes throws RangeError (there is no splitting inside). */
export function encodeSubOptions(subOptions: readonly SubOption[], end = false): Uint8Array {
  const length = subOptions.reduce((sum, sub) => sum + 2 + sub.value.length, end ? 1 : 0);
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { code, value } of subOptions) {
    if (!Number.isInteger(code) || code < 0 || code > 255) throw new RangeError(`sub-option code ${code} is not in 0..255`);
    if (value.length > 255) throw new RangeError(`sub-option ${code} has ${value.length} bytes, more than 255`);
    bytes[at] = code;
    bytes[at + 1] = value.length;
    bytes.set(value, at + 2);
    at += 2 + value.length;
  }
  if (end) bytes[at] = 255;
  return bytes;
}

/** The first sub-option with this code. */
export function findSubOption(subOptions: readonly SubOption[] | undefined, code: number): Uint8Array | undefined {
  return subOptions?.find((sub) => sub.code === code)?.value;
}
