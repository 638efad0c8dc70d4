/** Who a machine is: MAC first, then serial and UUID together. Zero, shared and placeholder values prove nothing. */
import { createHash } from 'node:crypto';
import type { Mac, NodeId } from '@ironbus/contracts';
import { adjectives, nouns } from './words.ts';
import type { NodeRecord } from './record.ts';

/** Vendors leave these in firmware (seen in dmidecode dumps of many boards); compared in lower case without blanks. */
const placeholders = new Set([
  '', '0', '00', 'none', 'n/a', 'na', 'null', 'unknown', 'default', 'defaultstring', 'tobefilledbyo.e.m.', 'tobefilledbyoem', 'notspecified',
  'notapplicable', 'notavailable', 'notsettable', 'empty', 'oem', 'o.e.m.', 'systemserialnumber', 'serialnumber', 'chassisserialnumber', 'invalid',
  '0123456789', '123456789', '1234567890', '01234567890123456789ab',
]);
/** American Megatrends and others ship these to many machines. */
const sharedUuids = new Set([
  '03000200-0400-0500-0006-000700080009', '12345678-1234-5678-90ab-cddeefaabbcc', '11111111-2222-3333-4444-555555555555',
  '00020003-0004-0005-0006-000700080009', 'fefefefe-fefe-fefe-fefe-fefefefefefe',
]);

/** One text for serial and UUID; undefined where either says nothing about this very machine. */
export function hardwareKey(machine: { uuid: string | null; serial: string | null }): string | undefined {
  const serial = machine.serial?.trim().toLowerCase() ?? '';
  const uuid = machine.uuid?.trim().toLowerCase() ?? '';
  if (placeholders.has(serial.replace(/\s/g, '')) || /^(.)\1*$/.test(serial)) return undefined;
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) || sharedUuids.has(uuid)) return undefined;
  if (/^(.)\1*$/.test(uuid.replaceAll('-', ''))) return undefined;
  return createHash('sha256').update(`${uuid}\n${serial}`).digest('hex').slice(0, 32);
}

/**
 * Whether a node with the same serial and UUID really is the machine of this MAC. Once its inventory is known, a MAC that
 * is not in it is another machine with cloned values, or a card added since: a person decides, nothing is merged.
 */
export function isSameMachine(record: NodeRecord, mac: Mac): boolean {
  const { inventory } = record.own;
  return inventory === null || inventory.nics.some((nic) => nic.mac === mac);
}

const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

const digest = (seed: string, salt: number): Buffer => createHash('sha256').update(`${seed}\n${salt}`).digest();

/** A node id of six characters, the same for the same cause; `salt` counts collisions. It always begins with a letter. */
export function mintNodeId(seed: string, salt: number): NodeId {
  const bytes = digest(`id ${seed}`, salt);
  const letters = [...bytes.subarray(0, 6)].map((byte, index) => alphabet[byte % (index === 0 ? 24 : 32)]);
  return letters.join('') as NodeId;
}

/** A host name that can be said aloud, the same for the same cause. After a few collisions it carries a number. */
export function mintHostname(seed: string, salt: number): string {
  const bytes = digest(`name ${seed}`, salt);
  const word = (list: readonly string[], at: number): string => list[bytes.readUInt16BE(at) % list.length] ?? 'node';
  const name = `${word(adjectives, 0)}-${word(nouns, 2)}`;
  return salt < 3 ? name : `${name}-${bytes.readUInt16BE(4) % 10_000}`;
}
