/** From what a person writes to a whole network: defaults filled in, the mode never guessed. */
import { fabricOf, Network, vidOf, type RackId } from '@ironbus/contracts';
import { Type, type Static, type TSchema } from 'typebox';

const { id, rack, interface: device, cidr, mode, serverAddress, ...rest } = Network.properties;

const Fields = Type.Object({
  id, interface: device, cidr, serverAddress, mode: Type.Optional(mode), rack: Type.Optional(rack), ...Type.Partial(Type.Object(rest)).properties,
});
/** `id`, `interface`, `cidr` and `serverAddress` are needed; without `mode` nothing is answered on the network. A misspelt field is refused, wherever it is. */
export const NetworkInput = closed(Fields);
export type NetworkInput = Static<typeof Fields>;

/** The same schema with every object in it closed: events stay open to newer fields, a person's spelling does not. */
function closed<S extends TSchema>(schema: S): S {
  const close = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(close);
    if (typeof value !== 'object' || value === null) return value;
    const copy: Record<string, unknown> = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, close(part)]));
    return copy['type'] === 'object' ? { ...copy, additionalProperties: false } : copy;
  };
  return close(schema) as S;
}

export type NetworkDefaults = { rack: RackId; bootPort: number };

/** `others`: every network there is, this one's earlier self among them: from them comes the wire where the person names none. */
export function completeNetwork(input: NetworkInput, defaults: NetworkDefaults, others: readonly Network[] = []): Network {
  return {
    mode: 'off', rack: defaults.rack, baseUrl: `http://${input.serverAddress}:${defaults.bootPort}`, relayed: false, dynamicRanges: [], reservations: [],
    gateway: null, dnsServers: [], ntpServers: [], domain: null, leaseSeconds: 3600, mtu: null, unknownMachines: 'enlist', afterEnlist: 'poweroff',
    managed: true, reservedRanges: [], searchDomains: [], staticRoutes: [], options: [], loader: 'auto', bootMenu: null, force: false, probeAddresses: true,
    ...wireFor(input, { rack: defaults.rack, others }),
    ...input,
  };
}

type Wire = Pick<Network, 'fabric' | 'vlan'>;

/**
 * The fabric and VLAN of a network that names none: those of its device, or of the same prefix at another rack, else the untagged
 * VLAN of the first fabric that nobody has (MAAS makes a fabric of each wire it finds). Behind a relay nobody can know: none.
 */
function wireFor(input: NetworkInput, { rack: defaultRack, others }: { rack: RackId; others: readonly Network[] }): Wire {
  if (input.relayed === true) return {};
  const local = others.filter((other) => !other.relayed && other.fabric !== undefined);
  const onDevice = local.find((other) => other.rack === (input.rack ?? defaultRack) && other.interface === input.interface);
  const samePrefix = local.find((other) => other.cidr === input.cidr);
  const known = [onDevice, samePrefix].find((other) => other !== undefined && agrees(input, other));
  const vlan = input.vlan ?? known?.vlan ?? { vid: 0 };
  return { vlan, fabric: known?.fabric ?? freeFabric(local, vidOf({ vlan })) };
}

const agrees = (input: NetworkInput, other: Network): boolean =>
  (input.fabric === undefined || input.fabric === other.fabric) && (input.vlan === undefined || input.vlan.vid === vidOf(other));

function freeFabric(others: readonly Network[], vid: number): string {
  const taken = new Set(others.filter((other) => vidOf(other) === vid).map(fabricOf));
  let number = 0;
  while (taken.has(`fabric-${number}`)) number += 1;
  return `fabric-${number}`;
}
