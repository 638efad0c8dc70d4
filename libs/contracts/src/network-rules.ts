/**
 * Whether networks make sense as a whole: inside themselves and beside each other. Pure; the api asks before it saves,
 * dhcp may ask before it serves. Every message says what is wrong, where, and what to do.
 */
import type { Network } from './network.ts';

export type NetworkProblem = {
  network: string;
  /** `error`: must not be saved. `warning`: works, but a person should know. */
  severity: 'error' | 'warning';
  /** JSON pointer into the network. */
  path: string;
  message: string;
};

type Prefix = { first: number; last: number; length: number };
type Report = (severity: NetworkProblem['severity'], path: string, message: string) => void;

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
  if (prefix === undefined) return report('error', '/cidr', `${network.cidr} is no IPv4 prefix: write an address and a length from 0 to 32, such as 10.77.0.0/24`);
  if (toNumber(network.cidr.split('/')[0] ?? '') !== prefix.first) {
    report('error', '/cidr', `${network.cidr} has host bits set: write ${toText(prefix.first)}/${prefix.length}`);
  }
  checkAddresses(network, prefix, report);
  checkRanges(network, prefix, report);
  checkReservations(network, prefix, report);
  const answers = network.mode === 'authoritative' || network.mode === 'shadow';
  if (answers && network.dynamicRanges.length === 0 && network.reservations.length === 0) {
    report('warning', '/dynamicRanges', 'no address can be given out: add a dynamic range or reservations');
  }
  if (network.mode === 'authoritative' && network.leaseSeconds < 60) report('error', '/leaseSeconds', `${network.leaseSeconds} s is too short for a lease: give it 60 s or more`);
  if (network.mode === 'proxy') report('error', '/mode', 'this version does not serve beside another DHCP server: choose authoritative, or shadow to see what would be answered, or off');
  if (network.dnsServers.length === 0 && answers) report('warning', '/dnsServers', 'without a DNS server debian-installer stops and waits for a person: name one, even if it is the gateway');
}

function checkAddresses(network: Network, prefix: Prefix, report: Report): void {
  const server = toNumber(network.serverAddress);
  if (!network.relayed && !isHost(prefix, server)) {
    report('error', '/serverAddress', `${network.serverAddress} is no host address of ${network.cidr}: give the rack's own address on this network, or set relayed if a relay brings its packets`);
  }
  if (network.gateway === null) return;
  const gateway = toNumber(network.gateway);
  if (!isHost(prefix, gateway)) report('error', '/gateway', `the gateway ${network.gateway} is no host address of ${network.cidr}: machines could not reach it; correct it, or leave it out`);
}

function checkRanges(network: Network, prefix: Prefix, report: Report): void {
  const ranges = network.dynamicRanges.map(({ from, to }) => ({ from: toNumber(from), to: toNumber(to) }));
  ranges.forEach(({ from, to }, index) => {
    const { from: fromText, to: toTextual } = network.dynamicRanges[index] ?? { from: '', to: '' };
    const path = `/dynamicRanges/${index}`;
    const name = `the range ${fromText} - ${toTextual}`;
    if (from > to) return report('error', path, `${name} ends before it begins: exchange from and to`);
    if (!isHost(prefix, from) || !isHost(prefix, to)) return report('error', path, `${name} is not inside the host addresses of ${network.cidr} (${toText(hosts(prefix).first)} - ${toText(hosts(prefix).last)})`);
    const clash = ranges.findIndex((other, at) => at < index && from <= other.to && other.from <= to);
    if (clash >= 0) report('error', path, `${name} overlaps range ${clash + 1} of this network: join them into one`);
    for (const [what, address] of [['the server address', network.serverAddress], ['the gateway', network.gateway]] as const) {
      if (address !== null && toNumber(address) >= from && toNumber(address) <= to) report('error', path, `${what} ${address} is inside ${name}: it would be given to a machine; split the range around it`);
    }
  });
}

function checkReservations(network: Network, prefix: Prefix, report: Report): void {
  const macs = new Map<string, number>();
  const addresses = new Map<string, number>();
  network.reservations.forEach(({ mac, address }, index) => {
    const path = `/reservations/${index}`;
    const sameMac = macs.get(mac);
    const sameAddress = addresses.get(address);
    if (sameMac !== undefined) report('error', path, `${mac} has reservation ${sameMac + 1} already: keep one`);
    if (sameAddress !== undefined) report('error', path, `${address} is reserved by reservation ${sameAddress + 1} already: give one of the two another address`);
    if (!isHost(prefix, toNumber(address))) report('error', path, `${address} is no host address of ${network.cidr}: reserve one from ${toText(hosts(prefix).first)} to ${toText(hosts(prefix).last)}`);
    if (address === network.serverAddress || address === network.gateway) report('error', path, `${address} is the ${address === network.gateway ? 'gateway' : 'server'} of this network: reserve another address for ${mac}`);
    macs.set(mac, index);
    addresses.set(address, index);
  });
}

/** The same prefix may be served by two racks; two prefixes that overlap without being equal never make sense. */
function checkPair(network: Network, other: Network, report: Report): void {
  const mine = readPrefix(network.cidr);
  const theirs = readPrefix(other.cidr);
  if (mine === undefined || theirs === undefined || mine.first > theirs.last || theirs.first > mine.last) return;
  const sameWire = network.rack === other.rack;
  if (mine.length !== theirs.length || mine.first !== theirs.first) {
    return report('error', '/cidr', `${network.cidr} overlaps ${other.cidr} of network ${other.id}: a machine's address would not say where it is; change one of the two`);
  }
  if (sameWire) return report('error', '/cidr', `${network.cidr} is network ${other.id} of rack ${network.rack} already: change that one instead`);
  const shared = network.dynamicRanges.findIndex((range) => other.dynamicRanges.some((taken) => toNumber(range.from) <= toNumber(taken.to) && toNumber(taken.from) <= toNumber(range.to)));
  if (shared >= 0 && network.mode === 'authoritative' && other.mode === 'authoritative') {
    report('error', `/dynamicRanges/${shared}`, `rack ${other.rack} gives out addresses of this range too (network ${other.id}), from leases of its own: give each rack a part of ${network.cidr}`);
  }
}

function readPrefix(cidr: string): Prefix | undefined {
  const [text = '', digits = ''] = cidr.split('/');
  const address = toNumber(text);
  const length = Number(digits);
  if (Number.isNaN(address) || !/^\d{1,2}$/.test(digits) || length > 32) return undefined;
  const size = 2 ** (32 - length);
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1, length };
}

/** Without network and broadcast address, except in a /31 (RFC 3021) and a /32. */
const hosts = ({ first, last, length }: Prefix): { first: number; last: number } => length >= 31 ? { first, last } : { first: first + 1, last: last - 1 };

const isHost = (prefix: Prefix, address: number): boolean => address >= hosts(prefix).first && address <= hosts(prefix).last;

/** NaN for what is no dotted quad: every comparison with it is false. */
function toNumber(address: string): number {
  const parts = address.split('.').map((part) => /^\d{1,3}$/.test(part) && Number(part) < 256 ? Number(part) : Number.NaN);
  return parts.length === 4 ? parts.reduce((sum, part) => sum * 256 + part, 0) : Number.NaN;
}

const toText = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
