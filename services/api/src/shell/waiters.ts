/** Requests that wait for the fact they led to: matched by causationid on a plain subscription, so every replica sees all of them. */
import { dhcpProbed, nodeDiscovered, nodeRemoved, nodeRequestRefused, nodeTransitioned, nodeUpdated } from '@ironbus/contracts';
import type { Bus } from '@ironbus/bus';
import type { AnyEvent } from './context.ts';

const answers = [nodeDiscovered, nodeTransitioned, nodeUpdated, nodeRequestRefused, nodeRemoved, dhcpProbed].map((event) => `${event.type}.>`);

export type Waiters = ReturnType<typeof createWaiters>;

export function createWaiters(bus: Bus) {
  const waiting = new Map<string, Set<(event: AnyEvent) => void>>();
  const wake = (event: AnyEvent): void => { for (const done of waiting.get(event.causationid ?? '') ?? []) done(event); };
  const tail = bus.tail(answers, wake);

  return {
    /** Resolves once no answer can be missed any more. */
    whenLive: (): Promise<void> => tail.whenLive(),

    /** The first answer to a request, or undefined after `seconds` or `cancel`. Ask before publishing the request. */
    answerTo(requestId: string, seconds: number): { answer: Promise<AnyEvent | undefined>; cancel(): void } {
      const { promise, resolve } = Promise.withResolvers<AnyEvent | undefined>();
      const others = waiting.get(requestId) ?? new Set();
      waiting.set(requestId, others.add(resolve));
      const timer = setTimeout(resolve, seconds * 1000, undefined);
      const cancel = (): void => {
        clearTimeout(timer);
        others.delete(resolve);
        if (others.size === 0) waiting.delete(requestId);
        resolve(undefined);
      };
      return { answer: promise, cancel };
    },

    stop: (): Promise<void> => tail.stop(),
  };
}
