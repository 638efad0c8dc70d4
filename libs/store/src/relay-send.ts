/** Giving one row to the bus, for as long as it takes, while the lock is held. */
import { IronbusError } from '@ironbus/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.ts';
import type { KvRow } from './outbox.ts';
import type { RelayBus } from './relay-bus.ts';
import type { Term } from './relay-lock.ts';
import { eventOf, withRevision, type StoredRow } from './relay-rows.ts';

export type Sent = { ok: true } | { ok: false; poison: string };
export type Sender = {
  send(stored: StoredRow, signal: AbortSignal): Promise<Sent>;
  /** One try, all or none; false: send each by itself. Throws when the lock ran out. */
  sendTogether(rows: readonly StoredRow[]): Promise<boolean>;
};

const firstRetryMs = 100;
const lastRetryMs = 2_000;

/** A sender for one term: it knows the revisions that it wrote itself. */
export function openSender(bus: RelayBus, term: Term, log: Log): Sender {
  const revisions = new Map<string, number>();
  const outage = noteOutage(log);
  const once = async ({ row }: StoredRow): Promise<void> => {
    const state = bus.ready();
    if (!state.ready) throw new IronbusError('BUS_UNREACHABLE', state.why);
    if (row?.kind === 'kv') return putFenced(bus, term, revisions, row);
    if (row === undefined) throw new IronbusError('EVENT_INVALID', 'the row is no event and no value');
    await bus.publishEvent(row.after === undefined ? row.event : withRevision(row.event, await latestRevision(bus, revisions, row.after)));
  };
  return {
    async send(stored, signal) {
      for (let attempt = 1; ; attempt += 1) {
        signal.throwIfAborted();
        term.assertHeld();
        try {
          await once(stored);
          outage.end();
          return { ok: true };
        } catch (error) {
          const poison = poisonOf(error);
          if (poison !== undefined) return { ok: false, poison };
          outage.note(error);
        }
        await sleep(Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(attempt - 1, 10)), undefined, { signal });
      }
    },
    async sendTogether(rows) {
      term.assertHeld();
      if (bus.publishBatch === undefined || !bus.ready().ready) return false;
      const sent = await bus.publishBatch(rows.map(eventOf));
      if (!sent.ok) log.debug({ reason: sent.why, rows: rows.length }, 'no batch, each row by itself');
      return sent.ok;
    },
  };
}

/**
 * A put that a relay which lost its lock can't make: it is bound to a revision that was read while the lock was
 * confirmed *afterwards*. Whoever took the lock over in between has written, or will write, a newer revision.
 */
async function putFenced(bus: RelayBus, term: Term, revisions: Map<string, number>, row: KvRow): Promise<void> {
  const name = nameOf(row.bucket, row.key);
  let revision = revisions.get(name);
  revisions.delete(name);
  if (revision === undefined) {
    revision = await bus.getKvRevision(row.bucket, row.key);
    await term.confirm();
  }
  revisions.set(name, await bus.putKv(row.bucket, row.key, row.value, revision));
}

/** A replica of the bucket may answer with less than this relay itself has put. */
async function latestRevision(bus: RelayBus, revisions: ReadonlyMap<string, number>, { bucket, key }: { bucket: string; key: string }): Promise<number> {
  return Math.max(await bus.getKvRevision(bucket, key), revisions.get(nameOf(bucket, key)) ?? 0);
}

const nameOf = (bucket: string, key: string): string => `${bucket} ${key}`;

/** Why the row can never be published; undefined when trying again may help. */
function poisonOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'EVENT_INVALID' || code === 'EVENT_FOREIGN' ? `${code}: ${(error as Error).message}` : undefined;
}

/** One warning for an outage, however many rows wait, and one line for its end. */
function noteOutage(log: Log): { note(error: unknown): void; end(): void } {
  let reason: string | undefined;
  return {
    note(error) {
      const next = error instanceof Error ? error.message : String(error);
      log[next === reason ? 'debug' : 'warn']({ reason: next }, 'outbox row not published, trying again');
      reason = next;
    },
    end() {
      if (reason !== undefined) log.info({}, 'outbox rows are published again');
      reason = undefined;
    },
  };
}
