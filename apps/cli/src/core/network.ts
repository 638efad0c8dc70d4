/** Networks, their wires and their state as tables and pages. */
import type { DhcpOption, ForeignServer, Network, Reservation } from '@ironbus/contracts';
import { formatFields, formatTable, type Cell } from './table.ts';

type Served = 'authoritative' | 'proxy' | 'shadow' | 'off' | 'probing' | 'refused' | 'no-device' | 'unknown' | 'unserved';
export type Replica = {
  rack: string; instance: string; at: string; stale: boolean; storeReady: boolean; state: Served; why: string | null;
  others: readonly (ForeignServer & { seenAt: string })[];
};
export type NetworkStatus = { network: string; mode: Network['mode']; state: Served; why: string | null; servers: readonly Replica[]; warnings: readonly {
  path: string; message: string }[] };
export type Fabric = { id: string; vlans: readonly {
  vid: number; name: string | null; networks: readonly (Pick<Network,
  'id' | 'cidr' | 'mode' | 'rack' | 'interface' | 'relayed'> & { managed: boolean })[] }[] };

export const networkHeaders = ['ID', 'RACK', 'INTERFACE', 'CIDR', 'MODE', 'SERVER', 'RANGES', 'UNKNOWN MACHINES', 'FABRIC', 'VLAN'] as const;

export const networkRow = (network: Network): Cell[] => [
  network.id, network.rack, network.interface, network.cidr, network.mode, network.serverAddress, network.dynamicRanges.map(rangeText).join(' '),
    network.unknownMachines,
  network.fabric, network.vlan === undefined ? undefined : vlanText(network.vlan),
];

const rangeText = ({ from, to }: { from: string; to: string }): string => `${from}-${to}`;
const vlanText = ({ vid, name }: { vid: number; name?: string | null }): string =>
  `${vid === 0 ? 'untagged' : vid}${name === undefined || name === null ? '' : ` (${name})`}`;
const optionText = ({ code, type, value, always }: DhcpOption): string => `${code}=${type}:${value}${always === true ? ' always' : ''}`;

function reservationText({ mac, address, hostname, loader, options = [] }: Reservation): string {
  return [mac, address, hostname, loader === undefined ? undefined : `loader ${loader}`, ...options.map(optionText)].filter((word) =>
    word !== undefined).join(' ');
}

/** Every field by its own name; lists as a person would say them. */
export function describeNetwork(network: Network): string {
  const texts: Partial<Record<keyof Network, string>> = {
    vlan: network.vlan === undefined ? '' : vlanText(network.vlan),
    dynamicRanges: network.dynamicRanges.map(rangeText).join(', '),
    reservedRanges: (network.reservedRanges ?? []).map((range) => `${rangeText(range)}${range.comment === undefined ? '' : ` (${range.comment})`}`).join(', '),
    reservations: network.reservations.map(reservationText).join(', '),
    staticRoutes: (network.staticRoutes ?? []).map(({ destination, gateway }) => `${destination} via ${gateway}`).join(', '),
    options: (network.options ?? []).map(optionText).join(', '),
    dnsServers: network.dnsServers.join(', '), ntpServers: network.ntpServers.join(', '), searchDomains: (network.searchDomains ?? []).join(', '),
  };
  return formatFields(Object.entries(network).map(([name, value]) => {
    const text = texts[name as keyof Network];
    return [name, text ?? (typeof value === 'object' && value !== null ? JSON.stringify(value) : value as Cell)];
  }));
}

export const fabricHeaders = ['FABRIC', 'VLAN', 'NETWORK', 'CIDR', 'MODE', 'RACK', 'INTERFACE', 'MANAGED'] as const;

/** A row for each network, under its fabric and VLAN. */
export const fabricRows = (fabrics: readonly Fabric[]): Cell[][] =>
  fabrics.flatMap(({ id: fabric, vlans }) => vlans.flatMap((vlan) => vlan.networks.map((network) => [
  fabric, vlanText(vlan), network.id, network.cidr, network.mode, network.rack, `${network.interface}${network.relayed ? ' (relayed)' : ''}`, network.managed
    ? 'yes' : 'no',
])));

/** `10.77.0.254 (offers 10.77.0.77, boot file pxelinux.0)` */
export function serverText({ serverId, from, offered, bootFile }: ForeignServer): string {
  const offers = [offered === null ? undefined : `offers ${offered}`, bootFile === null ? undefined : `boot file ${bootFile}`].filter((word) =>
    word !== undefined);
  return `${serverId ?? from}${offers.length === 0 ? '' : ` (${offers.join(', ')})`}`;
}

export const othersOf = ({ servers }: NetworkStatus): ForeignServer[] =>
  [...new Map(servers.filter(({ stale }) => !stale).flatMap(({ others }) => others).map((other) => [other.serverId ?? other.from, other])).values()];

const replicaHeaders = ['DHCP', 'STATE', 'LAST HEARD', 'REDIS', 'WHY'] as const;

export function describeStatus(status: NetworkStatus): string {
  const head = formatFields([
    ['network', status.network], ['mode', status.mode], ['state', status.state], ['why', status.why],
      ['other servers', othersOf(status).map(serverText).join(', ')],
    ...status.warnings.map(({ path, message }) => ['note', `${path} ${message}`] as const),
  ]);
  if (status.servers.length === 0) return head;
  const rows = status.servers.map(({ instance, state, at, stale, storeReady, why }): Cell[] =>
    [instance, stale ? 'silent' : state, at, storeReady ? 'yes' : 'no', why]);
  return `${head}\n\n${formatTable(replicaHeaders, rows)}`;
}

export const serverHeaders = ['SERVER', 'FROM', 'MAC', 'OFFERS', 'BOOT FILE'] as const;
export const serverRow = ({ serverId, from, mac, offered, bootFile }: ForeignServer): Cell[] => [serverId ?? from, from, mac, offered, bootFile];
