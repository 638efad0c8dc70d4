/** What the DHCP server saw (owner: dhcp). Observations keep the protocol's word. */
import { Type } from 'typebox';
import { defineEvent } from '../define-event.ts';
import { Ipv4Address, MacAddress } from '../primitives.ts';

const packet = {
  mac: MacAddress, network: Type.Union([Type.String(), Type.Null()]), xid: Type.String(), client: Type.String(),
  architecture: Type.Union([Type.Integer(), Type.Null()]), relay: Type.Union([Ipv4Address, Type.Null()]),
};

export const dhcpDiscover = defineEvent({ type: 'dhcp.discover', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A DHCPDISCOVER came in', data: packet });
export const dhcpRequest = defineEvent({ type: 'dhcp.request', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A DHCPREQUEST came in', data: { ...packet, address: Type.Union([Ipv4Address, Type.Null()]) } });
export const dhcpInform = defineEvent({ type: 'dhcp.inform', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A DHCPINFORM came in', data: packet });
export const dhcpNak = defineEvent({ type: 'dhcp.nak', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A DHCPNAK was sent', data: { ...packet, reason: Type.String() } });
export const dhcpIgnored = defineEvent({ type: 'dhcp.ignored', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A packet was not answered, and why', data: { ...packet, reason: Type.String() } });
