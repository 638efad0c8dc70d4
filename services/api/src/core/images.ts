/** What an upload claims to be, and what its first bytes say. */
import { Type, type Static } from 'typebox';
import { Image, type ImageCompression } from '@ironbus/contracts';

/** The query of POST /images. */
export const ImageQuery = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 200 }), format: Image.properties.format,
  os: Type.Optional(Image.properties.os), release: Type.Optional(Image.properties.release),
  architecture: Type.Optional(Image.properties.architecture), defaultUser: Type.Optional(Image.properties.defaultUser),
  id: Type.Optional(Image.properties.id), sha256: Type.Optional(Image.properties.sha256),
}, { additionalProperties: false });
export type ImageQuery = Static<typeof ImageQuery>;

type Compression = Static<typeof ImageCompression>;

/** Magic numbers: RFC 8878 §3.1.1, RFC 1952 §2.3.1, the .xz file format §2.1.1.1. */
export function detectCompression(head: Uint8Array): Compression {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, index) => head[index] === byte);
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  if (starts(0x1f, 0x8b)) return 'gzip';
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz';
  return 'none';
}

/** Formats that look like images and are not what the agent writes; a sentence for the person who sent them. */
export function foreignFormat(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.subarray(0, 8)).toString('latin1');
  if (text.startsWith('QFI\xfb')) return 'this is a qcow2 file: convert it first, "qemu-img convert -O raw in.qcow2 out.raw && zstd out.raw"';
  if (text.startsWith('KDMV')) return 'this is a VMDK file: convert it to raw first with qemu-img';
  if (text.startsWith('PK\x03\x04')) return 'this is a zip archive: unpack it and send the raw image or root file system';
  return undefined;
}

/** A token from a name, `Debian 12 (cloud)` → `debian-12-cloud`. */
export const idFromName = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+/, '').slice(0, 63).replace(/-+$/, '') || 'image';
