/** Changing one record: state, unique indexes, deadlines and outbox rows together, or nothing. */
import { commitLua } from './commit-lua.ts';
import { encodeRows, outboxKey, type Row } from './outbox.ts';
import type { Script } from './script.ts';
import type { Store } from './store.ts';

export type Change = {
  key: string;
  /** What the caller read; 0 = the record must not exist. */
  expectedVersion: number;
  /** The new version, greater than the expected one; by default one more. For keys that may come back after a delete. */
  version?: number;
  /** The whole new value; null deletes the record with its indexes and deadlines. */
  value: unknown;
  /** `set`: index (`mac:525400770001`) to the id it leads to. An index that leads to another id already is `taken`. */
  indexes?: { set?: Readonly<Record<string, string>>; remove?: readonly string[] };
  /** `set`: name to Unix time in milliseconds. Names have no `|`. */
  deadlines?: { set?: Readonly<Record<string, number>>; clear?: readonly string[] };
  rows?: readonly Row[];
  /** The same id again (among the last 64 of this record) changes nothing and answers `already`. */
  requestId?: string;
};

export type Committed =
  | { ok: true; version: number; already?: true }
  | { ok: false; conflict: number }
  | { ok: false; taken: string; by: string };

const scripts = new WeakMap<Store, Script>();

/** One atomic step. Throws STORE_UNREACHABLE when the outcome is not known; with a `requestId` it is safe to call again. */
export async function commit(store: Store, change: Change): Promise<Committed> {
  assertChange(change);
  const keys = [recordKey(store, change.key), store.key('keys'), deadlinesKey(store), outboxKey(store), store.key('requests', change.key)];
  const reply = await commitScript(store)(keys, encodeChange(store, change));
  const committed = readReply(reply as [string, number | string, string?]);
  if (committed.ok && committed.already === undefined && change.rows !== undefined && change.rows.length > 0) store.rowsAdded();
  return committed;
}

export const recordKey = (store: Pick<Store, 'key'>, key: string): string => store.key('record', key);
export const deadlinesKey = (store: Pick<Store, 'key'>): string => store.key('deadlines');

function commitScript(store: Store): Script {
  const script = scripts.get(store) ?? store.script('commit', { keys: 5, lua: commitLua });
  scripts.set(store, script);
  return script;
}

function encodeChange(store: Store, change: Change): (string | number)[] {
  const { key, expectedVersion, value, indexes = {}, deadlines = {}, rows = [] } = change;
  return [
    store.prefix, key, expectedVersion, change.version ?? expectedVersion + 1, change.requestId ?? '',
    value === null ? '1' : '0', JSON.stringify(value), encodeRows(rows),
    ...pairs(indexes.set), ...list(indexes.remove), ...pairs(deadlines.set), ...list(deadlines.clear),
  ];
}

function pairs(record: Readonly<Record<string, string | number>> = {}): (string | number)[] {
  const entries = Object.entries(record);
  return [entries.length, ...entries.flat()];
}

const list = (names: readonly string[] = []): (string | number)[] => [names.length, ...names];

function readReply([outcome, first, second]: [string, number | string, string?]): Committed {
  switch (outcome) {
    case 'ok': return { ok: true, version: Number(first) };
    case 'already': return { ok: true, version: Number(first), already: true };
    case 'conflict': return { ok: false, conflict: Number(first) };
    case 'taken': return { ok: false, taken: String(first), by: String(second) };
    default: throw new Error(`commit script answered ${outcome}`);
  }
}

/** A caller's mistake is a defect: nothing was sent. */
function assertChange(change: Change): void {
  const { key, expectedVersion, version, value, indexes, deadlines } = change;
  if (key === '') throw new Error('commit: the key is empty');
  if (!Number.isSafeInteger(expectedVersion) || expectedVersion < 0) throw new Error(`commit ${key}: expectedVersion ${expectedVersion}`);
  if (version !== undefined && !(Number.isSafeInteger(version) && version > expectedVersion)) throw new Error(`commit ${key}: version ${version} is not above ${expectedVersion}`);
  if (value === undefined) throw new Error(`commit ${key}: the value is undefined; null deletes`);
  for (const index of [...Object.keys(indexes?.set ?? {}), ...(indexes?.remove ?? [])]) {
    if (!/^[^:]+:.+$/s.test(index)) throw new Error(`commit ${key}: index ${index} is not <kind>:<value>`);
  }
  for (const [name, atMs] of Object.entries(deadlines?.set ?? {})) {
    if (name.includes('|') || !Number.isFinite(atMs)) throw new Error(`commit ${key}: deadline ${name} at ${atMs}`);
  }
}
