/** What a machine tells its rack (owner: bootfiles). Keyed by node id, or mac-<mac> until lifecycle gave one. */
import { Type } from 'typebox';
import { CheckIn, Heartbeat, StepReport } from '../agent.ts';
import { StepKind } from '../boot-policy.ts';
import { defineEvent } from '../define-event.ts';
import { Inventory } from '../inventory.ts';
import { OperationKind } from '../node.ts';
import { IpAddressText, MacAddress, Timestamp, Token } from '../primitives.ts';

const who = { mac: MacAddress };
const attempt = Type.Integer({ minimum: 0 });

export const nodeCheckedIn = defineEvent({
  type: 'node.checked-in', owner: 'bootfiles', stream: 'FACTS', key: 'node', doc: 'The agent runs in the machine’s memory and asked for its plan',
  data: { ...CheckIn.properties, rack: Type.String(), network: Type.Union([Type.String(), Type.Null()]), operation: Type.Union([OperationKind, Type.Literal('none')]), attempt },
});
export const nodeInventoryReported = defineEvent({
  type: 'node.inventory-reported', owner: 'bootfiles', stream: 'FACTS', key: 'node', doc: 'What the machine is made of',
  data: { ...who, rack: Type.String(), attempt, inventory: Inventory },
});
export const nodeStepClaimed = defineEvent({
  type: 'node.step-claimed', owner: 'bootfiles', stream: 'FACTS', key: 'node', doc: 'The agent started a step; from here on its disks may have changed',
  data: { ...who, attempt, step: Token, kind: StepKind, claim: Type.Integer({ minimum: 1 }) },
});
export const nodeStepReported = defineEvent({
  type: 'node.step-reported', owner: 'bootfiles', stream: 'FACTS', key: 'node', doc: 'The agent finished a step, or gave up on it',
  data: { ...who, ...StepReport.properties, step: Token, kind: StepKind, last: Type.Boolean() },
});
export const nodeHeartbeat = defineEvent({
  type: 'node.heartbeat', owner: 'bootfiles', stream: 'OBSERVATIONS', key: 'node', doc: 'A step goes on', data: { ...who, ...Heartbeat.properties },
});
export const nodeLogReported = defineEvent({
  type: 'node.log-reported', owner: 'bootfiles', stream: 'OBSERVATIONS', key: 'node', doc: 'Lines for a person, from the machine', data: { ...who, text: Type.String({ maxLength: 65_536 }) },
});
export const nodePhonedHome = defineEvent({
  type: 'node.phoned-home', owner: 'bootfiles', stream: 'FACTS', key: 'node', doc: 'The installed system booted from its disk and called with its single-use token',
  data: { ...who, attempt, address: IpAddressText, hostname: Type.Union([Type.String({ maxLength: 253 }), Type.Null()]), hostKeys: Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 10 }) },
});
export const nodeStatusReported = defineEvent({
  type: 'node.status-reported', owner: 'bootfiles', stream: 'OBSERVATIONS', key: 'node', doc: 'How the installed system’s first boot goes on, as cloud-init or curtin tells it',
  data: {
    ...who, attempt, eventType: Type.Union([Type.Literal('start'), Type.Literal('progress'), Type.Literal('finish')]), name: Type.String({ maxLength: 256 }),
    description: Type.String({ maxLength: 1000 }), result: Type.Union([Type.Literal('SUCCESS'), Type.Literal('WARN'), Type.Literal('FAIL'), Type.Null()]),
    origin: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
    /** By the machine's own clock, which may be wrong. */
    at: Type.Union([Timestamp, Type.Null()]),
    /** Paths of attached files; their content is dropped. */
    files: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 16 }),
  },
});
