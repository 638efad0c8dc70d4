/** A secret that only one rack can open: X25519 with an ephemeral key, HKDF-SHA256, AES-256-GCM. Byte fields are base64. */
import { Type, type Static } from 'typebox';
import { RackIdText } from './primitives.ts';

export const Sealed = Type.Object({
  rack: RackIdText,
  ephemeralKey: Type.String({ maxLength: 64 }),
  iv: Type.String({ maxLength: 32 }),
  tag: Type.String({ maxLength: 32 }),
  ciphertext: Type.String({ maxLength: 1_000_000 }),
});
export type Sealed = Static<typeof Sealed>;
