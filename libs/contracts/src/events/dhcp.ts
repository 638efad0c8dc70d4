/** What the DHCP server saw (owner: dhcp). Observations keep the protocol's word. */
import { Type, type Static } from 'typebox';
import { defineEvent } from '../define-event.ts';
import { Ipv4Address, MacAddress, Timestamp, Token } from '../primitives.ts';

const packet = {
  mac: MacAddress, network: Type.Union([Type.String(), Type.Null()]), xid: Type.String(), client: Type.String(),
  architecture: Type.Union([Type.Integer(), Type.Null()]), relay: Type.Union([Ipv4Address, Type.Null()]),
};

export const dhcpDiscover = defineEvent({ type: 'dhcp.discover', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A DHCPDISCOVER came in', data: packet });
export const dhcpRequest = defineEvent({ type: 'dhcp.request', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A DHCPREQUEST came in', data: { ...packet, address: Type.Union([Ipv4Address, Type.Null()]) } });
export const dhcpInform = defineEvent({ type: 'dhcp.inform', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A DHCPINFORM came in', data: packet });
export const dhcpNak = defineEvent({ type: 'dhcp.nak', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A DHCPNAK was sent', data: { ...packet, reason: Type.String() } });
export const dhcpIgnored = defineEvent({ type: 'dhcp.ignored', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A packet was not answered, and why', data: { ...packet, reason: Type.String() } });

export const dhcpBootAnswered = defineEvent({
  type: 'dhcp.boot-answered', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A boot answer without an address: beside a foreign server, from a boot menu, to a Mac (PXE 2.1, BSDP)',
  data: { ...packet, rule: Type.String(), port: Type.Integer(), bootFile: Type.Optional(Type.String({ maxLength: 1024 })) },
});

/** A server that is not ours; `serverId` is option 54, `from` where its packet came from. */
export const ForeignServer = Type.Object({
  serverId: Type.Union([Ipv4Address, Type.Null()]), from: Ipv4Address, mac: Type.Union([MacAddress, Type.Null()]),
  /** What it would have given: the address and the boot file it offered, where it did. */
  offered: Type.Union([Ipv4Address, Type.Null()]), bootFile: Type.Union([Type.String({ maxLength: 1024 }), Type.Null()]),
});
export type ForeignServer = Static<typeof ForeignServer>;

const onNetwork = { network: Token, device: Type.String() };
const server = ForeignServer.properties;

export const dhcpRogueServerSeen = defineEvent({
  type: 'dhcp.rogue-server-seen', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'network', doc: 'Another DHCP server answers on a network that Ironbus is the authority of; told once per server and ten minutes',
  data: { ...onNetwork, ...server },
});
export const dhcpAuthorityRefused = defineEvent({
  type: 'dhcp.authority-refused', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'network', doc: 'A network set to authoritative is not answered, because other servers answer there already',
  data: { ...onNetwork, servers: Type.Array(ForeignServer, { maxItems: 64 }) },
});
export const dhcpProbed = defineEvent({
  type: 'dhcp.probed', owner: 'dhcp', stream: 'FACTS', key: 'network', doc: 'The answer to network.probe-requested: the DHCP servers that answered a DISCOVER there, our own left out',
  data: { ...onNetwork, servers: Type.Array(ForeignServer, { maxItems: 64 }), failure: Type.Union([Type.String({ maxLength: 500 }), Type.Null()]) },
});
export const dhcpAddressConflict = defineEvent({
  type: 'dhcp.address-conflict', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'network', doc: 'A free address answered a probe: somebody uses it without a lease; it is quarantined',
  data: { ...onNetwork, address: Ipv4Address, usedBy: Type.Union([MacAddress, Type.Null()]), how: Type.Union([Type.Literal('arp'), Type.Literal('icmp')]), quarantinedUntil: Timestamp },
});
export const dhcpStoreLost = defineEvent({
  type: 'dhcp.store-lost', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'instance', doc: 'Redis is away: known leases are extended from memory, new ones are refused', data: { instance: Type.String(), why: Type.String({ maxLength: 500 }), knownLeases: Type.Integer({ minimum: 0 }) },
});
export const dhcpStoreRegained = defineEvent({
  type: 'dhcp.store-regained', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'instance', doc: 'Redis is back', data: { instance: Type.String(), awaySeconds: Type.Number({ minimum: 0 }), extended: Type.Integer({ minimum: 0 }), refused: Type.Integer({ minimum: 0 }) },
});
export const dhcpFloodLimited = defineEvent({
  type: 'dhcp.flood-limited', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'device', doc: 'Packets were dropped by a limit; told once per limit and ten seconds, with the count since',
  data: { device: Type.String(), limit: Type.Union([Type.Literal('client'), Type.Literal('relay'), Type.Literal('port'), Type.Literal('device')]), of: Type.String({ maxLength: 200 }), dropped: Type.Integer({ minimum: 1 }) },
});
