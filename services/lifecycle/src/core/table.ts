/**
 * The state machine of a node, as data. No row, no move: the caller gets `illegal`. Statuses and moves are MAAS's
 * (maasserver/node_status.py); where we differ the row says why. A row whose `from` is its `to` only changes what is
 * awaited. Every change of status publishes the boot policies of all MACs, so rows do not say it.
 */
import type { Status } from '@ironbus/contracts';

/** What is tried when a deadline passes; each at most once in an operation. */
export type Remedy = 're-arm-netboot' | 'power-cycle' | 'other-boot-path' | 'repeat-power';
export type DeadlineName = 'power' | 'power-off' | 'check-in' | 'step' | 'install' | 'phone-home' | 'first-boot';
/** The type of the event that is waited for. */
export type Evidence = 'power.changed' | 'node.checked-in' | 'node.step-claimed' | 'node.step-reported' | 'node.phoned-home';

export type Trigger =
  | 'node.accept-requested' | 'node.commission-requested' | 'node.test-requested' | 'node.allocate-requested' | 'node.reserve-requested'
  | 'node.deploy-requested' | 'node.release-requested' | 'node.abort-requested' | 'node.rescue-requested' | 'node.exit-rescue-requested'
  | 'node.mark-broken-requested' | 'node.mark-fixed-requested' | 'node.retire-requested'
  | 'power-confirmed' | 'power-by-hand' | 'power-failed' | 'node.checked-in' | 'node.step-claimed' | 'node.step-reported'
  | 'steps-done' | 'step-failed' | 'install-claimed' | 'node.phoned-home' | 'ladder-exhausted';

/** Which of two rows with the same `from` and `on` applies. */
export type Guard = 'erase' | 'keep-data' | 'was-deployed' | 'not-deployed';

export type Effect =
  /** Boot from the network now: cycle (an off machine comes on) with the boot device set. */
  | 'request-power-cycle'
  | 'request-power-off'
  /** Back to what it was: a machine with an operating system is cycled into it, any other is switched off. */
  | 'request-power-restore';

export type Row = {
  from: Status;
  on: Trigger;
  when?: Guard;
  /** `return`: the status from which the operation was started. */
  to: Status | 'return';
  why: string;
  /** The status left is where `return` goes back to. */
  remember?: true;
  effects?: readonly Effect[];
  awaits?: Evidence;
  deadline?: DeadlineName;
  ladder?: readonly Remedy[];
};

type WaitRow = Required<Pick<Row, 'awaits' | 'deadline' | 'ladder'>>;

const waits = {
  power: { awaits: 'power.changed', deadline: 'power', ladder: ['repeat-power'] },
  powerOff: { awaits: 'power.changed', deadline: 'power-off', ladder: ['repeat-power'] },
  checkIn: { awaits: 'node.checked-in', deadline: 'check-in', ladder: ['re-arm-netboot', 'power-cycle', 'other-boot-path'] },
  claim: { awaits: 'node.step-claimed', deadline: 'step', ladder: ['power-cycle'] },
  report: { awaits: 'node.step-reported', deadline: 'step', ladder: ['power-cycle'] },
  install: { awaits: 'node.phoned-home', deadline: 'install', ladder: ['power-cycle'] },
  phoneHome: { awaits: 'node.phoned-home', deadline: 'phone-home', ladder: ['power-cycle'] },
} as const satisfies Record<string, WaitRow>;

const from = (statuses: readonly Status[], row: Omit<Row, 'from'>): Row[] => statuses.map((status) => ({ from: status, ...row }));

/** From the power request until the agent's first claim. */
const bootRows = (status: Status): Row[] => [
  { from: status, on: 'power-confirmed', to: status, why: 'the machine is on; its agent has to ask for its plan', ...waits.checkIn },
  { from: status, on: 'power-by-hand', to: status, why: 'nobody but a person can switch this machine', ...waits.checkIn },
];

const failRows = (status: Status, to: Status, effects: readonly Effect[] = []): Row[] => [
  { from: status, on: 'power-failed', to, why: 'the power service gave up for good', effects },
  { from: status, on: 'ladder-exhausted', to, why: 'no evidence came in time and every remedy was tried; the last evidence is kept', effects },
];

/** The waits of an operation whose work the agent does, step by step. */
const agentRows = (status: Status, failed: Status, effects: readonly Effect[] = []): Row[] => [
  ...bootRows(status),
  { from: status, on: 'node.checked-in', to: status, why: 'the agent runs and has its plan', ...waits.claim },
  { from: status, on: 'node.step-claimed', to: status, why: 'the agent started a step', ...waits.report },
  { from: status, on: 'node.step-reported', to: status, why: 'a step is done, the next one comes', ...waits.claim },
  { from: status, on: 'step-failed', to: failed, why: 'the agent could not do a step', effects },
  ...failRows(status, failed, effects),
];

