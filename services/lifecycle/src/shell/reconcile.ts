/** Boot policies that the bucket lacks, or has differently: NATS may have lost its data, a setting may have changed. */
import { type BootPolicy, type bootPoliciesBucket, macToken } from '@ironbus/contracts';
import type { View } from '@ironbus/bus';
import { commit, readAll } from '@ironbus/store';
import { bootPolicy } from '../core/boot-policy.ts';
import type { NodeRecord } from '../core/record.ts';
import type { Hands } from './hands.ts';
import { nodePrefix } from './node-store.ts';
import { policyRows } from './rows.ts';

type Policies = Pick<View<typeof bootPoliciesBucket>, 'get'>;

/** How many nodes got their policies again. A node that changes meanwhile publishes them itself. */
export async function reconcilePolicies({ store, settings, log }: Hands, policies: Policies): Promise<number> {
  let repaired = 0;
  for await (const { key, value: record, version } of readAll<NodeRecord>(store, nodePrefix)) {
    const put = record.node.macs.filter((mac) => !isSame(policies.get(macToken(mac)), bootPolicy(record, mac, settings)));
    if (put.length === 0) continue;
    const rows = policyRows({ policyMacs: { put, remove: [] } }, record, settings);
    const committed = await commit(store, { key, expectedVersion: version, value: record, rows });
    if (committed.ok) repaired += 1;
  }
  if (repaired > 0) log.warn({ nodes: repaired }, 'boot policies were missing or different, published again');
  return repaired;
}

function isSame(published: BootPolicy | undefined, wanted: object): boolean {
  const text = (policy: object): string => JSON.stringify(Object.entries({ ...policy, version: 0 }).toSorted());
  return published !== undefined && text(published) === text(wanted);
}
