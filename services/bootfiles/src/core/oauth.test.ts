import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeId } from '@ironbus/contracts';
import { areThese, consumerKeyOf, hashCredentials, nodeOf, parseOauth } from './oauth.ts';

const given = { consumerKey: 'k7x2mp.abc', tokenKey: 'token', tokenSecret: 'secret' };
/** As python3-oauthlib 3.2.2 writes it for cloud-init 22.4.2. */
const header = 'OAuth oauth_nonce="104", oauth_timestamp="12", oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="k7x2mp.abc", oauth_token="token", oauth_signature="%26secret"';

test('cloud-init’s header is read, whatever its timestamp says or whether it has one', () => {
  assert.deepEqual(parseOauth(header), given);
  assert.deepEqual(parseOauth(header.replace('oauth_timestamp="12", ', '')), given);
  assert.deepEqual(parseOauth(header.replace('OAuth ', 'oauth realm="",')), given);
  assert.deepEqual(parseOauth(header.replace('%26secret', '%26se%2520cret'))?.tokenSecret, 'se cret', 'a secret is encoded twice (RFC 5849 §3.4.4)');
});

for (const [what, bad] of [
  ['nothing', undefined], ['another scheme', 'Bearer abc'], ['another method', header.replace('PLAINTEXT', 'HMAC-SHA1')], ['another version', header.replace('"1.0"', '"2.0"')],
  ['no signature', header.replace(', oauth_signature="%26secret"', '')], ['no token', header.replace('oauth_token="token", ', '')], ['a consumer secret', header.replace('%26secret', 'x%26secret')],
  ['an empty secret', header.replace('%26secret', '%26')], ['a broken encoding', header.replace('%26secret', '%26%zz')], ['a field twice', `${header}, oauth_token="other"`],
  ['no quotes', header.replaceAll('"', '')], ['more than a header is long', `OAuth ${'a="b",'.repeat(2000)}`],
] as const) test(`${what} is no signature`, () => { assert.equal(parseOauth(bad), undefined); });

test('any text is read without throwing, and every cut of a header too', () => {
  for (let end = 0; end < header.length; end += 1) assert.equal(parseOauth(header.slice(0, end)), undefined);
});

test('credentials name their node and match their own hash only', () => {
  assert.equal(nodeOf({ ...given, consumerKey: consumerKeyOf('k7x2mp' as NodeId, 'a-_B') }), 'k7x2mp');
  for (const consumerKey of ['', '.x', 'k7x2mp', 'a.b.c', '../x.y']) assert.equal(nodeOf({ ...given, consumerKey }), undefined, consumerKey);
  const hash = hashCredentials(given);
  assert.ok(areThese(given, hash));
  for (const key of ['consumerKey', 'tokenKey', 'tokenSecret'] as const) assert.ok(!areThese({ ...given, [key]: `${given[key]}x` }, hash), key);
  assert.ok(!hash.includes('secret'));
});
