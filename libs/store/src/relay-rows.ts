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
