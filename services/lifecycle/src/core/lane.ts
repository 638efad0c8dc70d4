/**
 * Which events must not overtake each other (docs/adr/0009-total-order.md). Facts that name a MAC, a node, a serial with its UUID or
 * a name in common keep their order; a request waits for everything before it, and everything after it waits for the request. Pure.
 */
import { hardwareKey, mintHostname } from './identity.ts';
import { isRequest } from './turn.ts';
import type { LifecycleEvent, MachineEvent, PowerEvent } from './record.ts';

export function laneOf(event: LifecycleEvent): readonly string[] | 'alone' {
  return isRequest(event) ? 'alone' : [...nodeOf(event), ...machineOf(event)];
}

const isProvisional = (id: string): boolean => id.startsWith('mac-');

function nodeOf({ nodeid, subject }: LifecycleEvent): string[] {
  const id = nodeid ?? subject;
  return isProvisional(id) ? [] : [`node ${id}`];
}

function machineOf(event: MachineEvent | PowerEvent): string[] {
  if (!('mac' in event.data)) return [];
  const { mac } = event.data;
  switch (event.type) {
    case 'node.checked-in': return [`mac ${mac}`, ...hardwareOf(event.data), ...nameOf(event)];
    case 'node.inventory-reported': {
      const { nics, dmi } = event.data.inventory;
      return [...new Set([mac, ...nics.map((nic) => nic.mac)].map((each) => `mac ${each}`)), ...hardwareOf(dmi), ...nameOf(event)];
    }
    default: return [`mac ${mac}`];
  }
}

function hardwareOf(machine: { uuid: string | null; serial: string | null }): string[] {
  const key = hardwareKey(machine);
  return key === undefined ? [] : [`hardware ${key}`];
}

/** The host name that a machine gets if it turns out to be a new one: of two that would get the same, the first in the log does. */
const nameOf = ({ id, nodeid, subject }: MachineEvent): string[] => isProvisional(nodeid ?? subject) ? [`name ${mintHostname(id, 0)}`] : [];
