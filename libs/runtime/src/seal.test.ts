import assert from 'node:assert/strict';
import { createCipheriv, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import type { RackId, Sealed } from '@ironbus/contracts';
import { generateRackKey, open, seal } from './seal.ts';

const rack = 'rack1' as RackId;
const value = { password: 'pässword', port: 623 };
const mine = generateRackKey();

test('what is sealed opens with the key and the name it was sealed for', () => {
  const sealed = seal(mine.publicKey, rack, 'bmc/k7x2mp', value);
  assert.equal(sealed.rack, rack);
  assert.deepEqual(open(mine.privateKeyPem, 'bmc/k7x2mp', sealed), value);
  assert.doesNotMatch(JSON.stringify(sealed), /password/);
});

test('the same value is sealed differently every time', () => {
  const [one, two] = [seal(mine.publicKey, rack, 'a', value), seal(mine.publicKey, rack, 'a', value)];
  for (const field of ['ephemeralKey', 'iv', 'ciphertext'] as const) assert.notEqual(one[field], two[field]);
});

test('another key, another name, or any changed byte is refused', () => {
  const sealed = seal(mine.publicKey, rack, 'bmc/k7x2mp', value);
  const refused = (pem: string, aad: string, given: Sealed): void => assert.throws(() => open(pem, aad, given), { code: 'POWER_SEAL_UNREADABLE' });
  refused(generateRackKey().privateKeyPem, 'bmc/k7x2mp', sealed);
  refused(mine.privateKeyPem, 'bmc/other', sealed);
  refused('no key', 'bmc/k7x2mp', sealed);
  for (const field of ['ephemeralKey', 'iv', 'tag', 'ciphertext'] as const) {
    const bytes = Buffer.from(sealed[field], 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at);
      refused(mine.privateKeyPem, 'bmc/k7x2mp', { ...sealed, [field]: changed.toString('base64') });
    }
    refused(mine.privateKeyPem, 'bmc/k7x2mp', { ...sealed, [field]: bytes.subarray(1).toString('base64') });
  }
});

test('a public key that is none is a caller’s mistake', () => {
  assert.throws(() => seal('c2hvcnQ=', rack, 'a', value), /32 bytes/);
});

/** The exchange of RFC 7748 §6.1, sealed here step by step, so that the format can not change unnoticed. */
test('the format: RFC 7748 keys, HKDF over both public keys, AES-256-GCM', () => {
  const alice = keyFrom('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
  const bob = keyFrom('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
  const shared = diffieHellman({ privateKey: alice.privateKey, publicKey: createPublicKey(bob.privateKey) });
  assert.equal(shared.toString('hex'), '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
  const key = Buffer.from(hkdfSync('sha256', shared, Buffer.concat([alice.publicRaw, bob.publicRaw]), 'ironbus sealed v1', 32));
  const iv = Buffer.alloc(12, 7);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from('bmc/k7x2mp'));
  const ciphertext = Buffer.concat([cipher.update('{"a":1}'), cipher.final()]);
  const base64 = (bytes: Buffer): string => bytes.toString('base64');
  const sealed = { rack, ephemeralKey: base64(alice.publicRaw), iv: base64(iv), tag: base64(cipher.getAuthTag()), ciphertext: base64(ciphertext) };
  const pem = bob.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  assert.deepEqual(open(pem, 'bmc/k7x2mp', sealed), { a: 1 });
});

/** PKCS #8 of a raw X25519 private key (RFC 8410 §7). */
function keyFrom(hex: string): { privateKey: ReturnType<typeof createPrivateKey>; publicRaw: Buffer } {
  const privateKey = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), Buffer.from(hex, 'hex')]), format: 'der', type: 'pkcs8' });
  return { privateKey, publicRaw: Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '', 'base64url') };
}