const commissionable: readonly Status[] = ['New', 'Failed commissioning', 'Missing', 'Ready', 'Broken'];
const testable: readonly Status[] = [
  'New', 'Failed commissioning', 'Missing', 'Ready', 'Reserved', 'Allocated', 'Deployed', 'Retired', 'Broken', 'Failed deployment',
  'Releasing failed', 'Failed disk erasing', 'Failed to enter rescue mode', 'Failed to exit rescue mode',
];
const rescuable: readonly Status[] = [
  'New', 'Failed commissioning', 'Missing', 'Ready', 'Reserved', 'Allocated', 'Deployed', 'Retired', 'Broken', 'Failed deployment',
  'Failed disk erasing', 'Failed testing',
];
const releasable: readonly Status[] = [
  'Reserved', 'Allocated', 'Deploying', 'Deployed', 'Broken', 'Failed deployment', 'Releasing failed', 'Failed disk erasing',
];
const breakableAtRest: readonly Status[] = [
  'New', 'Failed commissioning', 'Missing', 'Ready', 'Reserved', 'Allocated', 'Deployed', 'Retired', 'Failed deployment', 'Releasing failed',
  'Failed disk erasing', 'Rescue mode', 'Failed to enter rescue mode', 'Failed to exit rescue mode', 'Failed testing',
];

/** In progress: something has to come, or the status ends by itself. */
export const inProgress = [
  'Commissioning', 'Testing', 'Deploying', 'Releasing', 'Disk erasing', 'Entering rescue mode', 'Exiting rescue mode',
] as const satisfies readonly Status[];
export const isInProgress = (status: Status): boolean => (inProgress as readonly Status[]).includes(status);

const netboot = { effects: ['request-power-cycle'], ...waits.power } as const;

