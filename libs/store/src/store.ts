/**
 * One service's place in Redis: everything under `<prefix>:`, written by scripts that change state and outbox together.
 * How much survives a power cut is Redis' `appendfsync`: `always` answers after the write is on disk, `everysec` may
 * lose the last second although it was acknowledged.
 */
import type { Redis } from 'ioredis';
import { openConnection, type Connection } from './connection.ts';
import type { Log, Ready } from './log.ts';
import { readRecordsLua, readTogether, type RecordFields } from './read-together.ts';
import { bindScript, type Script, type ScriptDefinition } from './script.ts';

const commands = [
  'get', 'mget', 'set', 'del', 'exists', 'incr', 'pexpire', 'pttl', 'hget', 'hmget', 'hgetall', 'hset', 'hdel', 'hscan', 'hlen',
  'sadd', 'srem', 'smembers', 'sismember', 'zadd', 'zrem', 'zscore', 'zcard', 'zrange', 'zrangebyscore', 'zrangebylex', 'xlen', 'xrange',
] as const;
/** The plain commands a service may use beside its scripts; same errors as scripts. */
export type PlainCommands = Pick<Redis, (typeof commands)[number]>;

export type Store = {
  readonly prefix: string;
  readonly log: Log;
  readonly redis: PlainCommands;
  /** For `read`: the fields of a record by its whole key. */
  recordFields(key: string): Promise<RecordFields>;
  /** `<prefix>:<part>:<part>`. */
  key(...parts: string[]): string;
  ready(): Ready;
  /** How often the server was lost. What was read or written before may be gone: it has to be read again. */
  losses(): number;
  whenReady(): Promise<void>;
  script(name: string, definition: { keys: number; lua: string }): Script;
  defineScript(definition: ScriptDefinition): Script;
  /** Tells the relay of this process that a script of one's own added outbox rows; `commit` does so by itself. */
  rowsAdded(): void;
  onRowsAdded(listener: () => void): () => void;
  /** A second connection, for reads that block. */
  openBlocking(): Connection;
  close(): Promise<void>;
};

/** Returns at once; connects in the background for ever. Commands reject with STORE_UNREACHABLE while there is no server. */
export function openStore(options: { url: string; prefix: string; log: Log }): Store {
  const { url, prefix, log } = options;
  if (!/^[a-z0-9][a-z0-9-]*$/.test(prefix)) throw new Error(`store prefix ${prefix} is not [a-z0-9-]`);
  const connection = openConnection({ url, log });
  const listeners = new Set<() => void>();
  return {
    prefix, log,
    redis: guardCommands(connection),
    recordFields: readTogether(bindScript(connection, { name: 'read-records', lua: readRecordsLua })),
    key: (...parts) => [prefix, ...parts].join(':'),
    ready: connection.ready,
    losses: connection.losses,
    whenReady: connection.whenReady,
    script: (name, { keys, lua }) => bindScript(connection, { name, numberOfKeys: keys, lua }),
    defineScript: (definition) => bindScript(connection, definition),
    rowsAdded: () => { for (const listener of listeners) listener(); },
    onRowsAdded: (listener) => { listeners.add(listener); return () => { listeners.delete(listener); }; },
    openBlocking: () => openConnection({ url, log: quiet(log), blocking: true }),
    close: connection.close,
  };
}

function guardCommands(connection: Connection): PlainCommands {
  const guarded = commands.map((name) => [name, (...args: unknown[]) =>
    connection.guard((redis) => (redis[name] as (...given: unknown[]) => Promise<unknown>)(...args))]);
  return Object.fromEntries(guarded) as PlainCommands;
}

/** The first connection already says what is wrong with the server. */
const quiet = (log: Log): Log => ({ debug: log.debug.bind(log), info: log.debug.bind(log), warn: log.debug.bind(log), error: log.error.bind(log) });
