/**
 * The outbox: what has to be published because of a change, written by the very script that makes the change. Rows sit
 * in the stream `<prefix>:outbox` until JetStream has them; only the relay takes them out.
 */
import type { Envelope } from '@ironbus/contracts';
import type { Store } from './store.ts';

/** With `after`, the relay puts the revision of that key's latest value into `data.policyRevision` before it publishes. */
export type EventRow = { kind: 'event'; event: Envelope; after?: { bucket: string; key: string } };
/** `value: null` deletes the key. */
export type KvRow = { kind: 'kv'; bucket: string; key: string; value: unknown };
export type Row = EventRow | KvRow;

export const outboxKey = (store: Pick<Store, 'key'>): string => store.key('outbox');
export const deadKey = (store: Pick<Store, 'key'>): string => store.key('outbox-dead');

/**
 * Put before a script's own text: defines `add_rows(outbox, lane, rows)`, where `outbox` is the key from `outboxKey`,
 * `rows` the text from `encodeRows`, and rows of one `lane` (e.g. a record's key) are published strictly in order;
 * and `add_row(outbox, lane, row)` for the text of one row.
 */
export const outboxLua = `
local function add_row(outbox, lane, row) redis.call('XADD', outbox, '*', 'lane', lane, 'row', row) end
local function add_rows(outbox, lane, rows)
  for _, row in ipairs(cjson.decode(rows)) do add_row(outbox, lane, row) end
end
`;

/** Rows as one script argument: a JSON list of JSON texts, so that Lua passes on every row byte for byte. */
export const encodeRows = (rows: readonly Row[]): string => JSON.stringify(rows.map((row) => JSON.stringify(row)));

export type OutboxStats = { backlog: number; oldestAgeMs: number; dead: number };

/** How much waits to be published, for how long (0 when nothing does), and how many rows were given up. */
export async function readOutboxStats(store: Store, now: Date = new Date()): Promise<OutboxStats> {
  const [backlog, oldest, dead] = await Promise.all([
    store.redis.xlen(outboxKey(store)), store.redis.xrange(outboxKey(store), '-', '+', 'COUNT', 1), store.redis.xlen(deadKey(store)),
  ]);
  const addedAtMs = Number(oldest[0]?.[0].split('-')[0] ?? now.getTime());
  return { backlog, oldestAgeMs: Math.max(0, now.getTime() - addedAtMs), dead };
}

export type DeadRow = { id: string; row: string; reason: string; lane: string };

/** The rows that the bus refused, oldest first. */
export async function readDeadRows(store: Store, limit: number): Promise<DeadRow[]> {
  const rows = await store.redis.xrange(deadKey(store), '-', '+', 'COUNT', limit);
  return rows.map(([id, fields]) => ({ id, row: field(fields, 'row'), reason: field(fields, 'reason'), lane: field(fields, 'lane') }));
}

const requeueLua = `
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])) do
  local fields = {}
  for at = 1, #entry[2], 2 do fields[entry[2][at]] = entry[2][at + 1] end
  redis.call('XADD', KEYS[2], '*', 'lane', fields['lane'], 'row', fields['row'])
  redis.call('XDEL', KEYS[1], entry[1])
end
return redis.call('XLEN', KEYS[1])
`;

/** Puts rows that were given up back into the outbox, oldest first, once their cause is repaired; returns how many are left. */
export async function requeueDeadRows(store: Store, limit: number): Promise<number> {
  const left = await store.script('outbox-requeue', { keys: 2, lua: requeueLua })([deadKey(store), outboxKey(store)], [limit]);
  store.rowsAdded();
  return Number(left);
}

/** One field of a stream entry; empty when it is not there. */
export function field(fields: readonly string[], name: string): string {
  const at = fields.findIndex((text, index) => index % 2 === 0 && text === name);
  return at < 0 ? '' : (fields[at + 1] ?? '');
}
