/**
 * Secrets for one rack: X25519 with an ephemeral key (RFC 7748), HKDF-SHA256 (RFC 5869), AES-256-GCM. The additional data
 * is `<bucket>/<key>`, so that a sealed value can not be moved to another machine's key. Sealing proves nothing about
 * who sealed: the bucket has one writer, by NATS permissions.
 */
import {
  createCipheriv, createDecipheriv, createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, randomBytes, type KeyObject,
} from 'node:crypto';
import { IronbusError, type RackId, type Sealed } from '@ironbus/contracts';

const context = 'ironbus sealed v1';
const ivBytes = 12;
const tagBytes = 16;

/** Seals a JSON value to a rack's public key (base64 of its raw 32 bytes). Throws on a key that is none: a caller's mistake. */
export function seal(publicKeyBase64: string, rack: RackId, aad: string, value: unknown): Sealed {
  const recipient = importRaw(publicKeyBase64);
  const ephemeral = generateKeyPairSync('x25519');
  const iv = randomBytes(ivBytes);
  const key = deriveKey(ephemeral.privateKey, recipient, [exportRaw(ephemeral.publicKey), exportRaw(recipient)]);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(aad, 'utf8'));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return {
    rack, ephemeralKey: exportRaw(ephemeral.publicKey).toString('base64'), iv: iv.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'), ciphertext: ciphertext.toString('base64'),
  };
}

/**
 * Opens what `seal` made, with the rack's private key (PEM, PKCS #8) and the same additional data; the caller checks the
 * value's shape. Throws POWER_SEAL_UNREADABLE where the key, the additional data or any byte differs.
 */
export function open(privateKeyPem: string, aad: string, sealed: Sealed): unknown {
  try {
    const privateKey = createPrivateKey(privateKeyPem);
    const ephemeral = importRaw(sealed.ephemeralKey);
    const key = deriveKey(privateKey, ephemeral, [exportRaw(ephemeral), exportRaw(createPublicKey(privateKey))]);
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(sealed.iv, 'base64'), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(aad, 'utf8'));
    decipher.setAuthTag(Buffer.from(sealed.tag, 'base64'));
    return JSON.parse(Buffer.concat([decipher.update(Buffer.from(sealed.ciphertext, 'base64')), decipher.final()]).toString('utf8')) as unknown;
  } catch (cause) {
    throw new IronbusError('POWER_SEAL_UNREADABLE', `${aad} is sealed to another key than this rack’s, or was changed`, { cause });
  }
}

/** A new rack key: the PEM stays on the rack, the public half (base64 of 32 bytes) goes to the region. */
export function generateRackKey(): { privateKeyPem: string; publicKey: string } {
  const pair = generateKeyPairSync('x25519');
  return { privateKeyPem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), publicKey: exportRaw(pair.publicKey).toString('base64') };
}

/** Both public keys are in the salt, so that a key belongs to this exchange only. */
function deriveKey(privateKey: KeyObject, publicKey: KeyObject, [ephemeral, recipient]: [Buffer, Buffer]): Buffer {
  const shared = diffieHellman({ privateKey, publicKey });
  return Buffer.from(hkdfSync('sha256', shared, Buffer.concat([ephemeral, recipient]), context, 32));
}

function importRaw(base64: string): KeyObject {
  const raw = Buffer.from(base64, 'base64');
  if (raw.length !== 32) throw new Error('an X25519 public key is 32 bytes in base64');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') }, format: 'jwk' });
}

const exportRaw = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
