/** From REDIS_URL to ioredis options. Pure. `redis-sentinel://[user:password@]host:26379,host:26379/<master>[/<db>]` goes by Sentinel. */
import type { RedisOptions } from 'ioredis';

const sentinelPattern = /^redis-sentinel:\/\/(?:([^:@/]*):([^@/]*)@)?([^/@]+)\/([A-Za-z0-9._-]+)(?:\/(\d+))?$/;

type SentinelOptions = Pick<RedisOptions, 'sentinels' | 'name' | 'username' | 'password' | 'db'>;

/** The URL to hand to ioredis, or the options that stand for it. Throws on a Sentinel URL that can't be read. */
export function readRedisUrl(url: string): { url: string } | { options: SentinelOptions } {
  if (!url.startsWith('redis-sentinel:')) return { url };
  const match = sentinelPattern.exec(url);
  if (match === null) throw new Error('a Sentinel URL is redis-sentinel://[user:password@]host:port,host:port/<master>[/<db>]');
  const [, user, password, hosts = '', name = '', db] = match;
  return {
    options: {
      sentinels: hosts.split(',').map(parseHost), name,
      ...(user !== undefined && user !== '' && { username: decodeURIComponent(user) }),
      ...(password !== undefined && { password: decodeURIComponent(password) }),
      ...(db !== undefined && { db: Number(db) }),
    },
  };
}

function parseHost(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  return colon < 0 ? { host: text, port: 26_379 } : { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
