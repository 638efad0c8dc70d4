/** Power: what lifecycle asks for and what the BMC was seen to do. */
import { Type } from 'typebox';
import { defineEvent } from '../define-event.ts';
import { BootDevice, PowerAction, PowerState, PowerType } from '../node.ts';
import { Token } from '../primitives.ts';

export const powerRequested = defineEvent({
  type: 'power.requested', owner: 'lifecycle', stream: 'FACTS', key: 'node', doc: 'A machine is to be switched; the rack beside its BMC acts (data.rack)',
  data: {
    rack: Type.String(), action: PowerAction, bootDevice: BootDevice, type: PowerType, firmware: Type.Union([Type.Literal('bios'), Type.Literal('uefi'), Type.Null()]),
    /** The node's count of power requests: a newer one supersedes those before it. */
    sequence: Type.Integer({ minimum: 1 }),
    /** The revision of bucket boot-policies that the rack must have seen before the machine may come on; added by the relay. */
    policyRevision: Type.Optional(Type.Integer({ minimum: 0 })),
    attempt: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  },
});

const outcome = { sequence: Type.Integer({ minimum: 0 }), action: PowerAction };

export const powerChanged = defineEvent({
  type: 'power.changed', owner: 'power', stream: 'FACTS', key: 'node', doc: 'A requested change was made and confirmed by reading the state back',
  data: {
    ...outcome, state: PowerState, previous: PowerState,
    /** true: read back; false: the BMC keeps no readable setting, the next DISCOVER has to prove it; null: none was asked for. */
    bootDeviceVerified: Type.Union([Type.Boolean(), Type.Null()]), seconds: Type.Number(),
  },
});
export const powerFailed = defineEvent({
  type: 'power.failed', owner: 'power', stream: 'FACTS', key: 'node', doc: 'A requested change could not be made or not be confirmed',
  data: { ...outcome, reason: Token, message: Type.String({ maxLength: 2000 }), final: Type.Boolean() },
});
export const powerObserved = defineEvent({
  type: 'power.observed', owner: 'power', stream: 'FACTS', key: 'node', doc: 'The power state differs from what was last known, or was asked for',
  data: { ...outcome, state: PowerState },
});
