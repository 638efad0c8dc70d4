/** API keys and join tokens in Redis, by their hash. */
import { IronbusError } from '@ironbus/contracts';
import type { Store } from '@ironbus/store';
import { hashKey, newJoinToken, newKey, type Identity } from '../core/keys.ts';

const joinTokenSeconds = 3600;

/** KEYS: token. ARGV: who uses it. Gives what was there before; a spent token stays for as long as an open one would. */
const spendScript = `
local found = redis.call('GET', KEYS[1])
if found == 'open' then redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL') end
return found`;

export type KeyStore = ReturnType<typeof createKeyStore>;

export function createKeyStore(store: Store) {
  const redis = store.redis;
  const spend = store.defineScript({ name: 'api-spend-join-token', numberOfKeys: 1, lua: spendScript });
  const keyName = (key: string): string => store.key('key', hashKey(key));
  const joinName = (token: string): string => store.key('join', hashKey(token));
  const remember = (key: string, identity: Identity): Promise<unknown> =>
    redis.hset(keyName(key), { user: identity.user, role: identity.role, createdAt: new Date().toISOString() });

  return {
    /**
     * The administrator's key: the given one, in place of the one given or made before it; else a new one, where none was
     * ever made. Gives it back only the one time it is new.
     */
    async firstAdmin(given: string | undefined): Promise<string | undefined> {
      const slot = store.key('first-admin');
      const key = given ?? newKey();
      if (given === undefined && await redis.exists(slot) === 1) return undefined;
      await remember(key, { user: 'admin', role: 'admin' });
      const before = given === undefined ? null : await redis.get(slot);
      const won = await (given === undefined ? redis.set(slot, hashKey(key), 'NX') : redis.set(slot, hashKey(key))) === 'OK';
      if (!won) await redis.del(keyName(key));
      if (before !== null && before !== hashKey(key)) await redis.del(store.key('key', before));
      return won && given === undefined ? key : undefined;
    },

    async identify(key: string): Promise<Identity | undefined> {
      const { user, role } = await redis.hgetall(keyName(key));
      return user === undefined || role === undefined ? undefined : { user, role: role as Identity['role'] };
    },

    /** A rack has one key: the one before it no longer counts. */
    async issueForRack(rack: string): Promise<string> {
      const key = newKey();
      await remember(key, { user: `rack-${rack}`, role: 'rack' });
      const slot = store.key('rack-key', rack);
      const before = await redis.get(slot);
      await redis.set(slot, hashKey(key));
      if (before !== null) await redis.del(store.key('key', before));
      return key;
    },

    /** A token that lets one rack in. A given one (installations on one host) does not expire until it is used. */
    async joinToken(given?: string): Promise<string> {
      const token = given ?? newJoinToken();
      if (given === undefined) await redis.set(joinName(token), 'open', 'EX', joinTokenSeconds);
      else await redis.set(joinName(token), 'open', 'NX');
      return token;
    },

    /** Spends a token on a rack and its key. The same rack with the same key may present it again: its answer may have been lost. */
    async spendJoinToken(token: string, use: string): Promise<void> {
      const found = await spend([joinName(token)], [use]);
      if (found === 'open' || found === use) return;
      throw new IronbusError('RACK_TOKEN', found === null
        ? 'this join token is unknown or has expired: make a new one with "ironbus rack token"'
        : 'this join token was used by another rack or with another key: make a new one with "ironbus rack token"');
    },
  };
}
