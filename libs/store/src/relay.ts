/**
 * The relay: takes rows out of the outbox and gives them to the bus, in order, one process at a time for each prefix.
 * A row is removed only after the bus acknowledged it, so a crash anywhere publishes some rows twice (with the same
 * event ids) and none never.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from './connection.ts';
import type { Log } from './log.ts';
import { outboxKey, readOutboxStats, type OutboxStats } from './outbox.ts';
import type { RelayBus } from './relay-bus.ts';
import { openLock, type Lock, type Term } from './relay-lock.ts';
import { openRemoval } from './relay-removal.ts';
import { batchLimits, lanesOf, parseEntry, pickTogether, type StoredRow } from './relay-rows.ts';
import { openSender, type Sent } from './relay-send.ts';
import type { Store } from './store.ts';

export type RelayStats = OutboxStats & { holdsLock: boolean; published: number; buried: number };
export type Relay = {
  /** Publishes no further row, waits for those under way and gives the lock away. */
  stop(): Promise<void>;
  /** Resolves once the outbox is empty, whoever empties it. Rejects with STORE_UNREACHABLE. */
  drained(): Promise<void>;
  /** For metrics; asks the server. */
  stats(): Promise<RelayStats>;
};

type Options = { store: Store; bus: RelayBus; log: Log; lockMs?: number; batch?: number };
type Running = Options & { lock: Lock; batch: number; stopping: AbortSignal; counts: { holdsLock: boolean; published: number; buried: number } };

const blockMs = 5_000;
const pollMs = 200;
/**
 * How long rows are gathered while they keep coming. Longer would cost nats-server less (bench/facts.bench.ts) and stop everything else in
 * this process for longer: with 100 ms an exchange of DHCP took 750 ms on average at 4,500 a second, with 20 ms it takes 35 ms.
 */
const gatherMs = 20;

/** Starts at once and goes on until stopped. `lockMs` (5 s) is how long a dead relay's rows wait for the next one. */
export function startRelay(options: Options): Relay {
  const stopper = new AbortController();
  const running: Running = {
    ...options, lock: openLock(options.store, options.lockMs ?? 5_000), batch: options.batch ?? 512,
    stopping: stopper.signal, counts: { holdsLock: false, published: 0, buried: 0 },
  };
  const ended = relayForEver(running);
  return {
    async stop() {
      stopper.abort(new Error('the relay stops'));
      await ended;
    },
    async drained() {
      while ((await readOutboxStats(options.store)).backlog > 0) await sleep(20);
    },
    stats: async () => ({ ...await readOutboxStats(options.store), ...running.counts }),
  };
}

async function relayForEver(running: Running): Promise<void> {
  while (!running.stopping.aborted) {
    try {
      const answer = await running.lock.tryAcquire();
      if ('term' in answer) await holdTerm(running, answer.term);
      else await pause(answer.waitMs, running.stopping);
    } catch (error) {
      running.log.debug({ reason: String(error) }, 'relay waits for the store');
      await pause(500, running.stopping);
    }
  }
}

async function holdTerm(running: Running, term: Term): Promise<void> {
  const { log, counts, store } = running;
  const waiter = openWaiter(store);
  counts.holdsLock = true;
  log.debug({ fence: term.fence }, 'relay has the lock');
  try {
    await publishUntilOver(running, term, waiter);
  } catch (error) {
    const why: unknown = term.lost.aborted ? term.lost.reason : error;
    if (!running.stopping.aborted) log.warn({ reason: why instanceof Error ? why.message : String(why) }, 'relay ended its term');
  } finally {
    counts.holdsLock = false;
    await Promise.all([waiter.close(), term.release().catch((error: unknown) => log.debug({ reason: String(error) }, 'relay lock left to run out'))]);
  }
}

async function publishUntilOver(running: Running, term: Term, waiter: Waiter): Promise<void> {
  const { store, batch, stopping } = running;
  const over = AbortSignal.any([stopping, term.lost]);
  const publisher = openPublisher(running, term, over);
  const gather = openGathering(batch, over);
  while (!over.aborted) {
    const entries = await store.redis.xrange(outboxKey(store), '-', '+', 'COUNT', batch);
    if (entries.length === 0) await waiter.rowsAdded(over);
    else await publishRows(entries.map(parseEntry), publisher);
    await gather(entries.length);
  }
  term.lost.throwIfAborted();
}