export const table: readonly Row[] = [
  // Taking a machine in
  { from: 'New', on: 'ladder-exhausted', to: 'Missing', why: 'made by hand and never seen in the time it was given' },
  { from: 'Missing', on: 'node.checked-in', to: 'New', why: 'it is there after all' },
  { from: 'New', on: 'node.accept-requested', to: 'Commissioning', why: 'a person (or the setting) takes the machine in', remember: true, ...netboot },
  ...from(commissionable, { on: 'node.commission-requested', to: 'Commissioning', why: 'inventory and tests were asked for', remember: true, ...netboot }),
  { from: 'Failed testing', on: 'node.commission-requested', to: 'Commissioning', why: 'inventory and tests were asked for', remember: true, ...netboot },
  ...agentRows('Commissioning', 'Failed commissioning'),
  { from: 'Commissioning', on: 'steps-done', to: 'Ready', why: 'inventory and tests are done; the agent switches the machine off' },
  { from: 'Commissioning', on: 'node.abort-requested', to: 'return', why: 'a person stopped it', effects: ['request-power-off'] },

  // Testing
  ...from(testable, { on: 'node.test-requested', to: 'Testing', why: 'hardware tests were asked for', remember: true, ...netboot }),
  { from: 'Failed testing', on: 'node.test-requested', to: 'Testing', why: 'tests again; it still goes back to where it was before the first', ...netboot },
  ...agentRows('Testing', 'Failed testing'),
  { from: 'Testing', on: 'steps-done', to: 'return', why: 'every test passed' },
  { from: 'Testing', on: 'node.abort-requested', to: 'return', why: 'a person stopped it', effects: ['request-power-restore'] },

  // Giving it to an owner
  { from: 'Ready', on: 'node.reserve-requested', to: 'Reserved', why: 'kept for somebody' },
  ...from(['Ready', 'Reserved'], { on: 'node.allocate-requested', to: 'Allocated', why: 'it has an owner now' }),
  { from: 'Failed deployment', on: 'node.allocate-requested', to: 'Allocated', why: 'its owner tries again' },
  { from: 'Allocated', on: 'node.deploy-requested', to: 'Deploying', why: 'its owner asked for an operating system', ...netboot },
  { from: 'Ready', on: 'node.deploy-requested', to: 'Deploying', why: 'deploying implies allocation (MAAS wants two calls)', ...netboot },
  { from: 'Deploying', on: 'install-claimed', to: 'Deploying', why: 'an installer fetched its configuration and writes the disk; it calls when it is done', ...waits.install },
  ...agentRows('Deploying', 'Failed deployment', ['request-power-off']),
  { from: 'Deploying', on: 'steps-done', to: 'Deploying', why: 'the disk is written; the new system has to boot and call', ...waits.phoneHome },
  { from: 'Deploying', on: 'node.phoned-home', to: 'Deployed', why: 'the installed system called with its token' },
  { from: 'Deploying', on: 'node.abort-requested', to: 'Allocated', why: 'a person stopped it; the owner keeps the machine', effects: ['request-power-off'] },

  // Taking it back
  ...from(releasable, { on: 'node.release-requested', when: 'keep-data', to: 'Releasing', why: 'taken back, disks as they are', effects: ['request-power-off'], ...waits.powerOff }),
  ...from(releasable, { on: 'node.release-requested', when: 'erase', to: 'Disk erasing', why: 'taken back, disks erased', ...netboot }),
  { from: 'Releasing', on: 'power-confirmed', to: 'Ready', why: 'the machine is off' },
  { from: 'Releasing', on: 'power-by-hand', to: 'Ready', why: 'nobody but a person can switch this machine off; it is held at its next boot' },
  ...failRows('Releasing', 'Releasing failed'),
  ...agentRows('Disk erasing', 'Failed disk erasing', ['request-power-off']),
  { from: 'Disk erasing', on: 'steps-done', to: 'Ready', why: 'the disks are erased', effects: ['request-power-off'] },
  { from: 'Disk erasing', on: 'node.release-requested', when: 'keep-data', to: 'Releasing', why: 'erasing is given up; the disks may be half erased', effects: ['request-power-off'], ...waits.powerOff },
  { from: 'Disk erasing', on: 'node.abort-requested', to: 'Failed disk erasing', why: 'a person stopped it; the disks may be half erased', effects: ['request-power-off'] },

  // Rescue
  ...from(rescuable, { on: 'node.rescue-requested', to: 'Entering rescue mode', why: 'a system in memory was asked for', remember: true, ...netboot }),
  { from: 'Failed to enter rescue mode', on: 'node.rescue-requested', to: 'Entering rescue mode', why: 'once more; it still goes back to where it was before', ...netboot },
  ...bootRows('Entering rescue mode'),
  { from: 'Entering rescue mode', on: 'node.checked-in', to: 'Rescue mode', why: 'the agent runs in memory and waits' },
  ...failRows('Entering rescue mode', 'Failed to enter rescue mode'),
  { from: 'Entering rescue mode', on: 'node.abort-requested', to: 'Exiting rescue mode', why: 'a person stopped it', effects: ['request-power-restore'], ...waits.power },
  ...from(['Entering rescue mode', 'Rescue mode', 'Failed to enter rescue mode', 'Failed to exit rescue mode'], {
    on: 'node.exit-rescue-requested', to: 'Exiting rescue mode', why: 'back to where it was before', effects: ['request-power-restore'], ...waits.power,
  }),
  { from: 'Exiting rescue mode', on: 'power-confirmed', to: 'return', why: 'the machine is as it was before' },
  { from: 'Exiting rescue mode', on: 'power-by-hand', to: 'return', why: 'nobody but a person can switch this machine' },
  ...failRows('Exiting rescue mode', 'Failed to exit rescue mode'),

  // Out of use
  ...from(breakableAtRest, { on: 'node.mark-broken-requested', to: 'Broken', why: 'a person says so' }),
  ...from(inProgress, { on: 'node.mark-broken-requested', to: 'Broken', why: 'a person says so; what was in progress is stopped', effects: ['request-power-off'] }),
  ...from(['Broken', 'Failed testing'], { on: 'node.mark-fixed-requested', when: 'was-deployed', to: 'Deployed', why: 'a person says so; its system is still there' }),
  ...from(['Broken', 'Failed testing'], { on: 'node.mark-fixed-requested', when: 'not-deployed', to: 'Ready', why: 'a person says so' }),
  { from: 'Retired', on: 'node.mark-fixed-requested', when: 'not-deployed', to: 'Ready', why: 'back in use' },
  ...from(['New', 'Failed commissioning', 'Ready', 'Reserved', 'Allocated'], { on: 'node.retire-requested', to: 'Retired', why: 'no longer in use' }),
];

export type Move = { row: Row } | { illegal: string };

/** The row for a trigger in a status. Pure; `guards` are those that hold now. */
export function next(status: Status, on: Trigger, guards: readonly Guard[] = []): Move {
  const row = table.find((candidate) => candidate.from === status && candidate.on === on && (candidate.when === undefined || guards.includes(candidate.when)));
  return row === undefined ? { illegal: `${status} + ${on}` } : { row };
}

/** The requests that a status allows, as a person says them (`deploy`, `mark-broken`), in the order of the table. */
export function allowedRequests(status: Status): string[] {
  const words = table.filter((row) => row.from === status).map((row) => /^node\.(.+)-requested$/.exec(row.on)?.[1]);
  return [...new Set(words.filter((word) => word !== undefined))];
}
