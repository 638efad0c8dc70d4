/** How long to wait before the n-th try again: 0.2 s doubling to 10 s, less up to a fifth so that replicas part ways. */
import { setTimeout as sleep } from 'node:timers/promises';

export type BackOff = { firstMs: number; mostMs: number };

export const standardBackOff: BackOff = { firstMs: 200, mostMs: 10_000 };

/** Milliseconds before try `failures + 1`; `chance` is in [0, 1). */
export function backOffMs(failures: number, { firstMs, mostMs }: BackOff = standardBackOff, chance = Math.random()): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return Math.round(full * (1 - 0.2 * chance));
}

/** Waits, or returns at once when `signal` aborts. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
