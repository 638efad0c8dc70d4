/** A live tail: a core subscription. It misses what happens while disconnected; order is promised by the log only. */
import type { Subscription as NatsSubscription } from '@nats-io/transport-node';
import type { Event } from '@ironbus/contracts';
import type { Link, Session } from './connect.ts';
import { decodeEvent, type Incoming } from './messages.ts';
import type { Count, Subscription } from './types.ts';

export type TailHandler = (event: Event, subject: string) => void | Promise<void>;

/** Calls `handler` for each event on the subjects. Messages that are no events are counted and skipped. */
export function tail(link: Link, subjects: string | readonly string[], handler: TailHandler, count: Count): Subscription & { whenLive(): Promise<void> } {
  const live = Promise.withResolvers<void>();
  let current: NatsSubscription[] = [];
  const receive = async (message: Incoming): Promise<void> => {
    const decoded = decodeEvent(message);
    if (!decoded.ok) return count('message-invalid', { durable: 'tail' });
    try {
      await handler(decoded.event, message.subject);
    } catch (error) {
      link.log.error({ subject: message.subject, eventId: decoded.event.id, err: error }, 'a tail handler failed');
    }
  };
  const off = link.eachSession(({ nc, ended }: Session) => {
    const mine = [subjects].flat().map((subject) => nc.subscribe(subject, {
      callback: (error, msg) => error ? link.log.warn({ subject, reason: error.message }, 'a subscription was refused') : void receive(msg),
    }));
    current = mine;
    ended.addEventListener('abort', () => unsubscribe(mine));
    nc.flush().then(() => live.resolve(), (error: unknown) => link.log.debug({ err: error }, 'a tail starts anew'));
  });
  const stop = async (): Promise<void> => { off(); unsubscribe(current); };
  return { stop, whenLive: () => live.promise, [Symbol.asyncDispose]: stop };
}

function unsubscribe(subscriptions: readonly NatsSubscription[]): void {
  for (const subscription of subscriptions) if (!subscription.isClosed()) subscription.unsubscribe();
}
