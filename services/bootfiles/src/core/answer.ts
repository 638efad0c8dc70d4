/**
 * What a machine that asks for its boot script is answered: a table, first matching row wins. Pure; nothing here mints a
 * token or writes a ledger. Invariants: a machine whose disk may hold the last owner's system never gets `local`; a
 * stale policy never restarts an attempt that the ledger knows to be done, and never starts a disk that a newer one is at work on.
 */
import { provisionalNodeId, type BootPolicy, type Mac, type Network, type NodeId, type OperationKind, type Status } from '@ironbus/contracts';
import type { Ledger } from './ledger.ts';
import { menuOf } from './menu.ts';

/** Who is behind the asker's address: the MAC it asks for (or another of the same node), nobody known, or somebody else. */
export type Asker = 'bound' | 'unbound' | 'foreign';

export type Facts = {
  mac: Mac;
  asker: Asker;
  /** Every bucket was seen in full since start, and the bus was connected once. */
  heard: boolean;
  /** The bus does not answer now. */
  away: boolean;
  policy: BootPolicy | undefined;
  ledger: Ledger | undefined;
  network: Network | undefined;
  /** What a person chose in the network’s menu. */
  choice?: string | undefined;
};

/** `ignore` leaves the loader at once; `install` starts a distribution’s own installer; `hold` runs the agent with a plan that powers off; `retry` asks again after 5 s. */
export type AnswerKind = 'agent' | 'local' | 'retry' | 'ignore' | 'hold' | 'install' | 'menu' | 'memory-test';
export type Answer = {
  rule: string;
  answer: AnswerKind;
  node: NodeId;
  operation: OperationKind | 'none';
  attempt: number;
  /** Set where the asker must be reported as `boot.refused`. */
  refused?: string;
};

type Row = { rule: string; when: (facts: Facts) => boolean; answer: AnswerKind; refused?: string; why: string };

/** Statuses in which the disk may still hold the last owner's system, or half of a new one. */
const disklessStatuses: readonly Status[] = ['Deploying', 'Failed deployment', 'Releasing', 'Releasing failed', 'Disk erasing', 'Failed disk erasing'];

/** Lifecycle says `local` in Deploying once it knows that the last step succeeded; this rack's ledger must not know otherwise. */
const isWritten = ({ policy, ledger }: Facts): boolean => policy?.status === 'Deploying' && policy.answer === 'local'
  && (ledger === undefined || (ledger.operation === 'deploying' && ledger.outcome === 'succeeded'));

export const table: readonly Row[] = [
  { rule: 'region-not-heard', when: (f) => !f.heard, answer: 'retry', why: 'nothing may be called unknown before every bucket was seen in full' },
  { rule: 'asker-unbound', when: (f) => f.asker === 'unbound', answer: 'retry', refused: 'asker-unbound',
    why: 'dhcp writes the binding before its ACK leaves: it is about to arrive, or this is nobody we know' },
  { rule: 'asker-foreign', when: (f) => f.asker === 'foreign', answer: 'retry', refused: 'asker-foreign',
    why: 'the address belongs to another machine: a late binding heals by itself, a forged request gets neither token nor disk' },
  { rule: 'deployment-done', when: (f) => overrides(f) && f.ledger?.operation === 'deploying' && f.ledger.outcome === 'succeeded', answer: 'local',
    why: 'the ledger said done before the agent was told; the policy is about to follow' },
  { rule: 'attempt-done', when: (f) => overrides(f) && f.ledger?.outcome !== null, answer: 'hold', why: 'nothing of this attempt may run again; the next policy decides' },
  { rule: 'policy-older-than-ledger', when: (f) => (overrides(f) && attemptOf(f) < (f.ledger?.attempt ?? 0)) || isOutrun(f), answer: 'retry',
    why: 'a newer attempt has begun here; the policy of it is on its way' },
  { rule: 'policy-without-operation', when: (f) => (f.policy?.answer === 'agent' || f.policy?.answer === 'install') && f.policy.operation === null, answer: 'hold', why: 'a policy that says agent or install and plans nothing is a defect: do no harm' },
  { rule: 'policy-agent', when: (f) => f.policy?.answer === 'agent', answer: 'agent', why: 'lifecycle wants the operation to run' },
  { rule: 'policy-install', when: (f) => f.policy?.answer === 'install', answer: 'install', why: 'an installer is to write the disk; fetching its configuration is the claim' },
  { rule: 'policy-enlist', when: (f) => f.policy?.answer === 'enlist', answer: 'agent', why: 'lifecycle wants the inventory once more' },
  { rule: 'policy-hold', when: (f) => f.policy?.answer === 'hold', answer: 'hold', why: 'nothing may run on this machine' },
  { rule: 'disk-not-trusted', when: (f) => f.policy !== undefined && disklessStatuses.includes(f.policy.status) && !isWritten(f), answer: 'hold',
    why: 'in these statuses nothing ever answers local disk: it may be the last owner’s system' },
  { rule: 'policy-local', when: (f) => f.policy?.answer === 'local', answer: 'local', why: 'the machine boots its own disk' },
  { rule: 'unknown-region-away', when: (f) => f.away, answer: 'local', why: 'with the link down an unknown machine is never enlisted' },
  { rule: 'unknown-network', when: (f) => f.network === undefined, answer: 'local', why: 'no network says what to do with unknown machines: leave it alone' },
  { rule: 'chosen-enlist', when: (f) => chosen(f) === 'enlist', answer: 'agent', why: 'a person at the console enlists the machine' },
  { rule: 'chosen-rescue', when: (f) => chosen(f) === 'rescue', answer: 'agent', why: 'a person at the console wants a system in memory; nobody hears of it' },
  { rule: 'chosen-local-disk', when: (f) => chosen(f) === 'local-disk', answer: 'local', why: 'a person at the console, or the time' },
  { rule: 'chosen-memory-test', when: (f) => chosen(f) === 'memory-test', answer: 'memory-test', why: 'a person at the console has the memory tested; nothing is written' },
  { rule: 'chosen-profile', when: (f) => chosen(f)?.startsWith('profile-') === true, answer: 'install', why: 'a person at the console installs the machine, which nobody manages then' },
  { rule: 'unknown-menu', when: (f) => f.network?.unknownMachines === 'menu', answer: 'menu', why: 'the network asks the person at the console' },
  { rule: 'unknown-enlist', when: (f) => f.network?.unknownMachines === 'enlist', answer: 'agent', why: 'the network enlists unknown machines' },
  { rule: 'unknown-local-disk', when: (f) => f.network?.unknownMachines === 'local-disk', answer: 'local', why: 'the network lets unknown machines boot their disk' },
  { rule: 'unknown-ignore', when: () => true, answer: 'ignore', why: 'the network ignores unknown machines' },
];

