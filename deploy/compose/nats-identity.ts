/**
 * Who may do what on the bus, without a password: an operator and one account sign a JWT for each user (nats-server's
 * decentralised authentication, JWT version 2). Pure, but for the keys that `newKeys` makes.
 */
import { createAccount, createOperator, createUser, fromSeed, type KeyPair } from '@nats-io/nkeys';
import type { NatsPermissions } from '@ironbus/contracts';

/** Seeds as text, by what they are for; `at` is when they were made, in seconds since 1970. */
export type NatsKeys = { at: number; operator: string; account: string; system: string; users: Record<string, string> };

const seedOf = (pair: KeyPair): string => Buffer.from(pair.getSeed()).toString('utf8');
const pairOf = (seed: string): KeyPair => fromSeed(Buffer.from(seed));

export const newKeys = (at: number): NatsKeys => ({ at, operator: seedOf(createOperator()), account: seedOf(createAccount()), system: seedOf(createAccount()), users: {} });

/** The same keys, and a new one for each user that has none. */
export function withUsers(keys: NatsKeys, names: readonly string[]): NatsKeys {
  return { ...keys, users: { ...Object.fromEntries(names.map((name) => [name, seedOf(createUser())])), ...keys.users } };
}

/** The lines of nats-server's configuration that make it trust these keys; the same keys give the same text. */
export function serverTrust(keys: NatsKeys): string {
  const [operator, account, system] = [pairOf(keys.operator), pairOf(keys.account), pairOf(keys.system)];
  const token = (pair: KeyPair, name: string, limits: object): string =>
    `  ${pair.getPublicKey()}: ${sign(operator, keys.at, { name, sub: pair.getPublicKey(), nats: { type: 'account', limits } })}`;
  return [
    `operator: ${sign(operator, keys.at, { name: 'ironbus', sub: operator.getPublicKey(), nats: { type: 'operator' } })}`,
    'resolver: MEMORY',
    `system_account: ${system.getPublicKey()}`,
    'resolver_preload {',
    token(account, 'ironbus', { ...unlimited, mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }),
    token(system, 'system', unlimited),
    '}',
  ].join('\n');
}

/** The creds file of one user: its JWT and its seed. Throws for a user that has no key. */
export function credsFile(keys: NatsKeys, name: string, permissions: NatsPermissions): string {
  const seed = keys.users[name];
  if (seed === undefined) throw new RangeError(`there is no key for the NATS user ${name}`);
  const limits = { subs: -1, data: -1, payload: -1 };
  const nats = { type: 'user', ...limits, pub: allow(permissions.publish), sub: allow(permissions.subscribe) };
  const token = sign(pairOf(keys.account), keys.at, { name, sub: pairOf(seed).getPublicKey(), nats });
  return `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
}

const unlimited = { subs: -1, data: -1, payload: -1, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };

/** An empty allow list would allow everything. */
const allow = (subjects: readonly string[]): object => subjects.length === 0 ? { deny: ['>'] } : { allow: subjects };

type Claims = { name: string; sub: string; nats: object };

function sign(issuer: KeyPair, at: number, { name, sub, nats }: Claims): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { jti: name, iat: at, iss: issuer.getPublicKey(), name, sub, nats: { ...nats, version: 2 } };
  const body = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(claims)}`;
  return `${body}.${Buffer.from(issuer.sign(Buffer.from(body))).toString('base64url')}`;
}
