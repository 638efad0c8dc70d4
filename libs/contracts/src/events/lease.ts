/** Facts about addresses (owner: dhcp). */
import { Type } from 'typebox';
import { defineEvent } from '../define-event.ts';
import { DurationSeconds, Hostname, Ipv4Address, MacAddress, Timestamp } from '../primitives.ts';

const lease = {
  mac: MacAddress, address: Ipv4Address, network: Type.String(), leaseSeconds: DurationSeconds,
  /** Counts the changes of this MAC's lease; a reader drops what is not newer. */
  sequence: Type.Integer({ minimum: 0 }),
  hostname: Type.Optional(Hostname),
};

export const leaseOffered = defineEvent({
  type: 'lease.offered', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'DHCPOFFER sent (RFC 2131 §4.3.1)',
  data: {
    mac: MacAddress, address: Ipv4Address, network: Type.String(), leaseSeconds: DurationSeconds,
    client: Type.String(), rule: Type.String(), bootFile: Type.Optional(Type.String({ maxLength: 1024 })),
  },
});
export const leaseGranted = defineEvent({
  type: 'lease.granted', owner: 'dhcp', stream: 'FACTS', key: 'mac', doc: 'A client holds an address it did not hold before (RFC 2131 §4.3.2)',
  data: { ...lease, expiresAt: Timestamp, client: Type.String() },
});
export const leaseRenewed = defineEvent({
  type: 'lease.renewed', owner: 'dhcp', stream: 'FACTS', key: 'mac', doc: 'A client extended the lease of its address, or asked for it again after a reboot',
  data: { ...lease, expiresAt: Timestamp, client: Type.String() },
});
export const leaseReleased = defineEvent({
  type: 'lease.released', owner: 'dhcp', stream: 'FACTS', key: 'mac', doc: 'A client gave its address back (RFC 2131 §4.3.4)', data: lease,
});
export const leaseExpired = defineEvent({
  type: 'lease.expired', owner: 'dhcp', stream: 'FACTS', key: 'mac', doc: 'A lease ran out and its grace period too: the address may go to another machine', data: lease,
});
export const leaseDeclined = defineEvent({
  type: 'lease.declined', owner: 'dhcp', stream: 'FACTS', key: 'mac', doc: 'A client found its address in use by somebody else (RFC 2131 §4.3.3); the address is quarantined',
  data: { ...lease, quarantinedUntil: Timestamp },
});
