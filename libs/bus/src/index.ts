/** The face of @ironbus/bus. */
export { openBus, ensureTopology, type Bus, type BusOptions } from './bus.ts';
export { react, type Reaction } from './react.ts';
export { standardLimits, type Limits, type Topology } from './topology.ts';
export type { Consume, Consuming, Meta } from './consume.ts';
export type { Lane } from './lanes.ts';
export type { DeadLetter, DeadReason } from './dead-letters.ts';
export type { History, HistoryHandler, HistoryMeta, HistoryOptions } from './history.ts';
export type { Bucket } from './kv.ts';
export type { ObserveLimits, ObserveState } from './observe.ts';
export type { TailHandler } from './tail.ts';
export type { View, WatchOptions } from './watch.ts';
export type { BackOff } from './back-off.ts';
export { minimumServer } from './server-gate.ts';
export type { BusCount, Count, EventOf, Log, Published, Ready, Subscription } from './types.ts';
export { relayFace, type RelayFace } from './relay-face.ts';
export type { BatchEvent, Batched } from './publish-batch.ts';
