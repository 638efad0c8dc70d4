/** Fabrics, their VLANs, the networks on them: MAAS's picture of the wires, derived from the networks and kept nowhere. */
import { fabricOf, vidOf, type Network } from '@ironbus/contracts';

type Member = Pick<Network, 'id' | 'cidr' | 'mode' | 'rack' | 'interface' | 'relayed'> & { managed: boolean };
export type Vlan = { vid: number; name: string | null; networks: Member[] };
export type Fabric = { id: string; vlans: Vlan[] };

/** By fabric, VLAN id and network id. */
export function fabricsOf(networks: readonly Network[]): Fabric[] {
  const fabrics = Map.groupBy(networks, fabricOf);
  return [...fabrics].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })).map(([id, members]) => ({ id, vlans: vlansOf(members) }));
}

function vlansOf(networks: readonly Network[]): Vlan[] {
  const vlans = Map.groupBy(networks, vidOf);
  return [...vlans].sort(([a], [b]) => a - b).map(([vid, members]) => ({
    vid, name: members.find(({ vlan }) => vlan?.name !== undefined)?.vlan?.name ?? null,
    networks: members.map(memberOf).sort((a, b) => a.id.localeCompare(b.id)),
  }));
}

const memberOf = ({ id, cidr, mode, rack, interface: device, relayed, managed = true }: Network): Member =>
  ({ id, cidr, mode, rack, interface: device, relayed, managed });
