import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asks, checkedIn, claimed, deploying, deploymentFacts, deployed, enlisted, Life, powerDone, ready } from './test/story.ts';

const passed = (life: Life) => life.facts.flatMap((fact) => fact.type === 'node.deadline-passed' ? [fact.data] : []);
const awaitingCheckIn = (over = {}) => { const life = deploying(over); return life.see(powerDone(life)); };

test('no check-in: every rung in order, then the failure with the last evidence', () => {
  const life = awaitingCheckIn();
  const asked = life.power.length;
  life.timeOut().timeOut();
  assert.equal(life.record?.own.bootPath, 0);
  life.timeOut();
  assert.equal(life.record?.own.bootPath, 1);
  assert.deepEqual(life.node.operation?.remediesUsed, ['re-arm-netboot', 'power-cycle', 'other-boot-path']);
  assert.deepEqual(life.power.slice(asked).map((power) => [power.action, power.bootDevice, power.sequence]), [['cycle', 'network', 3], ['cycle', 'unchanged', 4], ['cycle', 'network', 5]]);
  life.timeOut();
  assert.deepEqual(passed(life).map((fact) => [fact.deadline, fact.awaited, fact.remedy]), [
    ['check-in', 'node.checked-in', 're-arm-netboot'], ['check-in', 'node.checked-in', 'power-cycle'], ['check-in', 'node.checked-in', 'other-boot-path'], ['check-in', 'node.checked-in', null],
  ]);
  const { failure } = life.node;
  assert.deepEqual([life.node.status, failure?.reason, failure?.lastEvidence], ['Failed deployment', 'no-check-in', 'power on at 2026-03-01T10:00:01.000Z, nothing since']);
  assert.match(failure?.message ?? '', /tried re-arm-netboot, power-cycle, other-boot-path/);
  assert.equal(life.lastPower?.action, 'off');
});

test('the machine that comes after a remedy goes on with the same attempt', () => {
  const life = awaitingCheckIn().timeOut();
  life.see(...deploymentFacts(life.attempt, powerDone(life)).slice(1));
  assert.equal(life.node.status, 'Deployed');
});

test('LIFECYCLE_LADDER chooses the rungs', () => {
  const life = awaitingCheckIn({ ladder: ['other-boot-path'] }).timeOut().timeOut();
  assert.equal(life.node.status, 'Failed deployment');
  assert.deepEqual(passed(life).map((fact) => fact.remedy), ['other-boot-path', null]);
});

test('manual power skips the rungs that need it', () => {
  const life = new Life().see(checkedIn(0), asks('accept')).timeOut();
  assert.deepEqual([passed(life)[0]?.remedy, life.power.length], ['other-boot-path', 0]);
  assert.equal(life.timeOut().node.status, 'Failed commissioning');
});

const timeouts: [string, () => Life, string, string[], string][] = [
  ['power', () => deploying(), 'no-power', ['repeat-power'], 'Failed deployment'],
  ['a step', () => { const life = awaitingCheckIn(); return life.see(checkedIn(life.attempt, 10), claimed(life.attempt, 'write-image', 11)); }, 'step-timeout', ['power-cycle'], 'Failed deployment'],
  ['phone-home', () => { const life = deploying(); return life.see(...deploymentFacts(life.attempt, powerDone(life)).slice(0, -1)); }, 'no-phone-home', ['power-cycle'], 'Failed deployment'],
  ['release', () => deployed().see(asks('release')), 'no-power-off', ['repeat-power'], 'Releasing failed'],
  ['erase', () => deployed().see(asks('release', { erase: 'quick' })), 'no-power', ['repeat-power'], 'Failed disk erasing'],
  ['testing', () => ready().see(asks('test', { tests: ['memory'] })), 'no-power', ['repeat-power'], 'Failed testing'],
  ['rescue', () => ready().see(asks('rescue')), 'no-power', ['repeat-power'], 'Failed to enter rescue mode'],
  ['leaving rescue', () => ready().see(asks('rescue'), asks('abort')), 'no-power', ['repeat-power'], 'Failed to exit rescue mode'],
  ['commissioning', () => enlisted().see(asks('accept')), 'no-power', ['repeat-power'], 'Failed commissioning'],
];
for (const [name, make, reason, ladder, status] of timeouts) {
  test(`nothing stays for ever: ${name}`, () => {
    const life = make();
    for (let left = 10; life.record?.own.wait != null && left > 0; left -= 1) life.timeOut();
    assert.deepEqual([life.node.status, life.node.failure?.reason], [status, reason]);
    assert.deepEqual(passed(life).flatMap((fact) => fact.remedy ?? []), ladder);
    assert.ok(life.node.failure?.lastEvidence);
  });
}

test('a deadline that was moved, met or is not due changes nothing', () => {
  const life = awaitingCheckIn();
  const atMs = Date.parse(life.record?.own.wait?.at ?? '');
  assert.deepEqual(life.copy().give({ kind: 'deadline', name: 'check-in', atMs }).last, { outcome: 'ignored', reason: 'stale-deadline' });
  life.now = atMs;
  assert.deepEqual(life.copy().give({ kind: 'deadline', name: 'power', atMs }).last, { outcome: 'ignored', reason: 'stale-deadline' });
  const met = life.copy().see(checkedIn(life.attempt, 10)).give({ kind: 'deadline', name: 'check-in', atMs });
  assert.deepEqual(met.last, { outcome: 'ignored', reason: 'stale-deadline' });
});
