/** A bus in memory that keeps what it was given and can be told to fail, to wait, and to refuse. For the tests of this library. */
import { IronbusError, type Envelope } from '@ironbus/contracts';
import type { RelayBus } from './relay-bus.ts';

export type MemoryBus = RelayBus & {
  readonly published: Envelope[];
  readonly values: Map<string, { value: unknown; revision: number }>;
  /** Awaited before every publish; throws to make it fail. */
  beforePublish: (event: Envelope) => Promise<void> | void;
  /** How many events each batch had that was stored, of a bus that takes batches. */
  readonly batches: number[];
  /** Why the next batch is refused; undefined where it is not. */
  refuseBatch: (events: readonly Envelope[]) => string | undefined;
  /** Ids in the order of their first publish, of one subject or of all. */
  ids(subject?: string): string[];
};

/** `batches`: it takes them as JetStream does, all or nothing, and none that holds an event it has. */
export function memoryBus(takes: { batches?: true } = {}): MemoryBus {
  const published: Envelope[] = [];
  const values = new Map<string, { value: unknown; revision: number }>();
  let last = 0;
  const revisionOf = (bucket: string, key: string): number => values.get(`${bucket}/${key}`)?.revision ?? 0;
  const bus: MemoryBus = {
    published, values, batches: [],
    beforePublish: () => {},
    refuseBatch: () => undefined,
    ready: () => ({ ready: true }),
    async publishEvent(event) {
      await bus.beforePublish(event);
      const duplicate = published.some((earlier) => earlier.id === event.id);
      published.push(event);
      return { sequence: published.length, duplicate };
    },
    async putKv(bucket, key, value, expectedRevision) {
      if (revisionOf(bucket, key) !== expectedRevision) throw new IronbusError('STORE_CONFLICT', `revision of ${bucket}/${key} is not ${expectedRevision}`);
      last += 1;
      values.set(`${bucket}/${key}`, { value, revision: last });
      return last;
    },
    ...(takes.batches && {
      async publishBatch(entries: readonly { event: Envelope; json?: string | undefined }[]) {
        const events = entries.map(({ event, json }) => json === undefined ? event : JSON.parse(json) as Envelope);
        const known = events.find((event) => published.some((earlier) => earlier.id === event.id));
        const why = bus.refuseBatch(events) ?? (known === undefined ? undefined : `${known.id} is there`);
        if (why !== undefined) return { ok: false as const, why };
        published.push(...events);
        bus.batches.push(events.length);
        return { ok: true as const };
      },
    }),
    getKvRevision: async (bucket, key) => revisionOf(bucket, key),
    ids: (subject) => [...new Set(published.filter((event) => subject === undefined || event.subject === subject).map((event) => event.id))],
  };
  return bus;
}
