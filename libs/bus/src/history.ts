/** The log from a point on: replay, then live, in order. Each event is handed over once, also over restarts of NATS. */
import type { Event, EventDefinition, StreamName } from '@ironbus/contracts';
import type { Link } from './connect.ts';
import { decodeEvent } from './messages.ts';
import { readInOrder, type StreamMoment } from './ordered.ts';
import type { Pulled } from './pull.ts';
import type { Count, Subscription } from './types.ts';

export type HistoryOptions = {
  stream: StreamName | (string & {});
  /** Subjects with wildcards; everything unless told. */
  subjects?: readonly string[];
  /** The first one handed over; 1 unless told. `new`: only what comes after the start. */
  fromSequence?: number | 'new';
  /** With definitions the data is checked too, and other types are skipped. */
  definitions?: readonly EventDefinition[];
};

export type HistoryMeta = { sequence: number; pending: number };
export type HistoryHandler = (event: Event, meta: HistoryMeta) => void | Promise<void>;
export type History = Subscription & {
  /** Resolves when everything that was there at the start was handed over. */
  caughtUp(): Promise<void>;
};

const capacity = 256;

/** Reads on until stopped. A handler that throws is logged, and the next event follows. */
export function history(link: Link, options: HistoryOptions, handler: HistoryHandler, count: Count): History {
  const caughtUp = Promise.withResolvers<void>();
  let next: number | 'new' = options.fromSequence ?? 1;
  let created: string | undefined;
  let held = 0;
  let tail = Promise.resolve();

  const handOver = async (message: Pulled): Promise<void> => {
    const decoded = decodeEvent(message.msg, options.definitions);
    const meta = { sequence: message.streamSequence, pending: message.pending };
    try {
      if (decoded.ok) await handler(decoded.event, meta);
      else count('message-invalid', { durable: 'history' });
    } catch (error) {
      link.log.error({ stream: options.stream, sequence: meta.sequence, err: error }, 'a history handler failed');
    }
    if (message.pending === 0) caughtUp.resolve();
    held--;
    puller.more();
  };
  const puller = readInOrder({
    link, what: `history of ${options.stream}`, stream: options.stream, filters: options.subjects ?? ['>'],
    room: () => held <= capacity / 2 ? capacity - held : 0,
    start: (moment: StreamMoment) => {
      if (created !== undefined && created !== moment.created) next = 1;
      created = moment.created;
      if (next === 'new') next = moment.lastSequence + 1;
      return { from: 'sequence', sequence: next };
    },
    onStart: (pending) => { if (pending === 0) tail = tail.then(() => caughtUp.resolve()); },
    onMessage: (message) => {
      next = message.streamSequence + 1;
      held++;
      tail = tail.then(() => handOver(message));
    },
  });
  const stop = async (): Promise<void> => { await puller.stop(); await tail; };
  return { stop, caughtUp: () => caughtUp.promise, [Symbol.asyncDispose]: stop };
}
