/**
 * Looks for deadlines that have passed and gives each to the same decision as everything else. Any replica may do it, once it has heard for a
 * while: a deadline says that nothing came, which whoever was away can not know.
 */
import { IronbusError } from '@ironbus/contracts';
import { wait, type Clock } from '@ironbus/runtime';
import { dueDeadlines, type Deadline } from '@ironbus/store';
import { advanceNode } from './advance-node.ts';
import type { Hands } from './hands.ts';

const batch = 200;

/** True once `hears` was true at every call for `graceMs`. */
export function createPatience({ clock, graceMs, hears }: { clock: Clock; graceMs: number; hears: () => boolean }): () => boolean {
  let deafAt = clock.now().getTime();
  return () => {
    const now = clock.now().getTime();
    if (!hears()) deafAt = now;
    return now - deafAt >= graceMs;
  };
}

export type Watching = { pollMs: number; mayPass: () => boolean; signal: AbortSignal };

/** Goes on until the signal aborts; what the world does wrong is logged and tried again. */
export async function watchDeadlines(hands: Hands, { pollMs, mayPass, signal }: Watching): Promise<void> {
  while (!signal.aborted) {
    try {
      if (mayPass()) await passDue(hands, signal);
    } catch (error) {
      if (!(error instanceof IronbusError)) throw error;
      hands.log.warn({ reason: error.code, err: error }, 'deadlines were not handled, trying again');
    }
    await wait(hands.clock, pollMs, signal).catch((error: unknown) => { if (!signal.aborted) throw error; });
  }
}

async function passDue(hands: Hands, signal: AbortSignal): Promise<void> {
  for (const deadline of await dueDeadlines(hands.store, hands.clock.now().getTime(), batch)) {
    if (signal.aborted) return;
    await pass(hands, deadline);
  }
}

const pass = (hands: Hands, { key, name, atMs }: Deadline): Promise<void> =>
  advanceNode(hands, { kind: 'deadline', name, atMs }, { id: `deadline:${key}:${name}:${atMs}`, key, context: {} });
