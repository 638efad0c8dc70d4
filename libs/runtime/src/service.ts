/** Services and their parts: started in order, stopped in reverse, each within a time limit that names what hangs. */
import { systemClock, type Clock } from './clock.ts';
import type { Logger } from './logger.ts';

/** `start` returns once it is up; `stop` drains and may be called once. */
export type Service = { start(): Promise<void>; stop(): Promise<void> };
/** A service with the name under which its failures are logged. */
export type Part = Service & { readonly name: string };
export type Limits = { startMs?: number; stopMs?: number; clock?: Clock };

const defaultStartMs = 30_000;
const defaultStopMs = 4_000;

type Draft = { name: string; start?: () => Promise<void> | void; stop?: () => Promise<void> | void };

/** A part from what it has: a part without `start` or `stop` does nothing there. */
export function createPart(draft: Draft): Part {
  return {
    name: draft.name,
    start: async () => { await draft.start?.(); },
    stop: async () => { await draft.stop?.(); },
  };
}

/** One service out of parts. A stop in the middle of the start ends that: no further part starts, and `start` rejects. */
export function composeParts(log: Logger, parts: readonly Part[], limits: Limits = {}): Service {
  const stopper = new AbortController();
  return {
    start: () => startAll(log, parts, limits, stopper.signal),
    stop: () => { stopper.abort(new Error('stopped before everything had started')); return stopAll(log, parts, limits); },
  };
}

/** Starts in order, until `signal` says that somebody stops the parts already. Where one fails or takes too long, it and those before it are stopped (so `stop` must bear a half start) and the error is thrown. */
export async function startAll(log: Logger, parts: readonly Part[], limits: Limits = {}, signal?: AbortSignal): Promise<void> {
  const limitMs = limits.startMs ?? defaultStartMs;
  for (const [index, part] of parts.entries()) {
    signal?.throwIfAborted();
    try {
      const outcome = await within(part.start(), limitMs, limits.clock);
      if (outcome === 'late') throw new Error(`${part.name} did not start within ${limitMs} ms`);
    } catch (error) {
      signal?.throwIfAborted();
      log.error({ part: part.name, err: error }, 'part did not start');
      await stopAll(log, parts.slice(0, index + 1), limits);
      throw error;
    }
  }
  signal?.throwIfAborted();
}

/** Stops in reverse order. Never throws: what fails or hangs is logged by name, and the others are stopped all the same. */
export async function stopAll(log: Logger, parts: readonly Part[], limits: Limits = {}): Promise<void> {
  const limitMs = limits.stopMs ?? defaultStopMs;
  for (const part of parts.toReversed()) {
    try {
      const outcome = await within(part.stop(), limitMs, limits.clock);
      if (outcome === 'late') log.error({ part: part.name, limitMs }, 'part hangs while stopping, going on without it');
    } catch (error) {
      log.error({ part: part.name, err: error }, 'part failed while stopping');
    }
  }
}

/** `'late'` when the promise has not settled after `ms`; the promise goes on, its later failure is not an unhandled one. */
export async function within<T>(promise: Promise<T>, ms: number, clock: Clock = systemClock): Promise<T | 'late'> {
  let cancel = (): void => {};
  const late = new Promise<'late'>((resolve) => { cancel = clock.setTimeout(ms, () => resolve('late')); });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}
