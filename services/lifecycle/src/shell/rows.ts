/** A decision as outbox rows: policies first (a machine may ask before anybody reads the fact), then facts, then power. */
import {
  bootPoliciesBucket, macToken, makeEvent, nodeDeadlinePassed, nodeDiscovered, nodeRemoved, nodeRequestRefused, nodeTransitioned, nodeUpdated, powerRequested,
  reactionId, type Context, type Draft, type Envelope, type EventDefinition, type Origin,
} from '@ironbus/contracts';
import type { Row } from '@ironbus/store';
import { bootPolicy } from '../core/boot-policy.ts';
import type { Decision, NodeRecord, PowerEffect, Settings } from '../core/record.ts';

/** What led to the rows: ids of all events are derived from `id`, so that the same cause makes the same events. */
export type Cause = { id: string; context: Context; key: string };
export type Decided = Extract<Decision, { outcome: 'decided' }>;
type Making = { origin: Origin; now: Date; settings: Settings; cause: Cause };

const definitions = {
  'node.discovered': nodeDiscovered, 'node.transitioned': nodeTransitioned, 'node.updated': nodeUpdated, 'node.removed': nodeRemoved,
  'node.request-refused': nodeRequestRefused, 'node.deadline-passed': nodeDeadlinePassed,
} as unknown as Record<string, EventDefinition>;

export function rowsOf(decision: Decided, before: NodeRecord | undefined, making: Making): Row[] {
  const record = decision.record ?? before;
  const counts = new Map<string, number>();
  const event = (definition: EventDefinition, data: object): Envelope => {
    const ordinal = counts.get(definition.type) ?? 0;
    counts.set(definition.type, ordinal + 1);
    const { cause, now, origin } = making;
    const draft = {
      ...cause.context, key: record?.node.id ?? cause.key, nodeid: record?.node.id ?? cause.context.nodeid, causationid: cause.id,
      correlationid: decision.correlationId ?? cause.context.correlationid ?? cause.id, id: reactionId(cause.id, definition.type, ordinal), time: now, data,
    };
    return makeEvent(definition, origin, draft as unknown as Draft<EventDefinition>);
  };
  return [
    ...(record === undefined ? [] : policyRows(decision, record, making.settings)),
    ...decision.facts.map((fact): Row => ({ kind: 'event', event: event(definitions[fact.type] as EventDefinition, fact.data) })),
    ...(record === undefined ? [] : decision.power.map((power) => powerRow(power, record, event))),
  ];
}

export function policyRows(decision: Pick<Decided, 'policyMacs'>, record: NodeRecord, settings: Settings): Row[] {
  const { bucket } = bootPoliciesBucket;
  return [
    ...decision.policyMacs.put.map((mac): Row => ({ kind: 'kv', bucket, key: macToken(mac), value: bootPolicy(record, mac, settings) })),
    ...decision.policyMacs.remove.map((mac): Row => ({ kind: 'kv', bucket, key: macToken(mac), value: null })),
  ];
}

function powerRow(power: PowerEffect, { node }: NodeRecord, event: (definition: EventDefinition, data: object) => Envelope): Row {
  const { rack, action, bootDevice, sequence, attempt } = power;
  const data = { rack, action, bootDevice, type: node.power.type, firmware: node.firmware, sequence, attempt };
  const mac = node.bootMac ?? node.macs[0];
  const comesOn = action === 'on' || action === 'cycle';
  return {
    kind: 'event', event: event(powerRequested as unknown as EventDefinition, data),
    ...(comesOn && mac !== undefined && { after: { bucket: bootPoliciesBucket.bucket, key: macToken(mac) } }),
  };
}
