/** From what a person writes to a whole network: defaults filled in, the mode never guessed. */
import { Type, type Static } from 'typebox';
import { Network, type RackId } from '@ironbus/contracts';

const { id, rack, interface: device, cidr, mode, serverAddress, ...rest } = Network.properties;

/** `id`, `interface`, `cidr` and `serverAddress` are needed; without `mode` nothing is answered on the network. */
export const NetworkInput = Type.Object({
  id, interface: device, cidr, serverAddress, mode: Type.Optional(mode), rack: Type.Optional(rack), ...Type.Partial(Type.Object(rest)).properties,
}, { additionalProperties: false });
export type NetworkInput = Static<typeof NetworkInput>;

export type NetworkDefaults = { rack: RackId; bootPort: number };

export function completeNetwork(input: NetworkInput, defaults: NetworkDefaults): Network {
  return {
    mode: 'off', rack: defaults.rack, baseUrl: `http://${input.serverAddress}:${defaults.bootPort}`, relayed: false, dynamicRanges: [], reservations: [],
    gateway: null, dnsServers: [], ntpServers: [], domain: null, leaseSeconds: 3600, mtu: null, unknownMachines: 'enlist', afterEnlist: 'poweroff',
    ...input,
  };
}

