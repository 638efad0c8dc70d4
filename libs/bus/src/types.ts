/** The words that the whole library shares. */
import type { Event, EventDefinition } from '@ironbus/contracts';

/** What is logged to: a pino logger fits. */
export type Log = Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void>;

export type Ready = { ready: true } | { ready: false; why: string };

/** Something that goes on until it is stopped; `stop` is safe to call twice. */
export type Subscription = AsyncDisposable & { stop(): Promise<void> };

/** The event of one of several definitions, told apart by `type`. */
export type EventOf<D> = D extends EventDefinition ? Event<D> : never;

export type BusCount =
  | 'published' | 'observation-sent' | 'observation-dropped' | 'observation-unacked' | 'observation-invalid'
  | 'handled' | 'handler-failed' | 'dead-lettered' | 'message-invalid' | 'value-refused';

/** Called once per occurrence; labels have few values (event type, durable, bucket), so they suit a metric. */
export type Count = (what: BusCount, labels: Record<string, string>) => void;

export type Published = { sequence: number; duplicate: boolean };

export const seconds = (count: number): number => count * 1_000_000_000;
