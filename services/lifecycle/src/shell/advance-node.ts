/** One input through one decision into one commit. Somebody else being first means: read again and decide again. */
import { IronbusError } from '@ironbus/contracts';
import { commit, type Change, type Committed } from '@ironbus/store';
import { decide } from '../core/decide.ts';
import type { NodeRecord, What } from '../core/record.ts';
import type { DeadlineName } from '../core/table.ts';
import type { Hands } from './hands.ts';
import { addRows, findGone, findNode, findTaken, indexesOf, markGone, recordKeyOf, type Found } from './node-store.ts';
import { rowsOf, type Cause, type Decided } from './rows.ts';

const tries = 20;
const deadlineNames = Object.keys({
  power: true, 'power-off': true, 'check-in': true, step: true, install: true, 'phone-home': true, 'first-boot': true,
} satisfies Record<DeadlineName, true>) as DeadlineName[];

/** Throws STORE_CONFLICT after twenty lost races, STORE_UNREACHABLE where the outcome is not known; both may be tried again. */
export async function advanceNode(hands: Hands, what: What, cause: Cause): Promise<void> {
  const { store, settings, clock } = hands;
  const withoutIndexes = new Set<string>();
  for (let salt = 0; salt < tries; salt += 1) {
    const found = await findNode(store, what, cause.key);
    const taken = await findTaken(store, what, found?.value.node.id);
    const now = clock.now();
    const decision = decide(found?.value, { what, now, settings, taken, goneAt: found === undefined ? await findGone(store, what) : null, salt });
    if (decision.outcome === 'ignored') return onIgnored(hands, what, cause, found, decision.reason);
    const committed = await commitDecision(hands, { decision, found, cause, now, withoutIndexes });
    if (committed.ok) return logDecided(hands, decision, cause);
    if ('taken' in committed && committed.taken.startsWith('hardware:')) withoutIndexes.add(committed.taken);
  }
  throw new IronbusError('STORE_CONFLICT', `node of ${cause.id} was changed by others ${tries} times in a row`);
}

type Commit = { decision: Decided; found: Found | undefined; cause: Cause; now: Date; withoutIndexes: ReadonlySet<string> };

async function commitDecision(hands: Hands, { decision, found, cause, now, withoutIndexes }: Commit): Promise<Committed> {
  const { store, settings, bus } = hands;
  const rows = rowsOf(decision, found?.value, { origin: bus.origin, now, settings, cause });
  const { record } = decision;
  if (record === undefined) {
    await addRows(store, cause.key, rows);
    return { ok: true, version: 0 };
  }
  const expectedVersion = found?.version ?? 0;
  if (record === null) {
    await markGone(store, found?.value.node.macs ?? [], now, settings.staleSeconds);
    return commit(store, { key: found?.key ?? cause.key, expectedVersion, value: null, rows });
  }
  const key = recordKeyOf(record.node.id);
  const change = { key, expectedVersion, value: record, rows, indexes: indexChange(record, found, withoutIndexes), deadlines: deadlineChange(record) };
  return commit(store, change);
}

function indexChange(record: NodeRecord, found: Found | undefined, without: ReadonlySet<string>): Change['indexes'] & {} {
  const wanted = indexesOf(record).filter((index) => !without.has(index));
  const before = found === undefined ? [] : indexesOf(found.value);
  return { set: Object.fromEntries(wanted.map((index) => [index, record.node.id])), remove: before.filter((index) => !wanted.includes(index)) };
}

/** A node has at most one deadline: that of what it waits for. */
function deadlineChange({ own }: NodeRecord): Change['deadlines'] & {} {
  const { wait } = own;
  return {
    set: wait === null ? {} : { [wait.deadline]: Date.parse(wait.at) },
    clear: deadlineNames.filter((name) => name !== wait?.deadline),
  };
}

/** A deadline that nobody waits for any more is taken away, so that it is not looked at for ever. */
async function onIgnored({ store, log }: Hands, what: What, cause: Cause, found: Found | undefined, reason: string): Promise<void> {
  log.debug({ node: found?.value.node.id, eventId: cause.id, reason }, 'input ignored');
  if (what.kind !== 'deadline' || found === undefined) return;
  if (found.value.own.wait?.deadline === what.name) return;
  await commit(store, { key: found.key, expectedVersion: found.version, value: found.value, deadlines: { clear: [what.name] } });
}

function logDecided({ log }: Hands, decision: Decided, cause: Cause): void {
  for (const fact of decision.facts) {
    const node = decision.record?.node;
    const fields = { node: node?.id, event: fact.type, cause: cause.id, attempt: node?.operation?.attempt };
    if (fact.type === 'node.transitioned') log.info({ ...fields, from: fact.data.from, to: fact.data.to, reason: fact.data.on }, 'node changed its status');
    else if (fact.type === 'node.deadline-passed') log.warn({ ...fields, reason: fact.data.deadline, remedy: fact.data.remedy }, 'node did not show what was awaited');
    else log.info(fields, 'fact published');
  }
}
