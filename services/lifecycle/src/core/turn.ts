/**
 * One decision while it is made: a private copy of the record, and what has to happen besides. `decide` opens a turn,
 * the concerns (requests, machine facts, power facts, deadlines) change it, `finish` turns it into a Decision.
 * Pure: nothing outside the turn is touched.
 */
import type { Mac, Status, Node } from '@ironbus/contracts';
import { bootPolicies } from './boot-policy.ts';
import { message } from './messages.ts';
import { canSwitch } from './power.ts';
import type { Decision, Fact, IgnoredReason, Input, LifecycleEvent, NodeRecord, Own, PowerEffect, RefusalCode, RequestEvent, Settings } from './record.ts';
import { next, type DeadlineName, type Effect, type Guard, type Row, type Trigger } from './table.ts';

export type Turn = {
  readonly now: Date;
  readonly settings: Settings;
  readonly before: NodeRecord | undefined;
  record: NodeRecord;
  removed: boolean;
  readonly facts: Fact[];
  readonly power: PowerEffect[];
  readonly changed: Set<string>;
  correlationId: string | undefined;
};

const remembered = 64;

export const ignored = (reason: IgnoredReason): Decision => ({ outcome: 'ignored', reason });

export function openTurn(record: NodeRecord, input: Input): Turn {
  return {
    now: input.now, settings: input.settings, before: record, record: structuredClone(record), removed: false, facts: [], power: [], changed: new Set(),
    correlationId: record.node.operation?.id,
  };
}

/** A turn that begins with a node nobody knew; its first fact says so. */
export function openFirstTurn(record: NodeRecord, input: Input): Turn {
  const turn: Turn = { ...openTurn(record, input), before: undefined };
  turn.facts.push({ type: 'node.discovered', data: { node: turn.record.node } });
  return turn;
}

/** Opens a fact that carries the node; an earlier one of this turn gets the node as it was until now. */
export function pushNodeFact(turn: Turn, fact: Extract<Fact, { data: { node: Node } }>): void {
  sealFact(turn);
  turn.record.node.version += 1;
  turn.facts.push(fact);
}

function sealFact(turn: Turn): void {
  const open = turn.facts.findLast((fact) => 'node' in fact.data);
  if (open !== undefined && 'node' in open.data && open.data.node === turn.record.node) open.data.node = structuredClone(turn.record.node);
}

/** Changes public fields; they are named in `node.updated` unless this turn publishes the node anyway. */
export function update(turn: Turn, patch: Partial<Node>): void {
  const node = turn.record.node as Record<string, unknown>;
  for (const [field, value] of Object.entries(patch)) {
    if (JSON.stringify(node[field]) === JSON.stringify(value)) continue;
    node[field] = value;
    turn.changed.add(field);
  }
}

/** What was last seen of the machine; `at` is when it happened there. */
export function noteEvidence(turn: Turn, text: string, at: string): void {
  const last = turn.record.own.evidence;
  if (last === null || last.at <= at) turn.record.own.evidence = { text, at };
}

/** Follows the table's row for a trigger: status, effects and what is awaited next. False where there is no row. */
export function advance(turn: Turn, on: Trigger, options: { guards?: readonly Guard[]; seconds?: number; why?: string } = {}): boolean {
  const move = next(turn.record.node.status, on, options.guards);
  if ('illegal' in move) return false;
  const { row } = move;
  const { node, own } = turn.record;
  if (row.remember === true && row.to !== 'return') own.returnTo[operationOf(row.to)] = node.status;
  const to = row.to === 'return' ? returnStatus(turn.record) : row.to;
  if (to !== node.status) changeStatus(turn, to, on, options.why ?? row.why);
  own.wait = null;
  for (const effect of row.effects ?? []) perform(turn, effect);
  applyWait(turn, row, options.seconds);
  if (row.awaits === 'power.changed' && !canSwitch(turn.record.node)) advance(turn, 'power-by-hand');
  return true;
}

const operationOf = (status: Status): 'commissioning' | 'testing' | 'rescue' =>
  status === 'Commissioning' ? 'commissioning' : status === 'Testing' ? 'testing' : 'rescue';

/** Where an operation goes back to; a machine whose past is not known is New. */
export function returnStatus({ node, own }: NodeRecord): Status {
  return own.returnTo[operationOf(node.status)] ?? 'New';
}

function changeStatus(turn: Turn, to: Status, on: Trigger, why: string): void {
  const { node } = turn.record;
  const from = node.status;
  pushNodeFact(turn, { type: 'node.transitioned', data: { from, to, on, why, node } });
  node.status = to;
  dropWhatEnds(turn.record);
}

const withoutSystem: readonly Status[] = ['New', 'Ready', 'Reserved', 'Allocated', 'Releasing', 'Disk erasing'];
const withoutOwner: readonly Status[] = ['New', 'Ready', 'Retired'];
/** Rescue mode has an operation, though nothing is awaited in it. */
const withOperation: readonly Status[] = [
  'Commissioning', 'Testing', 'Deploying', 'Releasing', 'Disk erasing', 'Entering rescue mode', 'Rescue mode', 'Exiting rescue mode',
];
const failed = (status: Status): boolean => status.startsWith('Failed') || status === 'Releasing failed';

/** What a status does not have is gone: nothing of an earlier owner or operation stays behind. */
function dropWhatEnds({ node, own }: NodeRecord): void {
  if (withoutSystem.includes(node.status)) node.deployment = null;
  if (node.status !== 'Deploying' && node.deployment?.deployedAt == null) Object.assign(node, { reservedAddress: null, addresses: [] });
  if (withoutOwner.includes(node.status)) node.owner = null;
  if (!failed(node.status)) node.failure = null;
  if (withOperation.includes(node.status)) return;
  node.operation = null;
  Object.assign(own, { plan: null, stepsFinished: false, claims: {}, operationPower: null });
}

