/** How a network stands at the dhcp replicas of its rack, from what they say of themselves. */
import type { DhcpServer, Network, NetworkProblem, ServedNetwork } from '@ironbus/contracts';

/** A replica renews its entry every few seconds. */
const staleMs = 15_000;

export type ReplicaStatus = Pick<DhcpServer, 'rack' | 'instance' | 'startedAt' | 'at' | 'storeReady'> & {
  /** Its entry is older than 15 s: it counts as dead. */
  stale: boolean;
  /** `unknown`: it has not heard of the network yet. */
  state: ServedNetwork['state'] | 'unknown';
  why: string | null; serverAddress: string | null; others: ServedNetwork['others'];
};
export type NetworkStatus = {
  network: string; mode: Network['mode'];
  /** Of the live replicas together; `unserved` where none of them serves it. */
  state: ReplicaStatus['state'] | 'unserved';
  why: string | null; servers: ReplicaStatus[];
  /** What the rules find odd about the network, though it works. */
  warnings: Pick<NetworkProblem, 'path' | 'message'>[];
};

/** What a person should hear first: the worst. */
const order: readonly NetworkStatus['state'][] = ['refused', 'no-device', 'probing', 'unknown', 'authoritative', 'proxy', 'shadow', 'off'];

export function statusOf(network: Network, servers: Iterable<DhcpServer>,
  { nowMs, problems }: { nowMs: number; problems: readonly NetworkProblem[] }): NetworkStatus {
  const replicas = [...servers].filter(({ rack }) => rack === network.rack).map((server) => replicaOf(network, server, nowMs)).sort((a, b) =>
    a.instance.localeCompare(b.instance));
  const live = replicas.filter(({ stale }) => !stale);
  const state = order.find((candidate) => live.some((replica) => replica.state === candidate)) ?? 'unserved';
  const why = live.find((replica) => replica.state === state)?.why ?? null;
  const warnings = problems.filter((problem) => problem.network === network.id && problem.severity === 'warning').map(({ path, message }) =>
    ({ path, message }));
  return { network: network.id, mode: network.mode, state, why: state === 'unserved' ? noneLives(network, replicas) : why, servers: replicas, warnings };
}

function replicaOf(network: Network, { rack, instance, startedAt, at, storeReady, networks }: DhcpServer, nowMs: number): ReplicaStatus {
  const served = networks.find((candidate) => candidate.network === network.id);
  return {
    rack, instance, startedAt, at, storeReady, stale: nowMs - Date.parse(at) > staleMs, state: served?.state ?? 'unknown', why: served?.why ?? null,
    serverAddress: served?.serverAddress ?? null, others: served?.others ?? [],
  };
}

const noneLives = ({ rack }: Network, replicas: readonly ReplicaStatus[]): string => (replicas.length === 0
  ? `no dhcp service of rack ${rack} was ever heard: start one there`
  : `every dhcp service of rack ${rack} is silent for more than ${staleMs / 1000} s (${replicas.map(heardText).join(', ')}): look at its log`);

const heardText = ({ instance, at }: ReplicaStatus): string => `${instance} since ${at}`;
