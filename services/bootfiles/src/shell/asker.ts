/** Who asks: known by the binding of the address (beside a foreign DHCP server by the kernel’s neighbour table), never by what a URL or a header says (X-Forwarded-For is not read; virtual-routes.ts has the one exception). */
import type { Binding, BootPolicy, IpAddress, Mac, Network } from '@ironbus/contracts';
import type { FastifyRequest } from 'fastify';
import type { Asker } from '../core/answer.ts';
import { bindingKey, canonicalAddress, inNetwork } from '../core/address.ts';
import { isAsked } from '../core/neighbours.ts';
import type { Context } from './context.ts';
import { neighbourOf } from './neighbours.ts';

/** A binding, or what stands for one: only dhcp mints boot ids. */
export type Known = Pick<Binding, 'mac' | 'node' | 'network' | 'how'> & { bootId: string | null };
/** `contradicted`: what was asked names another machine than the address does. */
export type Asking = { address: IpAddress; binding: Known | undefined; network: Network | undefined; baseUrl: string; contradicted?: boolean };

/** `for` is the asker where the rack's own TFTP service asks in its name. */
export function identify({ config, views }: Context, request: FastifyRequest, { for: asker }: { for?: IpAddress } = {}): Asking {
  const address = asker ?? peerOf(request);
  const key = bindingKey(config.rackId, address);
  const bound = key === undefined ? undefined : views.bindings.get(key);
  const network = networkOf(views.networks, bound, address);
  const binding = bound ?? (network !== undefined && isAsked(network, config.rackId, address) ? neighbour(views, network, address) : undefined);
  return { address, binding, network, baseUrl: network?.baseUrl ?? ownUrl(request) };
}

function neighbour(views: Context['views'], network: Network, address: IpAddress): Known | undefined {
  const mac = neighbourOf(address, network);
  return mac && { mac, node: views.policyOf(mac)?.node ?? null, network: network.id, how: 'arp', bootId: null };
}

/** The other end of the socket. */
export const peerOf = (request: FastifyRequest): IpAddress => canonicalAddress(request.socket.remoteAddress ?? '');

/** The asker's binding names its network; an address without one (a deployed machine) is placed by prefix. */
function networkOf(networks: Context['views']['networks'], binding: Known | undefined, address: IpAddress): Network | undefined {
  const named = binding === undefined ? undefined : networks.get(binding.network);
  return named ?? [...networks.entries()].map(([, network]) => network).find((network) => inNetwork(network, address));
}

/** Where no network says how we are reached, the address that the asker reached us at does. */
function ownUrl(request: FastifyRequest): string {
  const { localAddress = '127.0.0.1', localPort } = request.socket;
  const address = canonicalAddress(localAddress);
  return `http://${address.includes(':') ? `[${address}]` : address}:${localPort}`;
}

/** Whether the binding is of this MAC, or of another MAC of the same node. */
export function askerOf(mac: Mac, binding: Known | undefined, policyOf: (mac: Mac) => BootPolicy | undefined): Asker {
  if (binding === undefined) return 'unbound';
  if (binding.mac === mac) return 'bound';
  const node = policyOf(mac)?.node;
  return node !== undefined && (binding.node === node || policyOf(binding.mac)?.node === node) ? 'bound' : 'foreign';
}
