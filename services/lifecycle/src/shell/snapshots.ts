/** Every node as it is, once a day, so that a replay never needs events older than that. */
import { makeEvent, nodeSnapshotted, reactionId, type Draft, type Origin } from '@ironbus/contracts';
import { commit, read, readAll, type Row } from '@ironbus/store';
import type { NodeRecord } from '../core/record.ts';
import type { Hands } from './hands.ts';
import { addRows, nodePrefix } from './node-store.ts';

const markKey = 'snapshots';

/** Does nothing where the day (UTC) is done. Two replicas at once publish the same event ids. */
export async function snapshotDaily({ store, bus, clock }: Hands): Promise<number> {
  const now = clock.now();
  const day = now.toISOString().slice(0, 10);
  const mark = await read<{ day: string }>(store, markKey);
  if (mark?.value.day === day) return 0;
  let count = 0;
  for await (const { key, value } of readAll<NodeRecord>(store, nodePrefix)) {
    await addRows(store, key, [snapshotRow(value, bus.origin, day, now)]);
    count += 1;
  }
  await commit(store, { key: markKey, expectedVersion: mark?.version ?? 0, value: { day } });
  return count;
}

function snapshotRow({ node }: NodeRecord, origin: Origin, day: string, now: Date): Row {
  const draft = { key: node.id, nodeid: node.id, time: now, id: reactionId(`snapshot:${day}:${node.id}`, nodeSnapshotted.type), data: { node } };
  return { kind: 'event', event: makeEvent(nodeSnapshotted, origin, draft as unknown as Draft<typeof nodeSnapshotted>) };
}
