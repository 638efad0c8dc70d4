import assert from 'node:assert/strict';
import { test } from 'node:test';
import { network, policy, mac } from '../../test/fixtures.ts';
import { decideAnswer, mayRepeat, needsLedger, table, type Facts } from './answer.ts';
import { runOf } from './plan.ts';
import { next, type Ledger } from './ledger.ts';

const facts = (changes: Partial<Facts> = {}): Facts => ({ mac, asker: 'bound', heard: true, away: false, policy: undefined, ledger: undefined, network, ...changes });

/** A ledger of one attempt, with its outcome. */
function ledger(attempt: number, outcome: Ledger['outcome'], operation: Ledger['operation'] = 'deploying'): Ledger {
  const run = { operation, attempt, operationId: 'op', steps: [], end: 'reboot' as const, maxClaims: 3 };
  const move = next(undefined, { do: 'check-in', token: 't', mac, run });
  assert.ok(move.ok);
  return { ...move.ledger, outcome };
}

const written = policy({ answer: 'local', operation: null });

const asks: Facts['network'] = { ...network, unknownMachines: 'menu', consoleMenu: { prompt: 'P', timeoutSeconds: 5, entries: (['local-disk', 'enlist', 'rescue', 'memory-test', 'profile-debian'] as const).map((boots) => ({ text: boots, boots })) } };
const rows: [name: string, given: Partial<Facts>, rule: string, answer: string][] = [
  ['nothing heard yet', { heard: false, policy: policy() }, 'region-not-heard', 'retry'],
  ['no binding yet', { asker: 'unbound', policy: policy() }, 'asker-unbound', 'retry'],
  ['the address of another machine', { asker: 'foreign', policy: policy() }, 'asker-foreign', 'retry'],
  ['a deployment to run', { policy: policy() }, 'policy-agent', 'agent'],
  ['a deployment half done', { policy: policy(), ledger: ledger(3, null) }, 'policy-agent', 'agent'],
  ['done, the policy is stale', { policy: policy(), ledger: ledger(3, 'succeeded') }, 'deployment-done', 'local'],
  ['done, the policy is staler', { policy: policy({ attempt: 2, kind: 'commissioning' }), ledger: ledger(3, 'succeeded') }, 'deployment-done', 'local'],
  ['failed', { policy: policy(), ledger: ledger(3, 'failed') }, 'attempt-done', 'hold'],
  ['erased, the policy is stale', { policy: policy({ kind: 'releasing' }), ledger: ledger(3, 'succeeded', 'releasing') }, 'attempt-done', 'hold'],
  ['release under way, the policy still deploys', { policy: policy({ attempt: 3 }), ledger: ledger(4, null, 'releasing') }, 'policy-older-than-ledger', 'retry'],
  ['deployed again', { policy: policy({ attempt: 5 }), ledger: ledger(3, 'succeeded') }, 'policy-agent', 'agent'],
  ['deployed', { policy: policy({ answer: 'local', status: 'Deployed', operation: null }), ledger: ledger(3, 'succeeded') }, 'policy-local', 'local'],
  ['deployed, as another rack’s ledger knows', { policy: policy({ answer: 'local', status: 'Deployed', operation: null, lastAttempt: 3 }), ledger: ledger(3, null) }, 'policy-local', 'local'],
  ['deployed, while the next owner’s system is written', { policy: policy({ answer: 'local', status: 'Deployed', operation: null, lastAttempt: 3 }), ledger: ledger(5, null) }, 'policy-older-than-ledger', 'retry'],
  ['deployed, though its disk was erased since', { policy: policy({ answer: 'local', status: 'Deployed', operation: null, lastAttempt: 3 }), ledger: ledger(4, 'succeeded', 'releasing') }, 'policy-older-than-ledger', 'retry'],
  ['deployed, and deployed again since', { policy: policy({ answer: 'local', status: 'Deployed', operation: null, lastAttempt: 3 }), ledger: ledger(5, 'succeeded') }, 'policy-local', 'local'],
  ['deployed, and tested since', { policy: policy({ answer: 'local', status: 'Deployed', operation: null, lastAttempt: 3 }), ledger: ledger(4, null, 'testing') }, 'policy-local', 'local'],
  ['local while the disk is another’s', { policy: policy({ answer: 'local', status: 'Releasing', operation: null }) }, 'disk-not-trusted', 'hold'],
  ['written, and the ledger knows it', { policy: written, ledger: ledger(3, 'succeeded') }, 'policy-local', 'local'],
  ['written, by another rack', { policy: written }, 'policy-local', 'local'],
  ['said to be written while the ledger’s steps still run', { policy: written, ledger: ledger(3, null) }, 'disk-not-trusted', 'hold'],
  ['said to be written, and the ledger knows it failed', { policy: written, ledger: ledger(3, 'failed') }, 'disk-not-trusted', 'hold'],
  ['agent without an operation', { policy: policy({ operation: null }) }, 'policy-without-operation', 'hold'],
  ['an installer to run', { policy: policy({ answer: 'install' }) }, 'policy-install', 'install'],
  ['installed, the policy is stale', { policy: policy({ answer: 'install' }), ledger: ledger(3, 'succeeded') }, 'deployment-done', 'local'],
  ['an installer that was started too often', { policy: policy({ answer: 'install' }), ledger: ledger(3, 'failed') }, 'attempt-done', 'hold'],
  ['hold', { policy: policy({ answer: 'hold', operation: null }) }, 'policy-hold', 'hold'],
  ['inventory once more', { policy: policy({ answer: 'enlist', operation: null, status: 'New' }) }, 'policy-enlist', 'agent'],
  ['unknown, region away', { away: true }, 'unknown-region-away', 'local'],
  ['known, region away', { away: true, policy: policy() }, 'policy-agent', 'agent'],
  ['unknown on no network of ours', { network: undefined }, 'unknown-network', 'local'],
  ['unknown, enlist', {}, 'unknown-enlist', 'agent'],
  ['unknown, local disk', { network: { ...network, unknownMachines: 'local-disk' } }, 'unknown-local-disk', 'local'],
  ['unknown, menu', { network: asks }, 'unknown-menu', 'menu'],
  ['chosen: enlist', { network: asks, choice: 'enlist' }, 'chosen-enlist', 'agent'],
  ['chosen: rescue', { network: asks, choice: 'rescue' }, 'chosen-rescue', 'agent'],
  ['chosen: local disk', { network: asks, choice: 'local-disk' }, 'chosen-local-disk', 'local'],
  ['chosen: a memory test', { network: asks, choice: 'memory-test' }, 'chosen-memory-test', 'memory-test'],
  ['chosen: a memory test, but the machine is known by now', { network: asks, choice: 'memory-test', policy: policy() }, 'policy-agent', 'agent'],
  ['chosen: a profile', { network: asks, choice: 'profile-debian' }, 'chosen-profile', 'install'],
  ['chosen: what the menu does not have', { network: asks, choice: 'profile-other' }, 'unknown-menu', 'menu'],
  ['chosen where there is no menu', { choice: 'local-disk' }, 'unknown-enlist', 'agent'],
  ['chosen, but the machine is known by now', { network: asks, choice: 'profile-debian', policy: policy({ answer: 'hold', operation: null }) }, 'policy-hold', 'hold'],
  ['chosen, region away', { network: asks, choice: 'enlist', away: true }, 'unknown-region-away', 'local'],
  ['unknown, ignore', { network: { ...network, unknownMachines: 'ignore' } }, 'unknown-ignore', 'ignore'],
];

