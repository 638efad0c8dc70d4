/** State in Redis: one script per change, an outbox beside the state, and the relay that publishes it. */
export { commit, type Change, type Committed } from './commit.ts';
export type { Log, Ready } from './log.ts';
export {
  encodeRows, outboxKey, outboxLua, readDeadRows, readOutboxStats, requeueDeadRows,
  type DeadRow, type EventRow, type KvRow, type OutboxStats, type Row,
} from './outbox.ts';
export { dueDeadlines, listKeys, lookup, nextDeadlineAt, read, readAll, readMany, scanIndex, type Deadline, type StoredRecord } from './read.ts';
export { startRelay, type Relay, type RelayStats } from './relay.ts';
export type { RelayBus } from './relay-bus.ts';
export { openStore, type PlainCommands, type Store } from './store.ts';
export type { Script, ScriptDefinition } from './script.ts';
