import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statuses, type Status } from '@ironbus/contracts';
import { allowedRequests, inProgress, isInProgress, next, table, type Row } from './table.ts';
import { stateDiagram, statesDocument } from './diagram.ts';

/** Where `return` can lead: every status that remembers itself on the way in, followed through statuses that keep the memory. */
function returns(status: Status): Status[] {
  const operation = status === 'Exiting rescue mode' ? 'Entering rescue mode' : status;
  return table.filter((row) => row.to === operation && row.remember === true).map((row) => row.from);
}
const targets = (row: Row): Status[] => row.to === 'return' ? returns(row.from) : [row.to];

test('no two rows say what happens for the same thing', () => {
  const keys = table.map((row) => `${row.from} + ${row.on} + ${row.when ?? ''}`);
  assert.deepEqual(keys.filter((key, index) => keys.indexOf(key) !== index), []);
});

test('a guarded row has no unguarded twin that would hide it', () => {
  for (const row of table.filter((candidate) => candidate.when !== undefined)) {
    assert.equal(table.some((other) => other.from === row.from && other.on === row.on && other.when === undefined), false, `${row.from} + ${row.on}`);
  }
});

test('every status is reachable from New', () => {
  const seen = new Set<Status>(['New']);
  for (const status of seen) for (const row of table.filter((candidate) => candidate.from === status)) for (const to of targets(row)) seen.add(to);
  assert.deepEqual(statuses.filter((status) => !seen.has(status)), []);
});

test('every row into or within a status in progress awaits something until a deadline', () => {
  for (const row of table.filter((candidate) => candidate.to !== 'return' && isInProgress(candidate.to))) {
    assert.ok(row.awaits !== undefined && row.deadline !== undefined && row.ladder !== undefined, `${row.from} + ${row.on}`);
    assert.ok(row.ladder.length > 0, `${row.from} + ${row.on} has a ladder`);
  }
});

test('every status in progress ends by timeout and by a final power failure; no other status waits', () => {
  for (const status of inProgress) {
    for (const on of ['ladder-exhausted', 'power-failed'] as const) {
      const move = next(status, on);
      assert.ok('row' in move && move.row.to !== status && move.row.to !== 'return' && !isInProgress(move.row.to), `${status} + ${on}`);
    }
  }
  const resting = table.filter((row) => row.to !== 'return' && !isInProgress(row.to) && row.awaits !== undefined);
  assert.deepEqual(resting, []);
});

test('every resting status has a way out that a person can ask for', () => {
  for (const status of statuses) assert.ok(allowedRequests(status).length > 0, status);
});

test('`return` is known wherever it is used', () => {
  for (const row of table.filter((candidate) => candidate.to === 'return')) assert.ok(returns(row.from).length > 0, row.from);
});

