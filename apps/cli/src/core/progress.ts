/** Whether a machine is still on its way, and how it ended. */
import type { Node } from '@ironbus/contracts';

const onTheWay = new Set(['Commissioning', 'Testing', 'Deploying', 'Releasing', 'Disk erasing', 'Entering rescue mode', 'Exiting rescue mode']);
const failed = new Set([
  'Failed commissioning', 'Failed deployment', 'Releasing failed', 'Failed disk erasing', 'Failed to enter rescue mode', 'Failed to exit rescue mode', 'Failed testing', 'Missing',
]);
/** Where somebody stopped the operation, the machine rests somewhere else. */
const goals: Readonly<Record<string, string>> = { deploy: 'Deployed', rescue: 'Rescue mode', release: 'Ready' };

export type Ending = { done: false } | { done: true; ok: true } | { done: true; ok: false; why: string };

export function endingOf(node: Node, action: string): Ending {
  if (node.operation !== null || onTheWay.has(node.status)) return { done: false };
  if (failed.has(node.status)) return { done: true, ok: false, why: describeFailure(node) };
  const goal = goals[action];
  if (goal !== undefined && node.status !== goal) return { done: true, ok: false, why: `${node.hostname} is ${node.status}, not ${goal}: ${node.statusMessage}` };
  return { done: true, ok: true };
}

function describeFailure({ hostname, status, statusMessage, failure }: Node): string {
  if (failure === null) return `${hostname}: ${status}: ${statusMessage}`;
  const evidence = failure.lastEvidence === null ? '' : ` (last seen: ${failure.lastEvidence})`;
  return `${hostname}: ${status}: ${failure.reason}: ${failure.message}${evidence}`;
}

/** One line for a person who waits; the same line while nothing changed. */
export function progressOf(node: Node): string {
  const { operation } = node;
  if (operation === null) return `${node.hostname}: ${node.status}`;
  const step = operation.step === null ? '' : `, ${operation.step}`;
  const awaits = operation.awaits === null ? '' : `, waits for ${operation.awaits}`;
  return `${node.hostname}: ${node.status} (attempt ${operation.attempt}${step}${awaits})`;
}