function perform(turn: Turn, effect: Effect): void {
  if (effect === 'request-power-off') return askPower(turn, 'off', 'unchanged');
  if (effect === 'request-power-cycle') return askPower(turn, 'cycle', 'network');
  const hasSystem = turn.record.node.deployment?.deployedAt != null;
  return hasSystem ? askPower(turn, 'cycle', 'unchanged') : askPower(turn, 'off', 'unchanged');
}

/** Asks the rack beside the BMC; nothing is asked where only a person can switch the machine. */
export function askPower(turn: Turn, action: PowerEffect['action'], bootDevice: PowerEffect['bootDevice'], forOperation = true): void {
  const { node, own } = turn.record;
  const rack = node.bmcRack ?? node.bootRack;
  if (!canSwitch(node) || rack === null) return;
  own.powerSequence += 1;
  const effect = { action, bootDevice, sequence: own.powerSequence, attempt: node.operation?.attempt ?? null, rack };
  turn.power.push(effect);
  if (forOperation && node.operation !== null) own.operationPower = effect;
}

function applyWait(turn: Turn, row: Row, seconds: number | undefined): void {
  if (row.awaits === undefined || row.deadline === undefined) return;
  setWait(turn, { awaits: row.awaits, deadline: row.deadline, ladder: row.ladder ?? [] }, seconds ?? waitSeconds(turn.settings, row.deadline));
}

export function setWait(turn: Turn, wait: { awaits: string; deadline: DeadlineName; ladder: Row['ladder'] & {} }, seconds: number): void {
  const at = new Date(turn.now.getTime() + seconds * 1000).toISOString();
  turn.record.own.wait = { ...wait, since: turn.now.toISOString(), at };
}

/** Seconds of a wait; a step's depends on its kind and is given by the caller. */
export function waitSeconds(settings: Settings, deadline: DeadlineName): number {
  switch (deadline) {
    case 'power': case 'power-off': return settings.powerSeconds;
    case 'check-in': return settings.checkInSeconds;
    case 'step': return settings.stepSeconds.inventory;
    case 'install': return settings.stepSeconds.install;
    case 'phone-home': return settings.phoneHomeSeconds;
    case 'first-boot': return settings.missingSeconds;
  }
}

export function refuse(turn: Turn, request: string, code: RefusalCode, text: string): void {
  turn.facts.push({ type: 'node.request-refused', data: { request, code, message: text } });
}

/** The end of a turn: derived fields, one node fact for whatever changed, policies where they differ. */
export function finish(turn: Turn, event: LifecycleEvent | undefined): Decision {
  const { node } = turn.record;
  if (event !== undefined) remember(turn.record.own, event);
  mirrorWait(turn);
  const said = turn.facts.some((fact) => 'node' in fact.data);
  if (!said && turn.changed.size > 0 && !turn.removed) {
    pushNodeFact(turn, { type: 'node.updated', data: { changed: [...turn.changed], node } });
  }
  if (turn.facts.some((fact) => 'node' in fact.data)) node.updatedAt = turn.now.toISOString();
  sealFact(turn);
  return {
    outcome: 'decided', record: turn.removed ? null : turn.record, facts: turn.facts, power: turn.power,
    correlationId: turn.correlationId ?? node.operation?.id, policyMacs: policyChanges(turn),
  };
}

/** Redelivered facts are old by attempt, claim or time as well; a request is known by its id alone, so facts do not push it out. */
function remember(own: Own, event: LifecycleEvent): void {
  if (!isRequest(event)) {
    own.facts = [...own.facts, event.id].slice(-remembered);
    return;
  }
  own.requests = [...own.requests, `${event.time} ${event.id}`];
  const dropped = own.requests.length > remembered ? own.requests.shift()?.split(' ')[0] : undefined;
  if (dropped !== undefined && dropped > (own.forgottenUntil ?? '')) own.forgottenUntil = dropped;
}

/** Whether this node has handled the event already. */
export function isHandled({ own }: NodeRecord, event: LifecycleEvent): boolean {
  if (!isRequest(event)) return own.facts.includes(event.id);
  return own.requests.includes(`${event.time} ${event.id}`) || (own.forgottenUntil !== null && event.time <= own.forgottenUntil);
}

export const isRequest = (event: LifecycleEvent): event is RequestEvent => event.type.endsWith('-requested');

/** Copies what is awaited into the public operation, and says it in words. */
function mirrorWait(turn: Turn): void {
  const { node, own } = turn.record;
  if (node.operation !== null) {
    update(turn, { operation: { ...node.operation, awaits: own.wait?.awaits ?? null, deadlineAt: own.wait?.at ?? null } });
  }
  update(turn, { statusMessage: message(turn.record) });
}

function policyChanges(turn: Turn): { put: Mac[]; remove: Mac[] } {
  const macs = turn.record.node.macs;
  if (turn.removed) return { put: [], remove: [...(turn.before?.node.macs ?? macs)] };
  const before = turn.before === undefined ? [] : bootPolicies(turn.before, turn.settings);
  const after = bootPolicies(turn.record, turn.settings);
  const text = (policy: object): string => JSON.stringify({ ...policy, version: 0 });
  const same = before.length === after.length && before.every((policy, index) => text(policy) === text(after[index] ?? {}));
  const gone = (turn.before?.node.macs ?? []).filter((mac) => !macs.includes(mac));
  return { put: same && turn.power.length === 0 ? [] : [...macs], remove: gone };
}
