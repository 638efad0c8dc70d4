/** What is done when nothing came in time: the next remedy of the wait's ladder, and when there is none, the failure. */
import type { IgnoredReason } from './record.ts';
import { timeoutFailure } from './messages.ts';
import { canSwitch } from './power.ts';
import type { Remedy } from './table.ts';
import { advance, askPower, setWait, update, waitSeconds, type Turn } from './turn.ts';

export function onDeadline(turn: Turn, name: string): IgnoredReason | undefined {
  const { node, own } = turn.record;
  const { wait } = own;
  if (wait === null || wait.deadline !== name || Date.parse(wait.at) > turn.now.getTime()) return 'stale-deadline';
  const remedy = nextRemedy(turn, wait.ladder);
  turn.facts.push({ type: 'node.deadline-passed', data: { deadline: wait.deadline, awaited: wait.awaits, remedy: remedy ?? null } });
  if (remedy === undefined) {
    if (node.operation !== null) node.failure = timeoutFailure(turn.record, wait.deadline, turn.now.toISOString());
    advance(turn, 'ladder-exhausted');
    return undefined;
  }
  if (node.operation !== null) update(turn, { operation: { ...node.operation, remediesUsed: [...node.operation.remediesUsed, remedy] } });
  apply(turn, remedy);
  setWait(turn, wait, restartSeconds(turn));
  return undefined;
}

/** The first remedy not used yet, in the order of the settings. Where only a person can switch the machine, those that need power are left out. */
function nextRemedy(turn: Turn, ladder: readonly Remedy[]): Remedy | undefined {
  const used = turn.record.node.operation?.remediesUsed ?? [];
  const usable = (remedy: Remedy): boolean => !used.includes(remedy) && (remedy === 'other-boot-path' || canSwitch(turn.record.node));
  const order: Remedy[] = ['repeat-power', ...turn.settings.ladder];
  return order.find((remedy) => ladder.includes(remedy) && usable(remedy));
}

function apply(turn: Turn, remedy: Remedy): void {
  const { own } = turn.record;
  switch (remedy) {
    case 're-arm-netboot': return askPower(turn, 'cycle', 'network');
    // Without the boot device: some BMCs take it and then boot in a way that never reaches the network.
    case 'power-cycle': return askPower(turn, 'cycle', 'unchanged');
    case 'other-boot-path':
      own.bootPath = own.bootPath === 0 ? 1 : 0;
      return askPower(turn, 'cycle', 'network');
    case 'repeat-power':
      if (own.operationPower !== null) askPower(turn, own.operationPower.action, own.operationPower.bootDevice);
  }
}

function restartSeconds(turn: Turn): number {
  const { node, own } = turn.record;
  if (own.wait?.deadline !== 'step') return waitSeconds(turn.settings, own.wait?.deadline ?? 'power');
  const step = own.plan?.steps.find((planned) => node.operation?.stepsDone.includes(planned.id) !== true);
  return turn.settings.stepSeconds[step?.kind ?? 'inventory'];
}
