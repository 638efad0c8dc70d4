/**
 * What a machine is called. The first that is there wins: the reservation's name, the node's, the one that the client gives
 * itself (option 81 before option 12: RFC 4702 §3.1). A client can not take the name of a machine that a person named, for
 * those are told it; two clients that give themselves one name keep it in their leases both, and the DNS service that
 * follows the leases gives it to the one that had it first.
 */
import type { BootPolicy, Network, Reservation } from '@ironbus/contracts';
import { clientFqdn, FqdnFlag, hostName, type ClientFqdn, type DhcpMessage } from '@ironbus/wire';

export type HostName = {
  label: string;
  /** With the domain, no final dot; null where no domain is known. */
  fqdn: string | null;
  from: 'reservation' | 'node' | 'client';
};
export type NameQuestion = {
  message: DhcpMessage; network: Pick<Network, 'domain'>;
  reservation?: { hostname?: Reservation['hostname'] | undefined } | undefined; policy?: Pick<BootPolicy, 'hostname'> | undefined;
};

/** The name that counts: what options 12 and 81 answer, and what the lease says. Undefined where nobody gave one. */
export function nameFor({ message, network, reservation, policy }: NameQuestion): HostName | undefined {
  if (reservation?.hostname !== undefined) return named(reservation.hostname, 'reservation', network.domain);
  if (policy !== undefined) return named(policy.hostname, 'node', network.domain);
  const label = hostLabel(message);
  return label === undefined ? undefined : named(label, 'client', network.domain ?? ownDomain(message));
}

function named(label: string, from: HostName['from'], domain: string | null): HostName {
  const fqdn = `${label}.${domain?.replace(/\.$/, '') ?? ''}`;
  return { label, fqdn: domain !== null && isDomain(fqdn) ? fqdn : null, from };
}

/** The domain of a full name that the client gave itself, where the network has none. */
function ownDomain(message: DhcpMessage): string | null {
  const given = clientFqdn(message);
  const domain = given?.qualified === true ? given.name.split('.').slice(1).join('.') : '';
  return domain === '' ? null : domain.toLowerCase();
}

/** Lower case, the first label, letters, digits and dashes, at most 63; undefined when nothing usable is left (RFC 1123 §2.1). */
export function hostLabel(message: DhcpMessage): string | undefined {
  const given = clientFqdn(message)?.name || hostName(message);
  const label = given?.split('.')[0]?.toLowerCase().replace(/[^a-z0-9-]+/g, '-').replace(/^-+/, '').slice(0, 63).replace(/-+$/, '');
  return label === '' ? undefined : label;
}

/**
 * The answer to option 81 (RFC 4702 §4): nobody here updates a DNS (N), unless a DNS service follows the leases: then it
 * does (S), but for a client that wants none. O says that the client wished otherwise; E is the client's. Undefined where
 * the client sent no option 81, or where there is no name.
 */
export function fqdnReply(message: DhcpMessage, name: Pick<HostName, 'label' | 'fqdn'> | undefined, dnsFollows: boolean): ClientFqdn | undefined {
  const asked = clientFqdn(message);
  if (asked === undefined || name === undefined) return undefined;
  const has = (flag: number): boolean => (asked.flags & flag) !== 0;
  const updates = dnsFollows && !has(FqdnFlag.n);
  const encoded = asked.flags & FqdnFlag.e;
  const flags = encoded | (updates ? FqdnFlag.s : FqdnFlag.n) | (updates === has(FqdnFlag.s) ? 0 : FqdnFlag.o);
  // In the old ASCII form a final dot would become part of the name for the clients that still use it.
  return { flags, name: name.fqdn ?? name.label, qualified: encoded !== 0 && name.fqdn !== null };
}

/** Whether a text can be written as a domain name: labels of 1 to 63 bytes, 253 in all (RFC 1035 §2.3.4). */
export function isDomain(text: string): boolean {
  const name = text.replace(/\.$/, '');
  return Buffer.byteLength(name) <= 253 && name.split('.').every((label) => label !== '' && Buffer.byteLength(label) <= 63);
}