/** maasserver/node_status.py, NODE_TRANSITIONS, as features.md §3 quotes it. */
const maas: Record<Status, readonly Status[]> = {
  New: ['Commissioning', 'Testing', 'Missing', 'Ready', 'Retired', 'Broken', 'Entering rescue mode'],
  Commissioning: ['Failed commissioning', 'Ready', 'Retired', 'Missing', 'New', 'Broken', 'Testing'],
  'Failed commissioning': ['Commissioning', 'Missing', 'Retired', 'Broken', 'Entering rescue mode', 'Testing'],
  Missing: ['New', 'Ready', 'Allocated', 'Commissioning', 'Broken', 'Entering rescue mode', 'Testing'],
  Ready: ['Entering rescue mode', 'Commissioning', 'Allocated', 'Reserved', 'Retired', 'Missing', 'Broken', 'Testing'],
  Reserved: ['Ready', 'Allocated', 'Retired', 'Missing', 'Broken', 'Disk erasing', 'Releasing', 'Entering rescue mode', 'Testing'],
  Deployed: ['Allocated', 'Missing', 'Broken', 'Ready', 'Disk erasing', 'Releasing', 'Entering rescue mode', 'Testing'],
  Retired: ['New', 'Ready', 'Missing', 'Broken', 'Entering rescue mode', 'Testing'],
  Broken: ['Commissioning', 'Ready', 'Disk erasing', 'Releasing', 'Entering rescue mode', 'Testing', 'Deployed'],
  Deploying: ['Allocated', 'Missing', 'Broken', 'Failed deployment', 'Deployed', 'Ready', 'Disk erasing', 'Releasing'],
  Allocated: ['Ready', 'Retired', 'Missing', 'Broken', 'Deploying', 'Disk erasing', 'Releasing', 'Entering rescue mode', 'Testing'],
  'Failed deployment': ['Allocated', 'Missing', 'Broken', 'Ready', 'Disk erasing', 'Releasing', 'Entering rescue mode', 'Testing'],
  Releasing: ['New', 'Allocated', 'Reserved', 'Deployed', 'Ready', 'Broken', 'Missing', 'Failed deployment', 'Failed disk erasing', 'Releasing failed'],
  'Releasing failed': ['Releasing', 'Disk erasing', 'Ready', 'Broken', 'Testing'],
  'Disk erasing': ['Broken', 'Disk erasing', 'Failed disk erasing', 'Ready', 'Releasing'],
  'Failed disk erasing': ['Disk erasing', 'Releasing', 'Broken', 'Allocated', 'Ready', 'Entering rescue mode', 'Testing'],
  'Rescue mode': ['Broken', 'Exiting rescue mode', 'Testing'],
  'Entering rescue mode': ['Ready', 'Broken', 'Deployed', 'Rescue mode', 'Failed to enter rescue mode', 'Exiting rescue mode'],
  'Failed to enter rescue mode': ['Broken', 'Entering rescue mode', 'Exiting rescue mode', 'Testing'],
  'Exiting rescue mode': [
    'New', 'Broken', 'Failed commissioning', 'Ready', 'Reserved', 'Allocated', 'Failed deployment', 'Deployed', 'Missing', 'Retired', 'Releasing failed',
    'Failed disk erasing', 'Rescue mode', 'Failed to enter rescue mode', 'Failed to exit rescue mode', 'Failed testing',
  ],
  'Failed to exit rescue mode': ['Broken', 'Exiting rescue mode', 'Testing'],
  Testing: [
    'Broken', 'New', 'Ready', 'Reserved', 'Allocated', 'Deployed', 'Commissioning', 'Failed deployment', 'Missing', 'Retired', 'Releasing failed',
    'Failed disk erasing', 'Failed to enter rescue mode', 'Failed to exit rescue mode', 'Failed testing',
  ],
  'Failed testing': ['Commissioning', 'Broken', 'Missing', 'Entering rescue mode', 'Testing', 'Ready', 'Deployed'],
};

/** Where we go further than MAAS, and why. */
const ours: Record<string, string> = {
  'Ready → Deploying': 'deploying implies allocation',
  'Commissioning → Failed commissioning': 'an aborted second try goes back, not to New',
  'Commissioning → Broken': 'the same', 'Commissioning → Failed testing': 'the same', 'Commissioning → Missing': 'the same',
  'Testing → Failed commissioning': 'tests that pass do not hide that commissioning failed',
};

test('every move is one that MAAS allows, or is listed as ours', () => {
  const moves = table.flatMap((row) => targets(row).filter((to) => to !== row.from).map((to) => ({ from: row.from, to })));
  const foreign = moves.filter(({ from, to }) => !maas[from].includes(to) && ours[`${from} → ${to}`] === undefined);
  assert.deepEqual(foreign, []);
});

test('what has no row is illegal', () => {
  assert.deepEqual(next('Deployed', 'node.deploy-requested'), { illegal: 'Deployed + node.deploy-requested' });
  assert.ok('illegal' in next('Broken', 'node.mark-fixed-requested'), 'a guard that does not hold is no row');
});

test('the page shows every status and every row', () => {
  const page = statesDocument();
  for (const status of statuses) assert.ok(stateDiagram().includes(`state "${status}" as`), status);
  assert.equal(page.split('\n').filter((text) => text.startsWith('| ')).length, table.length + 2);
});
