/** Sentences for people about where a node stands. */
import type { Failure, Status } from '@ironbus/contracts';
import { canSwitch } from './power.ts';
import type { NodeRecord } from './record.ts';
import { allowedRequests, type DeadlineName } from './table.ts';

/** What the node waits for, or what is the matter with it. */
export function message(record: NodeRecord): string {
  const { node, own } = record;
  if (node.failure !== null) return node.failure.message;
  if (own.wait === null) return restingMessage(record);
  if (own.wait.awaits === 'node.checked-in' && !canSwitch(node)) {
    return 'Switch the machine on (or restart it) by hand; it has to boot from the network';
  }
  switch (own.wait.awaits) {
    case 'power.changed': return own.wait.deadline === 'power-off' ? 'Waiting until the machine is off' : 'Waiting until its power is switched';
    case 'node.checked-in': return `Waiting until the machine has booted from the network and its ${runsInstaller(record) ? 'installer fetches its configuration' : 'agent checks in'}`;
    case 'node.step-claimed': return 'Waiting until the agent starts the next step';
    case 'node.step-reported': return `Step ${node.operation?.step ?? '?'} runs`;
    case 'node.phoned-home': return own.wait.deadline === 'install' ? 'The installer runs; waiting until it calls' : 'The disk is written; waiting until the new system calls';
    default: return `Waiting for ${own.wait.awaits}`;
  }
}

const runsInstaller = ({ own }: NodeRecord): boolean => own.plan?.steps[0]?.kind === 'install';

function restingMessage({ node, own }: NodeRecord): string {
  if (node.status === 'Ready' && !canSwitch(node) && node.power.state !== 'off' && own.attempts > 0) return 'Switch the machine off by hand if it is still on';
  if (node.status === 'New') return own.inventory === null ? 'Waiting for its first network boot' : 'Waiting to be accepted';
  return '';
}

const reasons: Record<DeadlineName, { reason: string; text: string }> = {
  power: { reason: 'no-power', text: 'The power service did not confirm that the machine was switched' },
  'power-off': { reason: 'no-power-off', text: 'The power service did not confirm that the machine is off' },
  'check-in': { reason: 'no-check-in', text: 'The machine did not boot into the agent' },
  step: { reason: 'step-timeout', text: 'The agent went silent in the middle of its work' },
  install: { reason: 'no-phone-home', text: 'The installer did not say that it is done' },
  'phone-home': { reason: 'no-phone-home', text: 'The installed system did not call' },
  'first-boot': { reason: 'never-seen', text: 'The machine was never seen' },
};

/** The failure of a wait whose remedies are used up. */
export function timeoutFailure({ node, own }: NodeRecord, deadline: DeadlineName, at: string): Failure {
  const { reason, text } = reasons[deadline];
  const step = deadline === 'step' && node.operation?.step != null ? ` (step ${node.operation.step})` : '';
  const used = node.operation?.remediesUsed ?? [];
  const tried = used.length === 0 ? '' : `; tried ${used.join(', ')}`;
  return { reason, message: `${text}${step}${tried}`, at, during: node.status, lastEvidence: lastEvidence({ node, own }) };
}

export const lastEvidence = ({ own }: NodeRecord): string | null =>
  own.evidence === null ? null : `${own.evidence.text} at ${own.evidence.at}, nothing since`.slice(0, 2000);

/** Why a request is not possible now, and what is. */
export function stateRefusal({ node }: NodeRecord, request: string): string {
  const allowed = allowedRequests(node.status as Status);
  const list = allowed.length === 0 ? 'nothing' : allowed.join(', ');
  return `${node.hostname} (${node.id}) is ${node.status}; ${wordOf(request)} is not possible there. Possible: ${list}`;
}

/** `node.mark-broken-requested` as a person says it. */
export const wordOf = (request: string): string => /^node\.(.+)-requested$/.exec(request)?.[1] ?? request;
