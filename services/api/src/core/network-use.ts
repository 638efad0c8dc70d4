/** Which addresses in use a change of a network would take away. Pure; the message names them and says what to do. */
import type { Network, Node } from '@ironbus/contracts';
import { spanHolds, networkHolds } from './span.ts';
import type { LeaseRecord } from './leases.ts';

export type Use = { address: string; what: string };
export type InUse = { leases: readonly LeaseRecord[]; nodes: readonly Node[]; nowMs: number };

/** `after` is null where the network is removed. By address, each once: a machine that keeps an address comes before its lease. */
export function usesLost(before: Network, after: Network | null, { leases, nodes, nowMs }: InUse): Use[] {
  const kept = nodes.flatMap((node) => keptBy(node).filter((address) => keeps(before, address, node) && (after === null || !keeps(after, address, node)))
    .map((address): Use => ({ address, what: `${node.hostname}, ${node.status}` })));
  const leased = leases.filter((lease) => isActive(lease, before, nowMs) && mayLease(before, lease, nodes) &&
    !(after !== null && after.rack === before.rack && mayLease(after, lease, nodes)))
    .map(({ address, mac, endsAt }): Use => ({ address, what: `leased by ${mac} until ${endsAt}` }));
  const uses = new Map([...leased, ...kept].map((use) => [use.address, use]));
  return [...uses.values()].sort((a, b) => a.address.localeCompare(b.address, 'en', { numeric: true }));
}

const isActive = (lease: LeaseRecord, network: Network, nowMs: number): boolean =>
  !lease.declined && lease.network === network.id && lease.rack === network.rack && Date.parse(lease.endsAt) > nowMs;

/** What boot policies keep for it, and what a deployed system may have written into its own configuration. */
const keptBy = ({ reservedAddress, deployment, addresses }: Node): string[] =>
  [...new Set([...(reservedAddress === null ? [] : [reservedAddress]), ...(deployment === null ? [] : addresses)])];

/** Whether the address can stay this machine's. */
function keeps(network: Network, address: string, node: Pick<Node, 'macs'>): boolean {
  const owner = network.reservations.find((reservation) => reservation.address === address);
  return networkHolds(network, address) && !isClosed(network, address) && (owner === undefined || node.macs.includes(owner.mac));
}

/** Whether the lease could be renewed: reserved for this MAC, kept by its machine, or in a dynamic range and nobody else's. */
function mayLease(network: Network, { address, mac }: LeaseRecord, nodes: readonly Node[]): boolean {
  if (!networkHolds(network, address) || isClosed(network, address)) return false;
  const owner = network.reservations.find((reservation) => reservation.address === address);
  if (owner !== undefined) return owner.mac === mac;
  return network.dynamicRanges.some((range) => spanHolds(range, address)) || nodes.some((node) => node.macs.includes(mac) && keptBy(node).includes(address));
}

/** The network's own addresses, and on a managed one what was set aside. */
const isClosed = ({ serverAddress, gateway, managed = true, reservedRanges = [] }: Network, address: string): boolean =>
  address === serverAddress || address === gateway || (managed && reservedRanges.some((range) => spanHolds(range, address)));

const named = 5;

export function useMessage(before: Network, after: Network | null, uses: readonly Use[]): string {
  const list = uses.slice(0, named).map(({ address, what }) => `${address} (${what})`).join(', ');
  const more = uses.length > named ? ` and ${uses.length - named} more` : '';
  const change = after === null ? 'removing it' : 'this change';
  const many = uses.length === 1 ? 'an address that is' : `${uses.length} addresses that are`;
  return `network ${before.id}: ${change} would take away ${many} in use: ${list}${more}; `
    + 'release those machines and wait until the leases end, leave room for them, or ask again with ?force=true, after which others may get these addresses';
}
