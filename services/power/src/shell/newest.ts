/**
 * Which request of each node is the newest, heard live: one that is waiting or under way is given up for it. Requests are
 * carried out in order all the same, so a request that was not heard live costs time and nothing else.
 */
import type { Event, powerRequested } from '@ironbus/contracts';
import { Superseded } from '../core/answer.ts';

export type Newest = ReturnType<typeof createNewest>;

export function createNewest() {
  const newest = new Map<string, number>();
  const running = new Map<string, { sequence: number; controller: AbortController }>();
  const compare = (node: string): void => {
    const [heard, current] = [newest.get(node) ?? 0, running.get(node)];
    if (current !== undefined && heard > current.sequence) current.controller.abort(new Superseded(heard));
  };
  return {
    /** Asking for the state supersedes nothing. */
    hear({ subject, data }: Pick<Event<typeof powerRequested>, 'subject' | 'data'>): void {
      if (data.action === 'status' || data.sequence <= (newest.get(subject) ?? 0)) return;
      newest.set(subject, data.sequence);
      compare(subject);
    },
    /** The signal aborts with `Superseded` as soon as a newer request is heard of. */
    async during<T>(node: string, sequence: number, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
      const controller = new AbortController();
      running.set(node, { sequence, controller });
      compare(node);
      try {
        return await task(controller.signal);
      } finally {
        running.delete(node);
      }
    },
  };
}
