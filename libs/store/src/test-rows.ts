/** Rows for the tests of this library. */
import type { EventId } from '@ironbus/contracts';
import type { EventRow } from './outbox.ts';
import type { Log } from './log.ts';

/** A row whose event says which it is of its key. */
export function eventRow(key: string, n: number): EventRow {
  return {
    kind: 'event',
    event: {
      specversion: '1.0', id: `${key}-${n}` as EventId, type: 'node.transitioned', source: '/region/lifecycle/test', subject: key,
      time: '2026-01-01T00:00:00.000Z', datacontenttype: 'application/json', dataschema: 'schemas/node.transitioned.json', data: { n, list: [] },
    },
  };
}

const nothing = (): void => {};
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A log that keeps `level: message reason`. */
export function keepingLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const write = (level: string) => (fields: object, message: string): void => {
    lines.push(`${level}: ${message} ${(fields as { reason?: string }).reason ?? ''}`);
  };
  return { lines, log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') } };
}
