/**
 * The address by which one replica is known on a network: its server id (option 54), and what clients renew at, so one
 * that they can reach (RFC 2131 §4.1). Each replica has its own, while TFTP and HTTP addresses in boot answers stay the
 * network's `serverAddress`, which may be one that moves between hosts. Pure: the shell reads the devices.
 */
import type { Ipv4, Network } from '@ironbus/contracts';
import { parseIpv4 } from '@ironbus/contracts';
import { holds } from './select-network.ts';

/** What `os.networkInterfaces()` gives; a labelled address (`ip addr … label eth0:1`) comes under its label. */
export type DeviceAddresses = Readonly<Record<string, readonly { address: string; family: string }[] | undefined>>;
export type ServerAddress =
  /** `set`: the network's own; `own`: this host's inside the network; `reached`: this host's, where only relays lead there. */
  | { ok: true; address: Ipv4; how: 'set' | 'own' | 'reached' }
  | { ok: false; state: 'no-device'; why: string };
type Where = Pick<Network, 'id' | 'interface' | 'cidr' | 'serverAddress' | 'relayed'>;

/** Never throws. `why` says what to do. */
export function serverAddressOn(network: Where, devices: DeviceAddresses): ServerAddress {
  const here = addressesOn(devices, network.interface);
  if (here.includes(network.serverAddress)) return { ok: true, address: network.serverAddress, how: 'set' };
  const inside = here.find((address) => holds(network, address));
  if (inside !== undefined) return { ok: true, address: inside, how: 'own' };
  return network.relayed ? reachedAt(network, devices, here) : { ok: false, state: 'no-device', why: describeMissing(network, devices, here) };
}

/** Routed clients renew at any address of the host: the network's where it is here (often on loopback), else the device's first. */
function reachedAt(network: Where, devices: DeviceAddresses, here: readonly Ipv4[]): ServerAddress {
  if (deviceOf(devices, network.serverAddress) !== undefined) return { ok: true, address: network.serverAddress, how: 'set' };
  const [first] = here;
  if (first !== undefined) return { ok: true, address: first, how: 'reached' };
  const why = `${network.interface} has no IPv4 address that relays and clients of ${network.cidr} could reach: give it one, or set the interface of network ${network.id} to the device that leads to its relay`;
  return { ok: false, state: 'no-device', why };
}

function describeMissing(network: Where, devices: DeviceAddresses, here: readonly Ipv4[]): string {
  const { id, interface: device, cidr } = network;
  const elsewhere = Object.keys(devices).find((name) => addressesOn(devices, name).some((address) => holds(network, address)));
  if (elsewhere !== undefined) return `${device} has no address inside ${cidr}, ${elsewhere} has: set the interface of network ${id} to ${elsewhere}`;
  const has = here.length === 0 ? 'is down, missing or has no IPv4 address' : `has ${here.join(', ')}, none of it inside ${cidr}`;
  return `${device} ${has}: give it an address of ${cidr} (ip addr add <address>/${cidr.split('/')[1] ?? '24'} dev ${device}), or set network ${id} to relayed if only a relay leads there`;
}

/** Every IPv4 address of the host: each identifies the server (RFC 2131 §4.1). */
export const ownAddresses = (devices: DeviceAddresses): ReadonlySet<string> =>
  new Set(Object.values(devices).flatMap((list) => list ?? []).filter(({ family }) => family === 'IPv4').map(({ address }) => address));

function addressesOn(devices: DeviceAddresses, device: string): Ipv4[] {
  const lists = Object.entries(devices).filter(([name]) => name === device || name.startsWith(`${device}:`)).map(([, list]) => list ?? []);
  return lists.flat().filter(({ family }) => family === 'IPv4').map(({ address }) => parseIpv4(address)).filter((address) => address !== undefined);
}

const deviceOf = (devices: DeviceAddresses, address: Ipv4): string | undefined => Object.keys(devices).find((name) => addressesOn(devices, name).includes(address));
