/**
 * Who a client is: its Ethernet address, else a stand-in of the same form, so that leases, events and subjects have one kind
 * of key. Only the hardware address counts; option 61 only where there is none (docs/adr/0013).
 */
import { createHash } from 'node:crypto';
import { parseMac, type Mac } from '@ironbus/contracts';
import { clientKey, hardwareMac, type DhcpMessage } from '@ironbus/wire';

/**
 * Undefined where nothing tells the client from others: a multicast or empty Ethernet address, or neither address nor
 * option 61. A stand-in is a locally administered address: 0x02 and the first 40 bits of a hash of type and address.
 */
export function hardwareOf(message: DhcpMessage): Mac | undefined {
  const mac = parseMac(hardwareMac(message) ?? '');
  if (mac !== undefined) return isGroup(message) ? undefined : mac;
  const key = clientKey(message);
  return key === undefined ? undefined : parseMac(`02${createHash('sha256').update(key).digest('hex').slice(0, 10)}`);
}

/** A multicast address, broadcast or all zeros can not be a client's. */
const isGroup = ({ chaddr }: DhcpMessage): boolean => ((chaddr[0] ?? 0) & 1) === 1 || chaddr.every((byte) => byte === 0);
