/** A machine that nobody knew becomes a node. */
import type { Mac, Node } from '@ironbus/contracts';
import { mintHostname, mintNodeId } from './identity.ts';
import { emptyOwn, type Input, type NodeRecord } from './record.ts';

type Newcomer = { seed: string; input: Input; macs: Mac[]; hostname?: string | undefined };

/** A New node whose id and name follow from the event that caused it, so that a redelivery makes the same ones. */
export function newRecord({ seed, input, macs, hostname }: Newcomer): NodeRecord {
  const at = input.now.toISOString();
  const node: Node = {
    id: mintNodeId(seed, input.salt), version: 1, status: 'New', statusMessage: '', hostname: hostname ?? mintHostname(seed, input.salt),
    macs, bootMac: null, uuid: null, serial: null, architecture: null, firmware: null, secureBoot: false, bootRack: null, bmcRack: null,
    power: { type: 'manual', address: null, parametersSet: false, state: 'unknown', observedAt: null, bootDeviceVerified: null },
    hardware: null, tags: [], owner: null, held: false, quarantined: false, locked: false, detached: false, addresses: [], reservedAddress: null,
    operation: null, deployment: null, failure: null, createdAt: at, updatedAt: at,
  };
  return { node, own: emptyOwn() };
}
