/** Taking published rows out of the outbox, and poison ones into the dead stream: both only under the fence. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deadKey, outboxKey } from './outbox.ts';
import { fenceKey, type Term } from './relay-lock.ts';
import type { StoredRow } from './relay-rows.ts';
import type { Store } from './store.ts';

const keptDead = 10_000;
const removeLua = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
return redis.call('XDEL', KEYS[2], unpack(ARGV, 2))
`;
/** Everything up to and with one row: where nothing older is left to publish. */
const trimLua = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
return redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2])
`;
const buryLua = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('XDEL', KEYS[2], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ${keptDead}, '*', 'row', ARGV[3], 'lane', ARGV[4], 'reason', ARGV[5], 'id', ARGV[2])
return 1
`;

export type Removal = {
  /** Resolves once the row is out; rows that come while a call is under way share the next one. Rejects when the fence is lost. */
  remove(id: string): Promise<void>;
  /** Takes out this row and every older one. */
  removeUpTo(id: string): Promise<void>;
  bury(stored: StoredRow, reason: string): Promise<void>;
};

/** Waits for a server that is away, but not once `over` has aborted. */
export function openRemoval(store: Store, term: Term, over: AbortSignal): Removal {
  const remove = store.script('outbox-remove', { keys: 2, lua: removeLua });
  const trim = store.script('outbox-trim', { keys: 2, lua: trimLua });
  const bury = store.script('outbox-bury', { keys: 3, lua: buryLua });
  let waiting: string[] = [];
  let next: Promise<void> | undefined;
  let current: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    await current.catch(ignoreEarlier);
    const ids = waiting;
    waiting = [];
    next = undefined;
    current = fenced(over, () => remove([fenceKey(store), outboxKey(store)], [term.fence, ...ids]));
    await current;
  };
  return {
    remove(id) {
      waiting.push(id);
      next ??= flush();
      return next;
    },
    removeUpTo: (id) => fenced(over, () => trim([fenceKey(store), outboxKey(store)], [term.fence, idAfter(id)])),
    bury: (stored, reason) => fenced(over, () =>
      bury([fenceKey(store), outboxKey(store), deadKey(store)], [term.fence, stored.id, stored.text, stored.lane, reason])),
  };
}

/** The smallest stream id above one (`<ms>-<number>`). */
const idAfter = (id: string): string => id.replace(/\d+$/, (number) => String(BigInt(number) + 1n));

/** Each call reports its own failure to its own rows. */
const ignoreEarlier = (error: unknown): void => { if (!(error instanceof Error)) throw error; };

/** A server that is away is asked again until `over`. */
async function fenced(over: AbortSignal, step: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      if (await step() === -1) throw new Error('the relay lock was lost: another process has it');
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'STORE_UNREACHABLE') throw error;
      await sleep(100, undefined, { signal: over });
    }
  }
}
