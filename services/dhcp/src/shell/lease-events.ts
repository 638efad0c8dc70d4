/** Lease events as outbox rows: the script alone knows the sequence, so each row comes in two halves around it. */
import {
  leaseDeclined, leaseExpired, leaseGranted, leaseReleased, leaseRenewed, macToken, makeEvent,
  type Context, type DataOf, type EventDefinition, type Ipv4, type Mac, type Origin,
} from '@ironbus/contracts';

export type Subject = { mac: Mac; address: Ipv4; network: string; leaseSeconds: number; hostname?: string | undefined } & Context;
export type Halves = readonly [head: string, tail: string];

const mark = '"sequence":0';

export const grantedRow = (origin: Origin, subject: Subject, held: { expiresAt: string; client: string }): Halves => halves(leaseGranted, origin, subject, held);
export const renewedRow = (origin: Origin, subject: Subject, held: { expiresAt: string; client: string }): Halves => halves(leaseRenewed, origin, subject, held);
export const releasedRow = (origin: Origin, subject: Subject): Halves => halves(leaseReleased, origin, subject, {});
export const expiredRow = (origin: Origin, subject: Subject): Halves => halves(leaseExpired, origin, subject, {});
export const declinedRow = (origin: Origin, subject: Subject, quarantinedUntil: string): Halves => halves(leaseDeclined, origin, subject, { quarantinedUntil });

/** Throws EVENT_INVALID where the data violates the schema: a defect, for everything in it was checked before. */
function halves<D extends EventDefinition>(definition: D, origin: Origin, subject: Subject, more: object): Halves {
  const { mac, address, network, leaseSeconds, hostname, ...context } = subject;
  const data = { mac, address, network, leaseSeconds, sequence: 0, ...(hostname !== undefined && { hostname }), ...more };
  const event = makeEvent(definition, origin, { key: macToken(mac), data: data as unknown as DataOf<D>, ...context });
  const text = JSON.stringify({ kind: 'event', event });
  // The mark can not be inside a value: JSON escapes the quotes there.
  const at = text.lastIndexOf(mark) + mark.length - 1;
  return [text.slice(0, at), text.slice(at + 1)];
}