/** Decides one request. Never throws; every answer names its row. */
export function decideAnswer(facts: Facts): Answer {
  const row = table.find((candidate) => candidate.when(facts)) as Row;
  const enlisting = row.rule === 'policy-enlist' || row.rule === 'unknown-enlist' || row.rule === 'chosen-enlist';
  return {
    rule: row.rule, answer: row.answer, node: facts.policy?.node ?? provisionalNodeId(facts.mac),
    operation: enlisting ? 'enlisting' : row.answer === 'agent' || row.answer === 'install' ? (facts.policy?.operation?.kind ?? 'none') : 'none',
    attempt: enlisting ? 0 : attemptOf(facts),
    ...(row.refused !== undefined && { refused: row.refused }),
  };
}

/** Of the network’s menu only. */
const chosen = ({ network, choice }: Facts): string | undefined =>
  network?.unknownMachines === 'menu' && menuOf(network).entries.some(({ boots }) => boots === choice) ? choice : undefined;

/** Whether the ledger has a say: it must be read where an operation runs or has just written the disk. Another machine is sent to its disk without it if need be. */
export function needsLedger(policy: BootPolicy | undefined): 'must' | 'may' | 'no' {
  if (policy === undefined || (policy.operation === null && policy.answer !== 'local')) return 'no';
  return policy.operation !== null || policy.status === 'Deploying' ? 'must' : 'may';
}

/**
 * Whether the same answer may be given again from memory: only to a machine whose boots dhcp counts, on a network that says how the rack
 * is reached; what shall be asked again is not final.
 */
export const mayRepeat = (given: Pick<Answer, 'answer' | 'refused'>, asker: { binding: { bootId: string | null } | undefined; network: unknown }): boolean =>
  given.refused === undefined && given.answer !== 'retry' && asker.network !== undefined && typeof asker.binding?.bootId === 'string';

/** The policy sends the machine to a disk that an attempt unknown to it has begun to change. */
function isOutrun({ policy, ledger }: Facts): boolean {
  if (policy?.answer !== 'local' || ledger === undefined || ledger.attempt <= (policy.attempt ?? ledger.attempt)) return false;
  return ledger.operation === 'releasing' || (ledger.operation === 'deploying' && ledger.outcome !== 'succeeded');
}

const attemptOf = (facts: Facts): number => facts.policy?.operation?.attempt ?? 0;

/** True where the ledger has the last word: the policy's operation is of the ledger's attempt or an earlier one. */
function overrides(facts: Facts): boolean {
  const operation = facts.policy?.operation ?? null;
  return operation !== null && facts.ledger !== undefined && operation.attempt <= facts.ledger.attempt
    && (operation.attempt < facts.ledger.attempt || facts.ledger.outcome !== null);
}
