/** API keys: 32 random bytes behind `ib_`; the region keeps SHA-256 only (a random key needs no slow hash). */
import { createHash, randomBytes } from 'node:crypto';

/** `rack` keys read images and nothing else. */
export type Identity = { user: string; role: 'admin' | 'user' | 'rack' };

export const newKey = (): string => `ib_${randomBytes(32).toString('base64url')}`;
export const newJoinToken = (): string => `ibjoin_${randomBytes(24).toString('base64url')}`;
export const hashKey = (key: string): string => createHash('sha256').update(key).digest('hex');

/** The key of an Authorization header, or undefined where there is none or it is not ours. */
export function bearerKey(header: string | undefined): string | undefined {
  return /^Bearer (ib_[A-Za-z0-9_-]{43})$/i.exec(header ?? '')?.[1];
}
