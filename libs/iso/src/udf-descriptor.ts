/** Descriptors of UDF: their tag (ECMA-167 3/7.2), names and times. Pure. */
import { bytesOf, IsoError, utf16 } from './source.ts';

export const tagId = {
  anchor: 2, pointer: 3, partition: 5, logicalVolume: 6, terminating: 8, fileSet: 256, fileIdentifier: 257, allocationExtent: 258, indirect: 259,
  fileEntry: 261, extendedFileEntry: 266,
} as const;
export const tagBytes = 16;

/** True where these bytes are a descriptor that was written to this block: checksum, location and CRC agree. */
export function isDescriptor(view: DataView, block: number): boolean {
  if (view.byteLength < tagBytes || view.getUint32(12, true) !== block) return false;
  let sum = 0;
  for (let at = 0; at < tagBytes; at += 1) if (at !== 4) sum += view.getUint8(at);
  if ((sum & 0xff) !== view.getUint8(4) || view.getUint16(0, true) === 0) return false;
  const length = view.getUint16(10, true);
  return tagBytes + length <= view.byteLength && crc(bytesOf(view, tagBytes, length)) === view.getUint16(8, true);
}

/** The tag's identifier. Throws malformed where there is no descriptor. */
export function descriptorId(view: DataView, block: number, { what, at }: { what: string; at: number }): number {
  if (!isDescriptor(view, block)) throw new IsoError('malformed', `${what} is damaged: its tag does not fit`, at);
  return view.getUint16(0, true);
}

/** CRC-16 with the polynomial 0x1021, from 0 (ECMA-167 1/7.2.6). */
function crc(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) {
    value ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) value = ((value << 1) ^ (value & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return value;
}

/** OSTA CS0 (UDF §2.1.1): the first byte says whether a character has one byte or two. */
export function decodeName(bytes: Buffer): string {
  const rest = bytes.subarray(1);
  return bytes[0] === 16 ? utf16(rest) : rest.toString('latin1');
}

/** ECMA-167 1/7.3: a zone in minutes (-2047 says nothing), then year to second. Undefined for a year that is not from 1 to 9999, which HTTP has no words for. */
export function decodeTime(view: DataView, at: number): Date | undefined {
  const zone = (view.getInt16(at, true) << 20) >> 20;
  const [month, day] = [view.getUint8(at + 4), view.getUint8(at + 5)];
  if (month === 0 || day === 0) return undefined;
  const local = Date.UTC(view.getInt16(at + 2, true), month - 1, day, view.getUint8(at + 6), view.getUint8(at + 7), view.getUint8(at + 8));
  const time = new Date(local - (zone === -2047 ? 0 : zone * 60_000));
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9999 ? time : undefined; // NaN is neither
}
