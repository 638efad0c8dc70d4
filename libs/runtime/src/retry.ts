/** Trying again until it works: what a service does about a world that is not there yet. */
import { systemClock, wait, type Clock } from './clock.ts';
import type { Logger } from './logger.ts';

const firstMs = 200;
const lastMs = 10_000;

/** The wait before try number `attempt` (from 1): 0.2 s doubling to 10 s, of which a random half is taken off. `dice` gives [0, 1). */
export function backoffMs(attempt: number, dice: () => number = Math.random): number {
  const ceiling = Math.min(lastMs, firstMs * 2 ** Math.min(attempt - 1, 20));
  return Math.round(ceiling * (0.5 + dice() / 2));
}

/**
 * Calls `fn` until it resolves and returns what it gave. Every failure is logged: the first and each new reason as a
 * warning, the same reason again at debug. Rejects only with the signal's reason, once that aborts.
 */
export async function retryForever<T>(
  log: Pick<Logger, 'warn' | 'debug' | 'info'>, what: string, fn: (attempt: number) => Promise<T>,
  options: { signal?: AbortSignal; clock?: Clock } = {},
): Promise<T> {
  let lastReason: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    options.signal?.throwIfAborted();
    try {
      const result = await fn(attempt);
      if (attempt > 1) log.info({ what, attempt }, 'worked after retries');
      return result;
    } catch (error) {
      options.signal?.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      const retryInMs = backoffMs(attempt);
      log[reason === lastReason ? 'debug' : 'warn']({ what, attempt, reason, retryInMs }, 'failed, trying again');
      lastReason = reason;
      await wait(options.clock ?? systemClock, retryInMs, options.signal);
    }
  }
}
