/** Records in Redis, and what this process knows of their versions: whether an answer made of them may still be given. */
import { commit, read, type Change, type Store, type StoredRecord } from '@ironbus/store';
import { Versions } from '../core/versions.ts';

/** The records that something was made of, and the version each had. */
export type Seen = Map<string, number>;
export type Records = ReturnType<typeof openRecords>;

const knownRecords = 16_384;

/** The asynchronous functions throw STORE_UNREACHABLE. */
export function openRecords(store: Store) {
  const versions = new Versions(knownRecords);
  let losses = store.losses();
  const settle = (): void => {
    if (losses === store.losses()) return;
    losses = store.losses();
    versions.forget();
  };
  /** What was asked before the server was lost says nothing about what it has now. */
  const noteUnlessLost = (lossesBefore: number, key: string, version: number): void => {
    settle();
    if (lossesBefore === losses) versions.note(key, version);
  };
  return {
    async read<Value>(key: string, seen?: Seen): Promise<StoredRecord<Value> | undefined> {
      const before = store.losses();
      const stored = await read<Value>(store, key);
      noteUnlessLost(before, key, stored?.version ?? 0);
      seen?.set(key, stored?.version ?? 0);
      return stored;
    },

    /** False where somebody else changed it first. */
    async write(change: Change, seen?: Seen): Promise<boolean> {
      const before = store.losses();
      const committed = await commit(store, change);
      if (!committed.ok) return false;
      noteUnlessLost(before, change.key, committed.version);
      seen?.set(change.key, committed.version);
      return true;
    },

    /** False where a record may have changed: this process did it, or Redis was away. What another process did is seen at the next read. */
    still(seen: Seen): boolean {
      settle();
      for (const [key, version] of seen) if (!versions.stillAt(key, version)) return false;
      return true;
    },
  };
}
