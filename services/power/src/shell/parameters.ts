/** BMC parameters: sealed in the bucket, opened with the rack's key, never kept in clear longer than one use. */
import { type bmcBucket, BmcParameters, IronbusError } from '@ironbus/contracts';
import type { View } from '@ironbus/bus';
import { open } from '@ironbus/runtime';
import { Value } from 'typebox/value';

export type OpenParameters = (node: string) => BmcParameters;

/** Throws POWER_NOT_CONFIGURED where there are none, POWER_SEAL_UNREADABLE where this rack's key does not open them. */
export const parametersFrom = (view: View<typeof bmcBucket>, rackKeyPem: string): OpenParameters => (node) => {
  const stored = view.get(node);
  if (stored === undefined) throw new IronbusError('POWER_NOT_CONFIGURED', `machine ${node} has no BMC parameters: set its power settings first`);
  const parameters = unseal(rackKeyPem, node, stored.sealed);
  if (!Value.Check(BmcParameters, parameters)) throw new IronbusError('POWER_NOT_CONFIGURED', `the BMC parameters of ${node} are incomplete: set its power settings again`);
  return parameters;
};

function unseal(rackKeyPem: string, node: string, sealed: Parameters<typeof open>[2]): unknown {
  try {
    return open(rackKeyPem, `bmc/${node}`, sealed);
  } catch (cause) {
    throw new IronbusError('POWER_SEAL_UNREADABLE', `the BMC parameters of ${node} are sealed to another rack or key: set its power settings again`, { cause });
  }
}
