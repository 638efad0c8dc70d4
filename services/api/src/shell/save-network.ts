/** Changing the networks: checked as a whole and against what is in use, then written. */
import { IronbusError, validateNetworks, type Network } from '@ironbus/contracts';
import { completeNetwork, type NetworkInput } from '../core/networks.ts';
import { useMessage, usesLost } from '../core/network-use.ts';
import type { Context } from './context.ts';
import type { Versioned } from './records.ts';

type Over = {
  /** What was read and is to be replaced; undefined where there must be none. */
  expected: Versioned<Network> | undefined;
  /** A person takes addresses away although they are in use. */
  force?: boolean;
};

/** Throws NETWORK_INVALID, NETWORK_IN_USE, STORE_CONFLICT. */
export async function saveNetwork(context: Context, input: NetworkInput, { expected, force = false }: Over): Promise<Network> {
  const all = await context.records.networks.list();
  const network = completeNetwork(input, { rack: context.config.rackId as Network['rack'], bootPort: context.config.bootPort }, all);
  refuseInvalid(context, network, all.filter((other) => other.id !== network.id));
  if (expected !== undefined && !force) await refuseInUse(context, expected.value, network);
  await context.records.networks.write(network.id, network, expected?.version ?? 0);
  return network;
}

/** Throws NETWORK_IN_USE, STORE_CONFLICT. */
export async function removeNetwork(context: Context, { value, version }: Versioned<Network>, force: boolean): Promise<void> {
  if (!force) await refuseInUse(context, value, null);
  await context.records.networks.write(value.id, null, version);
}

function refuseInvalid({ log }: Context, network: Network, others: readonly Network[]): void {
  const problems = validateNetworks([...others, network]).filter((problem) => problem.network === network.id);
  for (const { path, message } of problems.filter(({ severity }) => severity === 'warning')) log.warn({ network: network.id, path, reason: message },
    'network may not work as meant');
  const violations = problems.filter(({ severity }) => severity === 'error').map(({ path, message }) => ({ path, message }));
  if (violations.length > 0) throw Object.assign(new IronbusError('NETWORK_INVALID',
    violations.map(({ path, message }) => `${network.id}${path}: ${message}`).join('; ')), { violations });
}

async function refuseInUse({ leases, nodes }: Context, before: Network, after: Network | null): Promise<void> {
  const nowMs = Date.now();
  const uses = usesLost(before, after, { leases: await leases.list(nowMs), nodes: await nodes.list(), nowMs });
  if (uses.length > 0) throw new IronbusError('NETWORK_IN_USE', useMessage(before, after, uses));
}