/** While rows keep coming, some milliseconds' worth of them are read at once. The first rows after a rest do not wait. */
function openGathering(batch: number, over: AbortSignal): (rows: number) => Promise<void> {
  let lastReadMs = 0;
  return async (rows) => {
    const waitMs = lastReadMs + gatherMs - performance.now();
    if (rows > 0 && rows < batch && waitMs > 1) await pause(waitMs, over);
    lastReadMs = performance.now();
  };
}

type Publisher = {
  send(stored: StoredRow): Promise<Sent>;
  takeOut(stored: StoredRow, sent: Sent): Promise<void>;
  /** False: nothing is known to be stored, each row has to be sent by itself. */
  sendTogether(rows: readonly StoredRow[]): Promise<boolean>;
  takeOutTogether(rows: readonly StoredRow[], all: boolean): Promise<void>;
};

/** What can goes in one batch, in the order of the outbox; the rest, and a batch that was refused, row by row. */
async function publishRows(rows: readonly StoredRow[], publisher: Publisher): Promise<void> {
  const together = pickTogether(rows);
  if (together.length === 0 || !await publisher.sendTogether(together)) return publishEach(rows, publisher);
  const all = together.length === rows.length;
  await publisher.takeOutTogether(together, all);
  if (all) return;
  const done = new Set(together);
  await publishEach(rows.filter((stored) => !done.has(stored)), publisher);
}

/** All rows at once, but each is sent after the earlier ones that share a lane with it. */
async function publishEach(rows: readonly StoredRow[], publisher: Publisher): Promise<void> {
  const tails = new Map<string, Promise<Sent>>();
  const all = rows.map((stored) => {
    const lanes = lanesOf(stored);
    const sent = Promise.all(lanes.map((lane) => tails.get(lane))).then(() => publisher.send(stored));
    for (const lane of lanes) tails.set(lane, sent);
    return sent.then((outcome) => publisher.takeOut(stored, outcome));
  });
  const failed = (await Promise.allSettled(all)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** All reject, with the rows still there, when the term is over. */
function openPublisher(running: Running, term: Term, over: AbortSignal): Publisher {
  const { store, bus, log, counts } = running;
  const sender = openSender(bus, term, log);
  const removal = openRemoval(store, term, over);
  return {
    send: (stored) => sender.send(stored, over),
    sendTogether: (rows) => sender.sendTogether(rows),
    async takeOutTogether(rows, all) {
      const last = rows.at(-1);
      if (all && last !== undefined) await removal.removeUpTo(last.id);
      else await Promise.all(rows.map(({ id }) => removal.remove(id)));
      counts.published += rows.length;
    },
    async takeOut(stored, sent) {
      if (sent.ok) {
        await removal.remove(stored.id);
        counts.published += 1;
        return;
      }
      await removal.bury(stored, sent.poison);
      counts.buried += 1;
      log.error({ reason: sent.poison, row: stored.text.slice(0, 2_000) }, 'outbox row can never be published, put aside in outbox-dead');
    },
  };
}

type Waiter = { rowsAdded(signal: AbortSignal): Promise<void>; close(): Promise<void> };

/** Wakes at once for a row of this process, and by a blocking read for one of another process. */
function openWaiter(store: Store): Waiter {
  const connection = store.openBlocking();
  let wake = (): void => {};
  let blocked: Promise<void> | undefined;
  const unsubscribe = store.onRowsAdded(() => wake());
  return {
    async rowsAdded(signal) {
      if (signal.aborted) return;
      const woken = new Promise<void>((resolve) => { wake = resolve; });
      const onAbort = (): void => wake();
      signal.addEventListener('abort', onAbort, { once: true });
      blocked ??= blockForRow(connection, store, signal).finally(() => { blocked = undefined; });
      await Promise.race([woken, blocked]);
      signal.removeEventListener('abort', onAbort);
    },
    async close() {
      unsubscribe();
      connection.redis.disconnect();
      await connection.close();
    },
  };
}

/** Reads from the beginning, as `$` would miss a row that came between the last look and this one. */
async function blockForRow(connection: Connection, store: Store, signal: AbortSignal): Promise<void> {
  try {
    if (!connection.ready().ready) await Promise.race([connection.whenReady(), pause(pollMs, signal)]);
    await connection.guard((redis) => redis.xread('COUNT', 1, 'BLOCK', blockMs, 'STREAMS', outboxKey(store), '0-0'));
  } catch (error) {
    store.log.debug({ reason: String(error) }, 'relay polls the outbox');
    await pause(pollMs, signal);
  }
}

/** Waits, and ends early without an error when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch((error: unknown) => { if (!signal.aborted) throw error; });
