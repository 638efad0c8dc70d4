/**
 * OAuth 1.0 as cloud-init's MAAS data source and its reporting speak it: PLAINTEXT in the Authorization header (RFC 5849 §3.4.4, §3.5.1).
 * Pure. Timestamp and nonce are not looked at: a machine without a clock says 1970, and the header is a password in any case.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { parseNodeId, type NodeId } from '@ironbus/contracts';

/** Made anew for each deployment attempt; the consumer's own secret is empty, as MAAS's is. */
export type Credentials = { consumerKey: string; tokenKey: string; tokenSecret: string };

/** The consumer key says whose it is, so that no index is needed: `<node>.<random>`. */
export const consumerKeyOf = (node: NodeId, random: string): string => `${node}.${random}`;
export const nodeOf = ({ consumerKey }: Credentials): NodeId | undefined => parseNodeId(/^([^.]+)\.[A-Za-z0-9_-]+$/.exec(consumerKey)?.[1] ?? '');

/** What the ledger keeps of them. */
export const hashCredentials = ({ consumerKey, tokenKey, tokenSecret }: Credentials): string =>
  createHash('sha256').update(JSON.stringify([consumerKey, tokenKey, tokenSecret])).digest('hex');

export const areThese = (given: Credentials, hash: string): boolean => timingSafeEqual(Buffer.from(hashCredentials(given)), Buffer.from(hash));

/** Undefined for anything but one complete PLAINTEXT header of version 1.0 without a consumer secret. Never throws. */
export function parseOauth(header: string | undefined): Credentials | undefined {
  const scheme = /^OAuth\s+(.{1,4096})$/i.exec(header ?? '');
  const pairs = (scheme?.[1] ?? '').split(',').map((pair) => /^\s*([a-z_]+)="([^"]*)"\s*$/.exec(pair));
  if (pairs.includes(null)) return undefined;
  const said = new Map(pairs.map((pair) => [pair?.[1] ?? '', decoded(pair?.[2] ?? '')]));
  if (said.size !== pairs.length || said.get('oauth_signature_method') !== 'PLAINTEXT' || (said.get('oauth_version') ?? '1.0') !== '1.0') return undefined;
  const [consumerKey, tokenKey, signature] = [said.get('oauth_consumer_key'), said.get('oauth_token'), said.get('oauth_signature')];
  // The signature is both secrets, each encoded, joined by "&": ours has nothing before it.
  if (!consumerKey || !tokenKey || signature === undefined || !/^&./.test(signature)) return undefined;
  const tokenSecret = decoded(signature.slice(1));
  return tokenSecret === undefined ? undefined : { consumerKey, tokenKey, tokenSecret };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
