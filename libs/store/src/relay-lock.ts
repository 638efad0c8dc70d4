/**
 * Which process relays: a lock that expires, and a fence that outlives it. The holder writes its token where only the
 * next holder overwrites it, and every removal compares it, so that a holder that slept through its lock's end (a
 * stopped process, a long pause) can't take out rows any more.
 */
import { randomUUID } from 'node:crypto';
import type { Store } from './store.ts';
import type { Script } from './script.ts';

const acquireLua = `
local waits = redis.call('PTTL', KEYS[1])
if waits ~= -2 then return { 0, waits } end
local token = redis.call('INCR', KEYS[3]) .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
redis.call('SET', KEYS[2], token)
return { 1, token }
`;
const renewLua = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;
const releaseLua = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

/** One time of holding the lock. */
export type Term = {
  readonly fence: string;
  /** Aborts when the lock is lost or could not be renewed in time. */
  readonly lost: AbortSignal;
  /** Asks the server whether the lock is still ours, and extends it. Throws when it is not, or nobody answers. */
  confirm(): Promise<void>;
  /** Throws when the lock ran out by this process' own clock. */
  assertHeld(): void;
  /** Ends the renewing and gives the lock away, if it can. */
  release(): Promise<void>;
};

export const fenceKey = (store: Pick<Store, 'key'>): string => store.key('relay', 'fence');
const lockKey = (store: Pick<Store, 'key'>): string => store.key('relay', 'lock');

export type Lock = { tryAcquire(): Promise<{ term: Term } | { waitMs: number }> };

export function openLock(store: Store, lockMs: number): Lock {
  const acquire = store.script('relay-acquire', { keys: 3, lua: acquireLua });
  const scripts = { renew: store.script('relay-renew', { keys: 1, lua: renewLua }), release: store.script('relay-release', { keys: 1, lua: releaseLua }) };
  return {
    async tryAcquire() {
      const askedAt = performance.now();
      const [got, answer] = await acquire([lockKey(store), fenceKey(store), store.key('relay', 'count')], [randomUUID(), lockMs]) as [number, number | string];
      if (got === 1) return { term: openTerm(store, scripts, { fence: String(answer), lockMs, askedAt }) };
      return { waitMs: Math.min(lockMs / 10, Math.max(10, Number(answer) + 1)) };
    },
  };
}

function openTerm(store: Store, scripts: { renew: Script; release: Script }, held: { fence: string; lockMs: number; askedAt: number }): Term {
  const { fence, lockMs } = held;
  const lost = new AbortController();
  let validUntil = held.askedAt + lockMs;
  const lose = (why: string): void => { if (!lost.signal.aborted) lost.abort(new Error(`the relay lock was lost: ${why}`)); };
  const assertHeld = (): void => {
    if (performance.now() >= validUntil) lose('it ran out');
    lost.signal.throwIfAborted();
  };
  const confirm = async (): Promise<void> => {
    const askedAt = performance.now();
    const renewed = await scripts.renew([lockKey(store)], [fence, lockMs]);
    if (renewed === 1) validUntil = askedAt + lockMs;
    else lose('another process has it');
    assertHeld();
  };
  const timer = setInterval(() => {
    confirm().catch((error: unknown) => {
      store.log.debug({ reason: String(error) }, 'relay lock not renewed');
      if (performance.now() >= validUntil) lose('it could not be renewed in time');
    });
  }, lockMs / 3);
  lost.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  return {
    fence, lost: lost.signal, confirm, assertHeld,
    async release() {
      clearInterval(timer);
      if (lost.signal.aborted) return;
      await scripts.release([lockKey(store)], [fence]);
      lose('it was given away');
    },
  };
}
