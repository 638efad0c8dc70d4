/** What this rack remembers of power: the last answer per node (Redis), and in memory the last state seen and who is being switched. */
import type { PowerState } from '@ironbus/contracts';
import type { Store } from '@ironbus/store';
import type { Answered } from '../core/answer.ts';

export type Known = ReturnType<typeof createKnown>;

export function createKnown(store: Store) {
  const key = store.key('answered');
  /** Answers that Redis or the bus may not have yet: a request must not be carried out twice because one of them was away. */
  const untold = new Map<string, Answered>();
  const states = new Map<string, PowerState>();
  const busy = new Set<string>();
  return {
    async answered(node: string): Promise<Answered | undefined> {
      const stored = untold.get(node) ?? await store.redis.hget(key, node);
      return typeof stored === 'string' ? JSON.parse(stored) as Answered : stored ?? undefined;
    },
    /** In memory at once, whatever becomes of Redis. */
    async keep(node: string, answered: Answered): Promise<void> {
      untold.set(node, answered);
      await store.redis.hset(key, node, JSON.stringify(answered));
      if (answered.told) untold.delete(node);
    },
    note: (node: string, state: PowerState): void => void states.set(node, state),
    state: (node: string): PowerState | undefined => states.get(node),
    forget: (node: string): void => void states.delete(node),
    isBusy: (node: string): boolean => busy.has(node),
    async whileBusy<T>(node: string, task: () => Promise<T>): Promise<T> {
      busy.add(node);
      try {
        return await task();
      } finally {
        busy.delete(node);
      }
    },
  };
}
