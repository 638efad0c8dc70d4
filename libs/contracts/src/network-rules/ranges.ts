/**
 * Dynamic ranges, reserved ranges and reservations: inside the network, beside each other, and as `managed` means it.
 * Managed: nobody gets an address of a reserved range. Unmanaged: somebody else hands out addresses, so what is ours is the
 * dynamic ranges, which that somebody gave us, and for reservations the reserved ranges alone.
 */
import type { Network } from '../network.ts';
import { holdsAddress, hostsText, isHost, overlap, toNumber, toSpan, type Prefix } from './address.ts';
import type { Report } from './report.ts';

type Range = { from: string; to: string };

export const isManaged = (network: Network): boolean => network.managed ?? true;
export const reservedRangesOf = (network: Network): NonNullable<Network['reservedRanges']> => network.reservedRanges ?? [];

export function checkRanges(network: Network, prefix: Prefix, report: Report): void {
  checkList(network.dynamicRanges, { path: '/dynamicRanges', noun: 'range', network, prefix }, report);
  checkList(reservedRangesOf(network), { path: '/reservedRanges', noun: 'reserved range', network, prefix }, report);
  network.dynamicRanges.forEach((range, index) => {
    if (!fits(range, prefix)) return;
    checkInfrastructure(network, range, (message) => report('error', `/dynamicRanges/${index}`, message));
    const clash = reservedRangesOf(network).find((reserved) => fits(reserved, prefix) && overlap(toSpan(range), toSpan(reserved)));
    if (clash !== undefined) report('error', `/dynamicRanges/${index}`, inReserved(network, `the range ${textOf(range)}`, clash));
  });
}

type ListPlace = { path: string; noun: string; network: Network; prefix: Prefix };

function checkList(ranges: readonly Range[], { path, noun, network, prefix }: ListPlace, report: Report): void {
  ranges.forEach((range, index) => {
    const at = `${path}/${index}`;
    const name = `the ${noun} ${textOf(range)}`;
    const { from, to } = toSpan(range);
    if (from > to) return report('error', at, `${name} ends before it begins: exchange from and to`);
    if (!isHost(prefix, from) || !isHost(prefix, to)) return report('error', at,
      `${name} is not inside the host addresses of ${network.cidr} (${hostsText(prefix)}): cut off what is outside`);
    const clash = ranges.slice(0, index).findIndex((other) => overlap({ from, to }, toSpan(other)));
    if (clash >= 0) report('error', at, `${name} overlaps ${noun} ${clash + 1} of this network: join them into one`);
  });
}

/** What else is wrong with a range that does not fit is noise. */
function fits(range: Range, prefix: Prefix): boolean {
  const { from, to } = toSpan(range);
  return from <= to && isHost(prefix, from) && isHost(prefix, to);
}

/** A dynamic range must leave out what is somebody's already. */
function checkInfrastructure(network: Network, range: Range, say: (message: string) => void): void {
  for (const [what, address] of [['the server address', network.serverAddress], ['the gateway', network.gateway]] as const) {
    if (address === null || !holdsAddress(toSpan(range), address)) continue;
    say(`${what} ${address} is inside the range ${textOf(range)}: it would be given to a machine; split the range around it`);
  }
}

function inReserved(network: Network, what: string, reserved: Range): string {
  const why = isManaged(network) ? 'of which nobody gets an address' : 'which on an unmanaged network is for reservations';
  return `${what} overlaps the reserved range ${textOf(reserved)}, ${why}: take the one out of the other`;
}

export function checkReservations(network: Network, prefix: Prefix, report: Report): void {
  const seen = { mac: new Map<string, number>(), address: new Map<string, number>(), hostname: new Map<string, number>() };
  network.reservations.forEach(({ mac, address, hostname }, index) => {
    const path = `/reservations/${index}`;
    const before = { mac: seen.mac.get(mac), address: seen.address.get(address), hostname: hostname === undefined ? undefined : seen.hostname.get(hostname) };
    if (before.mac !== undefined) report('error', path, `${mac} has reservation ${before.mac + 1} already: keep one`);
    if (before.address !== undefined) report('error', path,
      `${address} is reserved by reservation ${before.address + 1} already: give one of the two another address`);
    if (before.hostname !== undefined) report('warning', path,
      `reservation ${before.hostname + 1} is called ${hostname} too: a name server would have two addresses for it; give one of the two another name`);
    checkReservedAddress(network, { prefix, path, address, mac }, report);
    seen.mac.set(mac, index);
    seen.address.set(address, index);
    if (hostname !== undefined) seen.hostname.set(hostname, index);
  });
}

type Kept = { prefix: Prefix; path: string; address: string; mac: string };

function checkReservedAddress(network: Network, { prefix, path, address, mac }: Kept, report: Report): void {
  if (!isHost(prefix, toNumber(address))) return report('error', path,
    `${address} is no host address of ${network.cidr}: reserve one from ${hostsText(prefix).replace(' - ', ' to ')}`);
  if (address === network.serverAddress || address === network.gateway) {
    return report('error', path, `${address} is the ${address === network.gateway ? 'gateway' : 'server'} of this network: reserve another address for ${mac}`);
  }
  const reserved = reservedRangesOf(network).find((range) => holdsAddress(toSpan(range), address));
  if (isManaged(network) && reserved !== undefined) {
    report('error', path,
      `${address} is inside the reserved range ${textOf(reserved)}, of which nobody gets an address: reserve another one for ${mac}, or split that range`);
  }
  if (!isManaged(network) && reserved === undefined) {
    report('error', path,
      `${address} is in no reserved range: this network is unmanaged, so an address that nobody gave us may be anybody's; `
      + `add a reserved range around it, or set managed`);
  }
}

const textOf = ({ from, to }: Range): string => `${from} - ${to}`;
