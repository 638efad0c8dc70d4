/**
 * The one decision of lifecycle: a node and something that happened give the node after it, and what has to be said and
 * done. Pure. The shell commits all of it in one script, or none.
 */
import type { Node } from '@ironbus/contracts';
import { onDeadline } from './deadlines.ts';
import { discover, onMachineFact } from './machine-facts.ts';
import { onPowerFact } from './power-facts.ts';
import type { Decision, Fact, IgnoredReason, Input, LifecycleEvent, NodeRecord, PowerEvent, RequestEvent } from './record.ts';
import { onRequest } from './requests.ts';
import { createNode, refused } from './requests-settings.ts';
import { finish, ignored, isHandled, isRequest, openTurn, refuse, type Turn } from './turn.ts';

export function decide(record: NodeRecord | undefined, input: Input): Decision {
  const { what } = input;
  if (what.kind === 'event') return record === undefined ? decideUnknown(what.event, input) : decideEvent(record, what.event, input);
  if (record === undefined) return ignored('unknown-node');
  const turn = openTurn(record, input);
  return settle(turn, onDeadline(turn, what.name), undefined);
}

function decideEvent(record: NodeRecord, event: LifecycleEvent, input: Input): Decision {
  if (isHandled(record, event)) return ignored('duplicate');
  const turn = openTurn(record, input);
  return settle(turn, dispatch(turn, event, input), event);
}

function dispatch(turn: Turn, event: LifecycleEvent, input: Input): IgnoredReason | undefined {
  if (isPower(event)) return onPowerFact(turn, event);
  if (!isRequest(event)) return onMachineFact(turn, event, input);
  if (isTooOld(event, input)) refuse(turn, event.type, 'REQUEST_INVALID', tooOld(event));
  else onRequest(turn, event, input);
  return undefined;
}

const isPower = (event: LifecycleEvent): event is PowerEvent => event.type.startsWith('power.');

const isTooOld = (event: LifecycleEvent, { now, settings }: Input): boolean => now.getTime() - Date.parse(event.time) > settings.staleSeconds * 1000;
const tooOld = (event: RequestEvent): string => `this request is from ${event.time}, too long ago to be carried out now; ask again`;

/** A fact that changed nothing leaves no trace, not even in the record. */
const settle = (turn: Turn, outcome: IgnoredReason | undefined, event: LifecycleEvent | undefined): Decision =>
  outcome === undefined ? finish(turn, event) : ignored(outcome);

/**
 * Only an enlisting machine (attempt 0) is discovered: one that was given the plan of a node since forgotten enlists at
 * its next boot.
 */
function decideUnknown(event: LifecycleEvent, input: Input): Decision {
  if (isRequest(event)) {
    if (isTooOld(event, input)) return refused(event.type, tooOld(event), 'REQUEST_INVALID');
    if (event.type === 'node.create-requested') return isBeforeEnd(event, input) ? ignored('too-old') : createNode(event, input);
    return refused(event.type, `there is no machine ${event.nodeid ?? event.subject}`, 'NODE_UNKNOWN');
  }
  if (event.type !== 'node.checked-in' && event.type !== 'node.inventory-reported') return ignored('unknown-node');
  if (event.data.attempt !== 0) return ignored('old-attempt');
  return isTooOld(event, input) || isBeforeEnd(event, input) ? ignored('too-old') : discover(event, input);
}

const isBeforeEnd = (event: LifecycleEvent, { goneAt }: Input): boolean => goneAt !== null && event.time <= goneAt;

/** A reader's view of the log: the newest version wins, whatever the order and however often a fact comes. */
export function evolve(node: Node | undefined, fact: Fact): Node | undefined {
  if (fact.type === 'node.removed') return node !== undefined && node.version > fact.data.version ? node : undefined;
  if (!('node' in fact.data)) return node;
  return node === undefined || fact.data.node.version > node.version ? fact.data.node : node;
}
