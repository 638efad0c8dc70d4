/** Rows as the relay reads them, and which of them must wait for each other. Pure. */
import type { Envelope } from '@ironbus/contracts';
import { field, type Row } from './outbox.ts';

export type StoredRow = { id: string; lane: string; text: string; row: Row | undefined };

/** A stream entry; `row` is undefined when its text is no row. */
export function parseEntry([id, fields]: [string, string[]]): StoredRow {
  const text = field(fields, 'row');
  return { id, lane: field(fields, 'lane'), text, row: parseRow(text) };
}

/**
 * The lanes of a row: a row is published after every earlier row that shares one. Rows of one record, events of one
 * subject, puts of one key, and an event behind the put that it waits for.
 */
export function lanesOf(stored: StoredRow): string[] {
  const { row } = stored;
  const lanes = [`lane ${stored.lane}`];
  if (row?.kind === 'event') lanes.push(`event ${row.event.subject}`);
  if (row?.kind === 'event' && row.after !== undefined) lanes.push(kvLane(row.after.bucket, row.after.key));
  if (row?.kind === 'kv') lanes.push(kvLane(row.bucket, row.key));
  return lanes;
}

/** The event with `data.policyRevision`. */
export function withRevision(event: Envelope, revision: number): Envelope {
  return { ...event, data: { ...(event.data as object), policyRevision: revision } };
}

/** What may go out in one batch. Fewer rows go by themselves: a batch has a fixed price of some five syncs. */
export const batchLimits = { fewestRows: 16, mostRows: 1_000, mostBytes: 4_000_000 };

/**
 * The rows that can be published as one batch before all the others: events that wait for nothing, without an earlier
 * row in their lanes that is not in the batch itself. Empty when they are too few.
 */
export function pickTogether(rows: readonly StoredRow[], limits: typeof batchLimits = batchLimits): StoredRow[] {
  const picked: StoredRow[] = [];
  const blocked = new Set<string>();
  let bytes = 0;
  for (const stored of rows) {
    const fits = picked.length < limits.mostRows && bytes + stored.text.length <= limits.mostBytes;
    if (fits && isPlainEvent(stored) && (blocked.size === 0 || lanesOf(stored).every((lane) => !blocked.has(lane)))) {
      picked.push(stored);
      bytes += stored.text.length;
    } else for (const lane of lanesOf(stored)) blocked.add(lane);
  }
  return picked.length < limits.fewestRows ? [] : picked;
}

/** An event with its JSON as the row has it, so that nothing is written anew. */
export function eventOf({ row, text }: StoredRow): { event: Envelope; json?: string } {
  if (row?.kind !== 'event') throw new Error('the row is no event');
  const plain = text.startsWith(eventHead) && Object.keys(row).length === 2;
  return { event: row.event, ...(plain && { json: text.slice(eventHead.length, -1) }) };
}

const eventHead = '{"kind":"event","event":';
const isPlainEvent = ({ row }: StoredRow): boolean => row?.kind === 'event' && row.after === undefined;

const kvLane = (bucket: string, key: string): string => `kv ${bucket} ${key}`;

function parseRow(text: string): Row | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return isRow(value) ? value : undefined;
}

function isRow(value: unknown): value is Row {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const row = value as Record<string, unknown>;
  if (row['kind'] === 'kv') return typeof row['bucket'] === 'string' && typeof row['key'] === 'string' && 'value' in row;
  const event = row['event'] as Record<string, unknown> | null | undefined;
  return row['kind'] === 'event' && typeof event === 'object' && event !== null
    && typeof event['id'] === 'string' && typeof event['type'] === 'string' && typeof event['subject'] === 'string';
}
