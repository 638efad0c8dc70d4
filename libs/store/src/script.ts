/** Lua scripts by their hash: sent in full only where the server does not know them yet (a new or restarted one). */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Connection } from './connection.ts';

/** `numberOfKeys` is fixed where it is said; arguments are text or whole numbers. */
export type ScriptDefinition = { name: string; numberOfKeys?: number; lua: string };
export type Script = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/** Throws on a wrong number of keys (a defect), STORE_UNREACHABLE, and the server's own words when the script is wrong. */
export function bindScript(connection: Pick<Connection, 'guard'>, definition: ScriptDefinition): Script {
  const { name, numberOfKeys, lua } = definition;
  const hash = createHash('sha1').update(lua).digest('hex');
  return async (keys, args) => {
    if (numberOfKeys !== undefined && keys.length !== numberOfKeys) throw new Error(`script ${name} takes ${numberOfKeys} keys, not ${keys.length}`);
    return connection.guard((redis) => evaluate(redis, { hash, lua }, keys.length, [...keys, ...args]));
  };
}

async function evaluate(redis: Redis, { hash, lua }: { hash: string; lua: string }, numberOfKeys: number, rest: (string | number)[]): Promise<unknown> {
  try {
    return await redis.evalsha(hash, numberOfKeys, ...rest);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return redis.eval(lua, numberOfKeys, ...rest);
  }
}
