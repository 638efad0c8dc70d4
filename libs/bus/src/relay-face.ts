/** What an outbox relay needs of the bus: events as they are, buckets by name. */
import { IronbusError, type BucketDefinition, type Event } from '@ironbus/contracts';
import type { Bus } from './bus.ts';
import type { BatchEvent, Batched } from './publish-batch.ts';
import type { Published, Ready } from './types.ts';

export type RelayFace = {
  ready(): Ready;
  publishEvent(event: Event): Promise<Published>;
  /** All of them or none, with one sync of the disk; never rejects. */
  publishBatch(events: readonly BatchEvent[]): Promise<Batched>;
  /**
   * The new revision; null deletes the key, and the answer is 0. `expectedRevision` (0: there must be no value) is the fence
   * against a relay that lost its turn: rejects BUS_UNREACHABLE, to be tried again, where somebody wrote in between.
   */
  putKv(bucket: string, key: string, value: unknown, expectedRevision: number): Promise<number>;
  /** The revision of the key's latest value, 0 where there is none. */
  getKvRevision(bucket: string, key: string): Promise<number>;
};

/** Throws EVENT_INVALID for a bucket that is not in the catalogue: a row that can never be published. */
export function relayFace(bus: Bus, buckets: readonly BucketDefinition[]): RelayFace {
  const named = (name: string) => {
    const bucket = buckets.find((candidate) => candidate.bucket === name);
    if (bucket === undefined) throw new IronbusError('EVENT_INVALID', `there is no bucket ${name}`);
    return bus.kv(bucket);
  };
  return {
    ready: () => bus.ready(),
    publishEvent: (event) => bus.publishEvent(event),
    publishBatch: (events) => bus.publishBatch(events),
    async putKv(bucket, key, value, expectedRevision) {
      const kv = named(bucket);
      if (value === null) {
        await kv.delete(key);
        return 0;
      }
      const revision = expectedRevision === 0 ? await kv.create(key, value) : await kv.update(key, value, expectedRevision);
      if (revision === undefined) throw new IronbusError('BUS_UNREACHABLE', `${bucket}/${key} is no longer at revision ${expectedRevision}`);
      return revision;
    },
    getKvRevision: async (bucket, key) => (await named(bucket).get(key))?.revision ?? 0,
  };
}
