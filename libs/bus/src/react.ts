/** Reactions: what a handler publishes because of an event names it as its cause, and has an id derived from it. */
import { reactionId, type DataOf, type Draft, type Event, type EventDefinition, type Context } from '@ironbus/contracts';

export type Reaction<D extends EventDefinition> = Context & {
  key: string; data: DataOf<D>;
  /** Tells several reactions of one type to one cause apart; 0 where there is one. */
  ordinal?: number | string;
};

/** A draft that is the same for every redelivery of `cause`; what the reaction states itself wins over the cause's. */
export function react<D extends EventDefinition>(cause: Event, definition: D, reaction: Reaction<D>): Draft<D> {
  const { ordinal = 0, ...own } = reaction;
  return {
    ...own,
    id: reactionId(cause.id, definition.type, ordinal),
    causationid: cause.id,
    correlationid: own.correlationid ?? cause.correlationid ?? cause.id,
    nodeid: own.nodeid ?? cause.nodeid,
    bootid: own.bootid ?? cause.bootid,
    traceparent: own.traceparent ?? cause.traceparent,
  };
}
