import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BootPolicy as PolicySchema, lazyCheck, statuses } from '@ironbus/contracts';
import { bootPolicies } from './boot-policy.ts';
import { asks, deployed, deploying, deploymentFacts, enlisted, mac, otherMac, powerDone, ready, settings, type Life } from './test/story.ts';

const answer = (life: Life) => bootPolicies(life.record ?? assert.fail(), settings)[0] ?? assert.fail();
const neverLocal = ['Releasing', 'Releasing failed', 'Disk erasing', 'Failed disk erasing', 'Failed deployment'];

test('every status has its answer', () => {
  const expected: Record<string, string> = {
    New: 'enlist', Deployed: 'local', Commissioning: 'agent', Testing: 'agent', Deploying: 'agent', 'Disk erasing': 'agent', 'Entering rescue mode': 'agent', 'Rescue mode': 'agent',
  };
  for (const status of statuses) {
    const life = deploying();
    life.node.status = status;
    const policy = answer(life);
    assert.equal(policy.answer, expected[status] ?? 'hold', status);
    assert.equal(policy.operation === null, policy.answer !== 'agent', status);
    assert.deepEqual(lazyCheck(PolicySchema)(policy), [], status);
  }
});

test('Deploying is local only once its last step succeeded', () => {
  const life = deploying();
  for (const fact of deploymentFacts(life.attempt, powerDone(life)).slice(0, 7)) assert.equal(answer(life.see(fact)).answer, 'agent', fact.type);
  const written = deploying();
  written.see(...deploymentFacts(written.attempt, powerDone(written)).slice(0, 8));
  assert.deepEqual([written.node.status, answer(written).answer], ['Deploying', 'local']);
  assert.equal(answer(written.see(asks('abort'))).answer, 'hold');
});

test('a disk that may hold the last owner’s system is never booted', () => {
  for (const status of neverLocal) {
    const life = deployed();
    life.node.status = status as never;
    if (life.record !== undefined) life.record.own.stepsFinished = true;
    assert.notEqual(answer(life).answer, 'local', status);
  }
});

test('rescue runs the agent without steps and waits', () => {
  const { operation } = answer(ready().see(asks('rescue')));
  assert.deepEqual([operation?.kind, operation?.steps, operation?.end], ['rescue', [], 'wait']);
});

test('leaving rescue: a deployed machine boots its disk', () => {
  assert.equal(answer(deployed().see(asks('rescue'), asks('abort'))).answer, 'local');
  assert.equal(answer(ready().see(asks('rescue'), asks('abort'))).answer, 'hold');
});

test('the reserved address belongs to the MAC that booted', () => {
  const policies = bootPolicies(deployed().record ?? assert.fail(), settings);
  assert.deepEqual(policies.map((policy) => [policy.mac, policy.reservedAddress]), [[mac, '10.77.0.100'], [otherMac, null]]);
});

test('policies are published where they differ, and with every power request', () => {
  const puts = (life: Life) => life.last.outcome === 'decided' ? life.last.policyMacs.put : [];
  assert.deepEqual(puts(enlisted()), []);
  assert.deepEqual(puts(deploying()), [mac, otherMac]);
  const life = deploying();
  const facts = deploymentFacts(life.attempt, powerDone(life));
  assert.deepEqual(puts(life.see(facts[0] ?? assert.fail())), [], 'power alone changes no answer');
  assert.deepEqual(puts(life.see(facts[1] ?? assert.fail())), [mac, otherMac], 'the address is reserved');
  assert.deepEqual(puts(life.timeOut()), [mac, otherMac], 'the machine comes on again');
});
