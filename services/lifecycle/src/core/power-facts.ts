/** What the power service did and saw. A fact counts for the operation only if it answers the operation's own request. */
import type { IgnoredReason, PowerEvent } from './record.ts';
import { isInProgress } from './table.ts';
import { lastEvidence } from './messages.ts';
import { advance, noteEvidence, update, type Turn } from './turn.ts';

export function onPowerFact(turn: Turn, event: PowerEvent): IgnoredReason | undefined {
  if (event.type === 'power.failed') return onPowerFailed(turn, event);
  const seen = recordState(turn, event);
  const confirmed = confirms(turn, event);
  if (seen || confirmed) noteEvidence(turn, `power ${event.data.state}`, event.time);
  if (confirmed) advance(turn, 'power-confirmed');
  return seen || confirmed ? undefined : 'not-newer';
}

type StateEvent = Exclude<PowerEvent, { type: 'power.failed' }>;

/** Keeps the newest state; false where something newer is known. */
function recordState(turn: Turn, event: StateEvent): boolean {
  const { power } = turn.record.node;
  if (power.observedAt !== null && power.observedAt >= event.time) return false;
  const verified = event.type === 'power.changed' ? isVerified(turn, event) : null;
  update(turn, { power: { ...power, state: event.data.state, observedAt: event.time, bootDeviceVerified: verified ?? power.bootDeviceVerified } });
  return true;
}

/** A machine that came up from the network has proved its boot device, though its BMC could not read it back and said so later. */
function isVerified(turn: Turn, { data }: Extract<PowerEvent, { type: 'power.changed' }>): boolean | null {
  return data.bootDeviceVerified === false ? data.sequence <= (turn.record.own.bootProven ?? 0) : data.bootDeviceVerified;
}

/** Switching off may also be seen by somebody who looked later; coming on by a cycle only by who did it. */
function confirms(turn: Turn, event: StateEvent): boolean {
  const { operationPower, wait } = turn.record.own;
  if (operationPower === null || wait?.awaits !== 'power.changed') return false;
  const { sequence, state } = event.data;
  if (operationPower.action === 'off') return state === 'off' && sequence >= operationPower.sequence;
  return event.type === 'power.changed' && state === 'on' && sequence === operationPower.sequence;
}

/** Only a final failure of the operation's own request ends it; otherwise the power service still tries. */
function onPowerFailed(turn: Turn, event: Extract<PowerEvent, { type: 'power.failed' }>): IgnoredReason | undefined {
  const { node, own } = turn.record;
  const { sequence, action, reason, message, final } = event.data;
  if (!isInProgress(node.status) || own.operationPower?.sequence !== sequence) return 'not-awaited';
  noteEvidence(turn, `power ${action} failed (${reason})`, event.time);
  if (!final) return undefined;
  node.failure = {
    reason: reason.startsWith('power-') ? reason : `power-${reason}`.slice(0, 63), message, at: event.time, during: node.status,
    lastEvidence: lastEvidence(turn.record),
  };
  advance(turn, 'power-failed');
  return undefined;
}
