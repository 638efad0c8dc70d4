/** Leases as the api keeps and shows them: from dhcp's facts, by rack, network and MAC. */
import {
  leaseDeclined, leaseExpired, leaseGranted, leaseReleased, leaseRenewed,
  type DataOf, type Envelope, type Ipv4, type Mac, type Network, type Node,
} from '@ironbus/contracts';

/** One entry. `endsAt`: when the lease runs out, or the quarantine of a declined address. */
export type LeaseRecord = {
  rack: string; network: string; mac: Mac; address: Ipv4; hostname: string | null; client: string | null; endsAt: string; sequence: number; declined: boolean;
};

/**
 * What one fact does. `lease`: the holding of rack, network and MAC (null ends it); `quarantine`: what becomes of the entry of a
 * declined address (null: nothing is in its way any more). `memoryUntilMs`: until then an older sequence counts as older news;
 * a rack that lost its Redis counts from one again, and its facts are taken once the old lease is long over.
 */
export type LeaseChange = {
  key: string; sequence: number; atMs: number; memoryUntilMs: number; lease: LeaseRecord | null; quarantineKey: string; quarantine: LeaseRecord | null;
};

const marginMs = 3_600_000;

export const leaseKey = (rack: string, network: string, mac: string): string => `${rack}/${network}/${mac}`;

export function changeOf(event: Envelope): LeaseChange | undefined {
  const rack = event.source.split('/')[2] ?? '';
  const atMs = Date.parse(event.time);
  const data = event.data as DataOf<typeof leaseGranted | typeof leaseReleased | typeof leaseDeclined>;
  const { mac, address, network, sequence, hostname = null } = data;
  const base = { rack, network, mac, address, hostname, sequence };
  const change = { key: leaseKey(rack, network, mac), sequence, atMs, quarantineKey: leaseKey(rack, network, address), quarantine: null };
  switch (event.type) {
    case leaseGranted.type: case leaseRenewed.type: {
      const { expiresAt, client } = data as DataOf<typeof leaseGranted>;
      return { ...change, memoryUntilMs: Math.max(atMs, Date.parse(expiresAt)) + marginMs, lease: { ...base, client, endsAt: expiresAt, declined: false } };
    }
    case leaseReleased.type: case leaseExpired.type: return { ...change, memoryUntilMs: atMs + marginMs, lease: null };
    case leaseDeclined.type: {
      const { quarantinedUntil } = data as DataOf<typeof leaseDeclined>;
      return { ...change, memoryUntilMs: atMs + marginMs, lease: null, quarantine: { ...base, client: null, endsAt: quarantinedUntil, declined: true } };
    }
  }
  return undefined;
}

/** `expired`: it ran out, and its rack has not said yet that the address is free. */
export type LeaseState = 'active' | 'expired' | 'declined';
export type Lease = {
  mac: Mac; address: Ipv4; network: string; rack: string; hostname: string | null; domainName: string | null; expiresAt: string; state: LeaseState;
  client: string | null; sequence: number; node: string | null;
};
export type LeaseFilter = { network?: string | undefined; mac?: string | undefined; address?: string | undefined };

export const stateOf = ({ declined, endsAt }: LeaseRecord, nowMs: number): LeaseState =>
  (declined ? 'declined' : Date.parse(endsAt) > nowMs ? 'active' : 'expired');

const dayMs = 86_400_000;
/** A quarantine ends by itself; a lease whose rack says nothing for a day after its end is nobody's any more (its network was removed). */
export const isOver = (record: LeaseRecord, nowMs: number): boolean => Date.parse(record.endsAt) + (record.declined ? 0 : dayMs) <= nowMs;

export type LeaseWorld = { networks: readonly Network[]; nodes: readonly Node[]; nowMs: number };

/** What a person sees, by network and address. The domain name is the host name in the network's domain. */
export function showLeases(records: readonly LeaseRecord[], filter: LeaseFilter, { networks, nodes, nowMs }: LeaseWorld): Lease[] {
  const domains = new Map(networks.map(({ id, domain }) => [id, domain]));
  const owners = new Map(nodes.flatMap((node) => node.macs.map((mac) => [mac, node.id] as const)));
  return records.filter((record) => matches(record, filter)).map((record): Lease => {
    const { mac, address, network, rack, hostname, client, sequence } = record;
    const domain = domains.get(network) ?? null;
    return {
      mac, address, network, rack, hostname, domainName: hostname === null || domain === null ? null : `${hostname}.${domain}`,
      expiresAt: record.endsAt, state: stateOf(record, nowMs), client, sequence, node: owners.get(mac) ?? null,
    };
  }).sort((a, b) => a.network.localeCompare(b.network) || a.address.localeCompare(b.address, 'en', { numeric: true }));
}

const matches = (record: LeaseRecord, { network, mac, address }: LeaseFilter): boolean =>
  (network === undefined || record.network === network) && (mac === undefined || record.mac === mac) && (address === undefined || record.address === address);
