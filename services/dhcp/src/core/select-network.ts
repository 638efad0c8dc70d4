/** Which network a packet belongs to: by relay (RFC 2131 §4.3.1, RFC 3527, RFC 3011), else by the device it came in on. */
import type { Network } from '@ironbus/contracts';
import { contains, parseCidr, parseIpv4, relayInfo, requestedAddress, subnetSelection, type DhcpMessage } from '@ironbus/wire';

export type NetworkChoice = { ok: true; networks: readonly [Network, ...Network[]] } | { ok: false; reason: 'no-network' | 'unknown-relay' };

/**
 * The networks of the client's wire, the one that its packet speaks of first; the others can help out when that one has no
 * address left (shared networks). Networks with mode off are as if they were not there. Never throws.
 */
export function selectNetwork(message: DhcpMessage, device: string, networks: readonly Network[]): NetworkChoice {
  const served = networks.filter((network) => network.mode !== 'off');
  const link = linkAddress(message);
  if (link === undefined) return choose(preferred(message, onDevice(message, device, served)), 'no-network');
  const linked = served.filter((network) => holds(network, link));
  const wires = new Set(linked.map(wireOf));
  return choose([...linked, ...served.filter((network) => !linked.includes(network) && wires.has(wireOf(network)))], 'unknown-relay');
}

/** What two networks of one wire have in common: the device, or behind a relay the VLAN, where a person named it. */
function wireOf({ id, relayed, interface: device, fabric = 'fabric-0', vlan }: Network): string {
  if (!relayed) return `device ${device}`;
  return vlan === undefined ? `network ${id}` : `vlan ${fabric} ${vlan.vid}`;
}

/** The client's link as its relay names it: option 82.5, else giaddr; undefined where no relay was involved. */
function linkAddress(message: DhcpMessage): string | undefined {
  if (message.giaddr === '0.0.0.0') return undefined;
  return relayInfo(message)?.linkSelection ?? message.giaddr;
}

/** A relayed client renews by unicast, without its relay: its own address then says where it is. */
function onDevice(message: DhcpMessage, device: string, networks: readonly Network[]): Network[] {
  const local = networks.filter((network) => !network.relayed && network.interface === device);
  if (message.ciaddr === '0.0.0.0' || local.some((network) => holds(network, message.ciaddr))) return local;
  const routed = networks.filter((network) => network.relayed && network.interface === device && holds(network, message.ciaddr));
  return routed.length > 0 ? routed : local;
}

/** Several networks may share a wire: the one that the client names (RFC 3011) or whose address it has or wants comes first. */
function preferred(message: DhcpMessage, candidates: Network[]): Network[] {
  const address = subnetSelection(message) ?? (message.ciaddr !== '0.0.0.0' ? message.ciaddr : requestedAddress(message));
  const own = address === undefined ? undefined : candidates.find((network) => holds(network, address));
  const first = own ?? candidates.find((network) => network.dynamicRanges.length > 0) ?? candidates[0];
  return first === undefined ? [] : [first, ...candidates.filter((network) => network !== first)];
}

function choose(candidates: readonly Network[], reason: 'no-network' | 'unknown-relay'): NetworkChoice {
  const [first, ...others] = candidates;
  return first === undefined ? { ok: false, reason } : { ok: true, networks: [first, ...others] };
}

/** Whether an address is inside the network's prefix; false for what is no address. */
export function holds(network: Pick<Network, 'cidr'>, address: string): boolean {
  const prefix = parseCidr(network.cidr);
  const value = parseIpv4(address);
  return prefix !== undefined && value !== undefined && contains(prefix, value);
}
