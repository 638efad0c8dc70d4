/** Which addresses of a network may be given to whom: dynamic ranges, reservations of the network and of boot policies. Pure. */
import { createHash } from 'node:crypto';
import { parseIpv4, type BootPolicy, type Ipv4, type Mac, type Network, type Reservation } from '@ironbus/contracts';
import { parseIpv4 as numberOf } from '@ironbus/wire';
import { holds } from './select-network.ts';

export type Pool = {
  readonly network: Network;
  /** The address kept for this MAC: its network reservation, else its policy's, if that lies in this network. */
  reservedFor(mac: Mac): Ipv4 | undefined;
  /** What the network says of this MAC. */
  reservationOf(mac: Mac): Reservation | undefined;
  /** The MAC that an address is kept for. */
  ownerOf(address: string): Mac | undefined;
  /** Whether this MAC may hold the address at all: kept for it, or in a dynamic range and kept for nobody else. */
  allows(mac: Mac, address: string): boolean;
  /** Whether the address is one of the dynamic ranges, whoever may have it. */
  inRanges(address: string): boolean;
  /** Addresses inside the dynamic ranges that no dynamic client may get. */
  keptInRanges(): readonly string[];
  /** `from`, `to` as numbers, both included, in order: what the lease scripts allocate from. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Changes when the ranges or the network's own reservations do. */
  readonly signature: string;
};

/** The policies that keep an address, by MAC and by address; `PolicyIndex` is one, kept up to date change by change. */
export type PolicyReservations = {
  policyOf(mac: Mac): BootPolicy | undefined;
  macOf(address: string): Mac | undefined;
  addresses(): Iterable<string>;
  /** Changes with every change. */
  readonly version: number;
};

/** A network's own reservation wins over a policy about the same MAC or address. */
export function makePool(network: Network, policies: PolicyReservations): Pool {
  const ownByMac = new Map(network.reservations.map((reservation) => [reservation.mac, reservation]));
  const ownByAddress = new Map<string, Mac>(network.reservations.map(({ mac, address }) => [address, mac]));
  const ranges = network.dynamicRanges.map(({ from, to }) => [numberOf(from) ?? 0, numberOf(to) ?? -1] as const);
  const reserved = (network.reservedRanges ?? []).map(({ from, to }) => [numberOf(from) ?? 0, numberOf(to) ?? -1] as const);
  // MAAS's words: of a managed network nobody gets the reserved ranges, of an unmanaged one they are what is ours besides the dynamic ones.
  const isOurs = (address: string): boolean => network.managed === false ? isIn(ranges, address) || isIn(reserved, address) : !isIn(reserved, address);
  const infrastructure = [network.serverAddress, network.gateway].filter((address) => address !== null);
  const fromPolicy = (mac: Mac): Ipv4 | undefined => {
    const address = parseIpv4(policies.policyOf(mac)?.reservedAddress ?? '');
    return address !== undefined && holds(network, address) && isOurs(address) && !ownByAddress.has(address) && policies.macOf(address) === mac ? address : undefined;
  };
  const reservedFor = (mac: Mac): Ipv4 | undefined => ownByMac.get(mac)?.address ?? fromPolicy(mac);
  let kept: { version: number; addresses: readonly string[] } | undefined;
  const keptInRanges = (): readonly string[] => {
    if (kept?.version === policies.version) return kept.addresses;
    const addresses = [...ownByAddress.keys(), ...policies.addresses(), ...infrastructure].filter((address) => isIn(ranges, address));
    kept = { version: policies.version, addresses };
    return addresses;
  };
  const ownerOf = (address: string): Mac | undefined => ownByAddress.get(address) ?? policies.macOf(address);
  return {
    network, ranges, reservedFor, ownerOf, keptInRanges,
    reservationOf: (mac) => ownByMac.get(mac),
    inRanges: (address) => isIn(ranges, address),
    signature: createHash('sha1').update(JSON.stringify([ranges, network.reservations, infrastructure])).digest('base64url'),
    allows(mac, address) {
      const owner = ownerOf(address);
      if (owner !== undefined) return owner === mac;
      return isIn(ranges, address) && !infrastructure.includes(address as Ipv4);
    },
  };
}

function isIn(ranges: readonly (readonly [number, number])[], address: string): boolean {
  const value = numberOf(address);
  return value !== undefined && ranges.some(([from, to]) => value >= from && value <= to);
}
