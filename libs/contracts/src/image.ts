/** An operating system image: bytes named by their hash, kept by the region and fetched by racks. */
import { Type, type Static } from 'typebox';
import { Sha256, Timestamp, Token } from './primitives.ts';

export const ImageFormat = Type.Union([Type.Literal('raw'), Type.Literal('rootfs'), Type.Literal('iso'), Type.Literal('file')]);
export const ImageCompression = Type.Union([Type.Literal('zstd'), Type.Literal('gzip'), Type.Literal('xz'), Type.Literal('none')]);

export const Image = Type.Object({
  id: Token, name: Type.String({ minLength: 1, maxLength: 200 }), os: Token, release: Type.String({ maxLength: 64 }),
  architecture: Type.Union([Type.Literal('amd64'), Type.Literal('arm64')]),
  /** `raw`: a whole disk with its partition table; `rootfs`: a tar of a root file system with a kernel in /boot; `iso`: an installer's
   *  disc, whose files racks serve at /images/<sha256>/tree/; `file`: a kernel, initrd or overlay of installer profiles. The last two
   *  are written to no disk. */
  format: ImageFormat, compression: ImageCompression,
  sizeBytes: Type.Integer({ minimum: 1 }), sha256: Sha256, addedAt: Timestamp,
  /** The account ssh keys are for. */
  defaultUser: Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$' }),
});
export type Image = Static<typeof Image>;
