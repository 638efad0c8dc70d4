/** What the region keeps besides nodes: networks, images, installer profiles, racks. One Redis commit writes the record, its KV copy and its fact. */
import { isDeepStrictEqual } from 'node:util';
import type { Bus } from '@ironbus/bus';
import {
  imageAdded, imageRemoved, imagesBucket, IronbusError, layerChanged, layersBucket, makeEvent, networkChanged, networksBucket, profileChanged, profilesBucket, rackJoined, racksBucket,
  type BucketDefinition, type Image, type Layer, type Network, type Origin, type Profile, type Rack,
} from '@ironbus/contracts';
import { commit, encodeRows, outboxKey, outboxLua, read, readAll, type Row, type Store } from '@ironbus/store';
import type { AnyEvent } from './context.ts';

export type Versioned<T> = { version: number; value: T };
export type Records = ReturnType<typeof createRecords>;

export function createRecords(store: Store, origin: Origin) {
  const networks = collection<Network>(store, networksBucket, (id, network, version) =>
    makeEvent(networkChanged, origin, { key: id, data: { id, network, revision: version } }));
  const images = collection<Image>(store, imagesBucket, (id, image) =>
    image === null ? makeEvent(imageRemoved, origin, { key: id, data: { id } }) : makeEvent(imageAdded, origin, { key: id, data: { image } }));
  const racks = collection<Rack>(store, racksBucket, (id, rack) =>
    makeEvent(rackJoined, origin, { key: id, data: { rack: rack?.id ?? (id as Rack['id']), publicKey: rack?.publicKey ?? '' } }));
  const profiles = collection<Profile>(store, profilesBucket, (id, profile, version) =>
    makeEvent(profileChanged, origin, { key: id, data: { id, profile, revision: version } }));
  const layers = collection<Layer>(store, layersBucket, (id, layer, version) =>
    makeEvent(layerChanged, origin, { key: id, data: { id, layer, revision: version } }));
  return { networks, images, profiles, layers, racks, publish: openPublisher(store) };
}

/** Events that go with no record: into the outbox, so that an absent NATS loses none. */
function openPublisher(store: Store): (event: AnyEvent) => Promise<void> {
  const add = store.defineScript({ name: 'api-publish', numberOfKeys: 1, lua: `${outboxLua} add_rows(KEYS[1], ARGV[1], ARGV[2])` });
  return async (event) => {
    await add([outboxKey(store)], [event.subject, encodeRows([{ kind: 'event', event }])]);
    store.rowsAdded();
  };
}

/** One kind of record: read, listed and changed under its version. */
function collection<T>(store: Store, bucket: BucketDefinition, fact: (id: string, value: T | null, version: number) => AnyEvent) {
  const recordKey = (id: string): string => `${bucket.bucket}:${id}`;

  return {
    read: (id: string): Promise<Versioned<T> | undefined> => read<T>(store, recordKey(id)),

    /** All of them, by id. */
    list: async (): Promise<T[]> => (await Array.fromAsync(readAll<T>(store, recordKey('')))).map((record) => record.value),

    /**
     * Writes a value (null removes it) over the version that was read (0: it must not exist). Throws STORE_CONFLICT.
     * Versions come from one counter, so that a record made again after its removal is newer than what readers saw of it.
     */
    async write(id: string, value: T | null, expectedVersion: number): Promise<void> {
      const version = await store.redis.incr(store.key('versions', bucket.bucket));
      const rows: Row[] = [
        { kind: 'kv', bucket: bucket.bucket, key: id, value },
        { kind: 'event', event: fact(id, value, version) },
      ];
      const result = await commit(store, { key: recordKey(id), expectedVersion, version, value, rows });
      if (result.ok) return;
      const noun = bucket.bucket.replace(/s$/, '');
      throw new IronbusError('STORE_CONFLICT', expectedVersion === 0 ? `there is a ${noun} ${id} already: change that one, or choose another id` : `${noun} ${id} was changed by somebody else: read it again`);
    },

    /**
     * Puts again what the bucket lacks or has differently: NATS may have lost its data. Gives how many those were. No fact,
     * for nothing changed; a record that is written meanwhile is put by that write.
     */
    async republish(bus: Bus): Promise<number> {
      let repaired = 0;
      for await (const { key, value, version } of readAll<T>(store, recordKey(''))) {
        const id = key.slice(recordKey('').length);
        if (isDeepStrictEqual((await bus.kv(bucket).get(id))?.value, value)) continue;
        const next = await store.redis.incr(store.key('versions', bucket.bucket));
        const result = await commit(store, { key, expectedVersion: version, version: next, value, rows: [{ kind: 'kv', bucket: bucket.bucket, key: id, value }] });
        if (result.ok) repaired += 1;
      }
      return repaired;
    },
  };
}
