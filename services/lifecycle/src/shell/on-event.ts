/** Every fact and request that lifecycle reads, one after the other for each node. */
import type { LifecycleEvent } from '../core/record.ts';
import { advanceNode } from './advance-node.ts';
import type { Hands } from './hands.ts';

export async function onEvent(hands: Hands, event: LifecycleEvent): Promise<void> {
  const { nodeid, bootid, correlationid, traceparent } = event;
  await advanceNode(hands, { kind: 'event', event }, { id: event.id, key: event.subject, context: { nodeid, bootid, correlationid, traceparent } });
}
