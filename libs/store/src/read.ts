/** Reading records, indexes and deadlines. Every function throws STORE_UNREACHABLE. */
import { deadlinesKey, recordKey } from './commit.ts';
import type { Store } from './store.ts';

export type StoredRecord<Value = unknown> = { key: string; value: Value; version: number };

/** The record as last committed; undefined when there is none. The caller names the type it wrote. */
export async function read<Value = unknown>(store: Store, key: string): Promise<StoredRecord<Value> | undefined> {
  const [version, json] = await store.recordFields(recordKey(store, key));
  if (version === null || json === null) return undefined;
  return { key, value: JSON.parse(json) as Value, version: Number(version) };
}

/** In the order of the keys; undefined where there is no record. One round trip. */
export const readMany = <Value = unknown>(store: Store, keys: readonly string[]): Promise<(StoredRecord<Value> | undefined)[]> =>
  Promise.all(keys.map((key) => read<Value>(store, key)));

/** Keys of records in byte order, a page at a time: give the last key as `after` for the next page. */
export function listKeys(store: Store, options: { startingWith?: string; after?: string; limit?: number } = {}): Promise<string[]> {
  const { startingWith = '', after, limit = 1_000 } = options;
  const from = after === undefined ? (startingWith === '' ? '-' : `[${startingWith}`) : `(${after}`;
  const to = startingWith === '' ? '+' : Buffer.concat([Buffer.from(`(${startingWith}`), Buffer.from([0xff])]);
  return store.redis.zrangebylex(store.key('keys'), from, to, 'LIMIT', 0, limit);
}

/** Every record whose key starts so, in byte order, read page by page. */
export async function* readAll<Value = unknown>(store: Store, startingWith = ''): AsyncGenerator<StoredRecord<Value>> {
  for (let after: string | undefined; ;) {
    const keys = await listKeys(store, { startingWith, ...(after !== undefined && { after }), limit: 500 });
    for (const record of await readMany<Value>(store, keys)) if (record !== undefined) yield record;
    after = keys.at(-1);
    if (after === undefined) return;
  }
}

/** The id that an index (`mac:525400770001`) leads to. */
export async function lookup(store: Store, index: string): Promise<string | undefined> {
  const colon = index.indexOf(':');
  return await store.redis.hget(store.key('index', index.slice(0, colon)), index.slice(colon + 1)) ?? undefined;
}

/** Every entry of one kind of index, value to id; `match` is a glob over the values. Reads in steps, so it is no snapshot. */
export async function scanIndex(store: Store, kind: string, match = '*'): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let cursor = '0';
  do {
    const [next, fields] = await store.redis.hscan(store.key('index', kind), cursor, 'MATCH', match, 'COUNT', 1_000);
    for (let at = 0; at + 1 < fields.length; at += 2) found.set(String(fields[at]), String(fields[at + 1]));
    cursor = next;
  } while (cursor !== '0');
  return found;
}

export type Deadline = { key: string; name: string; atMs: number };

/** Deadlines at or before `nowMs`, oldest first. They stay until a commit clears or moves them. */
export async function dueDeadlines(store: Store, nowMs: number, limit: number): Promise<Deadline[]> {
  const flat = await store.redis.zrangebyscore(deadlinesKey(store), '-inf', nowMs, 'WITHSCORES', 'LIMIT', 0, limit);
  return Array.from({ length: flat.length / 2 }, (_, index) => parseDeadline(String(flat[index * 2]), Number(flat[index * 2 + 1])));
}

/** When the next deadline is, in Unix milliseconds; undefined when there is none. */
export async function nextDeadlineAt(store: Store): Promise<number | undefined> {
  const [, score] = await store.redis.zrange(deadlinesKey(store), 0, '0', 'WITHSCORES');
  return score === undefined ? undefined : Number(score);
}

function parseDeadline(member: string, atMs: number): Deadline {
  const bar = member.lastIndexOf('|');
  return { key: member.slice(0, bar), name: member.slice(bar + 1), atMs };
}
