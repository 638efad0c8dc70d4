/**
 * Whether networks make sense as a whole: inside themselves and beside each other. Pure; the api asks before it saves,
 * dhcp may ask before it serves. Every message says what is wrong, where, and what to do.
 */
import type { Network } from '../network.ts';
import { hasHostBits, isHost, prefixText, readPrefix, toNumber, type Prefix } from './address.ts';
import { checkBootMenu } from './boot-menu.ts';
import { checkNames } from './names.ts';
import { checkOptions } from './options.ts';
import { checkRanges, checkReservations, isManaged, reservedRangesOf } from './ranges.ts';
import type { NetworkProblem, Report } from './report.ts';
import { checkRoutes } from './routes.ts';
import { checkPair } from './wires.ts';

/** Checks each network alone and against the others; an empty list means that all is well. */
export function validateNetworks(networks: readonly Network[]): NetworkProblem[] {
  const problems: NetworkProblem[] = [];
  const reporter = (network: Network): Report => (severity, path, message) => { problems.push({ network: network.id, severity, path, message }); };
  networks.forEach((network, index) => {
    checkOne(network, reporter(network));
    for (const other of networks.slice(0, index)) checkPair(network, other, reporter(network));
  });
  return problems;
}

function checkOne(network: Network, report: Report): void {
  const prefix = readPrefix(network.cidr);
  if (prefix === undefined) return report('error', '/cidr',
    `${network.cidr} is no IPv4 prefix: write an address and a length from 0 to 32, such as 10.77.0.0/24`);
  if (hasHostBits(network.cidr, prefix)) report('error', '/cidr', `${network.cidr} has host bits set: write ${prefixText(prefix)}`);
  checkAddresses(network, prefix, report);
  checkRanges(network, prefix, report);
  checkReservations(network, prefix, report);
  checkRoutes(network, prefix, report);
  checkNames(network, report);
  checkServers(network, prefix, report);
  checkOptions(network, report);
  checkBootMenu(network, report);
  checkMode(network, report);
  checkMtu(network, report);
}

function checkAddresses(network: Network, prefix: Prefix, report: Report): void {
  const server = toNumber(network.serverAddress);
  if (!network.relayed && !isHost(prefix, server)) {
    report('error', '/serverAddress',
      `${network.serverAddress} is no host address of ${network.cidr}: give the rack's own address on this network, `
      + `or set relayed if a relay brings its packets`);
  }
  if (network.gateway === null) return;
  const gateway = toNumber(network.gateway);
  if (!isHost(prefix, gateway)) report('error', '/gateway',
    `the gateway ${network.gateway} is no host address of ${network.cidr}: machines could not reach it; correct it, or leave it out`);
}

/** Name and time servers: addresses that a host can have, each once. */
function checkServers(network: Network, prefix: Prefix, report: Report): void {
  for (const [field, noun, servers] of [['dnsServers', 'a DNS server', network.dnsServers], ['ntpServers', 'an NTP server', network.ntpServers]] as const) {
    servers.forEach((server, index) => {
      const path = `/${field}/${index}`;
      const address = toNumber(server);
      const inside = address >= prefix.first && address <= prefix.last;
      const unicast = address >= 2 ** 24 && address < 224 * 2 ** 24;
      if (!unicast || (inside && !isHost(prefix, address))) report('error', path, `${server} is no address that ${noun} can have: correct it, or leave it out`);
      if (servers.indexOf(server) < index) report('warning', path, `${server} is in the list already: leave one out`);
    });
  }
}

function checkMode(network: Network, report: Report): void {
  const { mode, dynamicRanges, reservations, leaseSeconds } = network;
  const answers = mode === 'authoritative' || mode === 'shadow';
  if (answers && dynamicRanges.length === 0 && reservations.length === 0) report('warning', '/dynamicRanges',
    'no address can be given out: add a dynamic range or reservations');
  if (mode === 'authoritative' && leaseSeconds < 60) report('error', '/leaseSeconds', `${leaseSeconds} s is too short for a lease: give it 60 s or more`);
  if (leaseSeconds >= 2 ** 32 - 1) report('error', '/leaseSeconds',
    `${leaseSeconds} s would be a lease for ever (RFC 2131 §3.3), whose address never comes back: give it less, `
    + `and machines that keep their address a reservation`);
  if (network.dnsServers.length === 0 && answers) report('warning', '/dnsServers',
    'without a DNS server debian-installer stops and waits for a person: name one, even if it is the gateway');
  if (mode === 'proxy' && dynamicRanges.length > 0) report('warning', '/dynamicRanges',
    'in proxy mode the other server gives out the addresses, and these ranges are not used: leave them out, or set the mode to authoritative');
  if (network.force === true && mode !== 'authoritative') report('warning', '/force',
    `force counts for the mode authoritative only, and this network is ${mode}: leave it out`);
  if (!isManaged(network) && answers && dynamicRanges.length === 0 && reservedRangesOf(network).length === 0) {
    report('warning', '/managed',
      'this network is unmanaged and has neither a dynamic nor a reserved range: no address of it is ours to give; add what its administrator gave us');
  }
}

function checkMtu({ mtu }: Network, report: Report): void {
  if (mtu === null || (mtu >= 1280 && mtu <= 9216)) return;
  const why = mtu < 1280 ? 'IPv6 needs 1280 at least (RFC 8200 §5), and boot files travel slowly' : 'most switches carry 9216 at most';
  report('warning', '/mtu', `an MTU of ${mtu} is unusual: ${why}; leave it out if nobody asked for it`);
}