for (const [name, given, rule, answer] of rows) {
  test(`answer: ${name}`, () => {
    const decided = decideAnswer(facts(given));
    assert.deepEqual([decided.rule, decided.answer], [rule, answer]);
  });
}

test('every row of the table is reached by a case above, and no rule has two rows', () => {
  assert.deepEqual(new Set(rows.map(([, , rule]) => rule)), new Set(table.map((row) => row.rule)));
  assert.equal(new Set(table.map((row) => row.rule)).size, table.length);
});

test('an unknown machine is enlisted under its provisional name, in attempt 0', () => {
  const decided = decideAnswer(facts());
  assert.deepEqual([decided.node, decided.operation, decided.attempt], ['mac-525400770001', 'enlisting', 0]);
  assert.equal(runOf(decided, undefined, { ...network, afterEnlist: 'wait' })?.end, 'wait');
});

test('the ledger must be asked while an operation runs and while its disk is to be trusted, and may be for a deployed machine', () => {
  const asked = [policy(), written, policy({ answer: 'local', status: 'Deployed', operation: null }), policy({ answer: 'hold', operation: null }), undefined].map(needsLedger);
  assert.deepEqual(asked, ['must', 'must', 'may', 'no', 'no']);
});

const counted = { binding: { bootId: 'b1' }, network };
const repeats: readonly [string, Parameters<typeof mayRepeat>, boolean][] = [
  ['a machine whose boot is counted', [{ answer: 'agent' }, counted], true],
  ['its disk', [{ answer: 'local' }, counted], true],
  ['a refusal', [{ answer: 'ignore', refused: 'foreign' }, counted], false],
  ['ask again', [{ answer: 'retry' }, counted], false],
  ['a boot that dhcp did not count', [{ answer: 'agent' }, { ...counted, binding: { bootId: null } }], false],
  ['an address that nobody has', [{ answer: 'agent' }, { ...counted, binding: undefined }], false],
  ['no network of ours', [{ answer: 'agent' }, { ...counted, network: undefined }], false],
];
for (const [what, given, expected] of repeats) {
  test(`given again from memory: ${what}: ${expected}`, () => { assert.equal(mayRepeat(...given), expected); });
}
