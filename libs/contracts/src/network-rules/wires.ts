/**
 * Networks beside each other. Networks of one rack, fabric and VLAN are on one wire: packets of their machines come in together,
 * so they are served in one way. Where no fabric is named the device says which wire it is, as dhcp sees it.
 */
import type { Network } from '../network.ts';
import { overlap, readPrefix, toSpan } from './address.ts';
import type { Report } from './report.ts';

/** The same prefix may be served by two racks; two prefixes that overlap without being equal never make sense. */
export function checkPair(network: Network, other: Network, report: Report): void {
  checkPrefixes(network, other, report);
  if (network.rack !== other.rack) return checkVlanName(network, other, report);
  const one = onOneWire(network, other);
  if (one) checkOneWire(network, other, report);
  if (!network.relayed && !other.relayed) checkDevices(network, other, { one, report });
  checkVlanName(network, other, report);
}

export const fabricOf = ({ fabric = 'fabric-0' }: Pick<Network, 'fabric'>): string => fabric;
export const vidOf = ({ vlan }: Pick<Network, 'vlan'>): number => vlan?.vid ?? 0;

/** By the names that persons gave; where one of the two has none, networks that are not relayed share a wire by their device. */
function onOneWire(network: Network, other: Network): boolean {
  if (isNamed(network) && isNamed(other)) return fabricOf(network) === fabricOf(other) && vidOf(network) === vidOf(other);
  return !network.relayed && !other.relayed && network.interface === other.interface;
}

const isNamed = ({ fabric, vlan }: Network): boolean => fabric !== undefined || vlan !== undefined;

function checkPrefixes(network: Network, other: Network, report: Report): void {
  const mine = readPrefix(network.cidr);
  const theirs = readPrefix(other.cidr);
  if (mine === undefined || theirs === undefined || mine.first > theirs.last || theirs.first > mine.last) return;
  if (mine.length !== theirs.length || mine.first !== theirs.first) {
    return report('error', '/cidr',
      `${network.cidr} overlaps ${other.cidr} of network ${other.id}: a machine's address would not say where it is; change one of the two`);
  }
  if (network.rack === other.rack) return report('error', '/cidr',
    `${network.cidr} is network ${other.id} of rack ${network.rack} already: change that one instead`);
  const shared = network.dynamicRanges.findIndex((range) => other.dynamicRanges.some((taken) => overlap(toSpan(range), toSpan(taken))));
  if (shared >= 0 && network.mode === 'authoritative' && other.mode === 'authoritative') {
    report('error', `/dynamicRanges/${shared}`,
      `rack ${other.rack} gives out addresses of this range too (network ${other.id}), from leases of its own: give each rack a part of ${network.cidr}`);
  }
}

/** A network that is off is as if it were not there. */
function checkOneWire(network: Network, other: Network, report: Report): void {
  if (network.mode === 'off' || other.mode === 'off') return;
  if (network.mode !== other.mode) {
    report('error', '/mode',
      `${network.mode} beside network ${other.id}, which is ${other.mode} on the same wire (${wireText(network)}): `
      + `a packet does not say which of the two it is for; give both one mode, or set one off`);
  }
  network.reservations.forEach(({ mac }, index) => {
    if (other.reservations.some((theirs) => theirs.mac === mac)) {
      report('error', `/reservations/${index}`,
        `${mac} has a reservation in network ${other.id} on the same wire: a machine gets one address there; keep one of the two`);
    }
  });
}

/** What a device hears is one VLAN, and one VLAN comes in by one device. */
function checkDevices(network: Network, other: Network, { one, report }: { one: boolean; report: Report }): void {
  if (one && network.interface !== other.interface) {
    report('error', '/interface',
      `${wireText(network)} is at ${other.interface} already (network ${other.id}): name that interface here, another fabric for another wire, `
      + `or set relayed if a relay brings its packets`);
  }
  if (network.interface !== other.interface) return;
  const fabrics = isNamed(network) && isNamed(other) && fabricOf(network) !== fabricOf(other);
  if (!fabrics && vidOf(network) === vidOf(other)) return;
  report('error', fabrics ? '/fabric' : '/vlan',
    `${network.interface} is ${wireText(other)} already (network ${other.id}), so it can not be ${wireText(network)} too: give both the same, `
    + `or make a VLAN interface such as ${network.interface.slice(0, 10)}.${vidOf(network) || vidOf(other) || 10} and name it here`);
}

function checkVlanName(network: Network, other: Network, report: Report): void {
  const [mine, theirs] = [network.vlan?.name, other.vlan?.name];
  if (mine === undefined || theirs === undefined || mine === theirs) return;
  if (fabricOf(network) !== fabricOf(other) || vidOf(network) !== vidOf(other)) return;
  report('warning', '/vlan/name', `${wireText(network)} is called ${theirs} by network ${other.id}: give it one name`);
}

function wireText(network: Network): string {
  const vid = vidOf(network);
  return `${vid === 0 ? 'the untagged VLAN' : `VLAN ${vid}`}${isNamed(network) ? ` of ${fabricOf(network)}` : ''}`;
}
