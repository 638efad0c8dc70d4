import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Node as NodeSchema, lazyCheck, type Mac, type Node } from '@ironbus/contracts';
import { decide, evolve } from './decide.ts';
import type { LifecycleEvent } from './record.ts';
import {
  asks, checkedIn, claimed, deploy, deployed, deploying, deploymentFacts, enlisted, inventoried, inventory, Life, mac, otherMac, phonedHome, powerDone, powerFailed, ready,
  reported, settings, startMs,
} from './test/story.ts';

test('an unknown machine becomes a node, whichever of its facts comes first', () => {
  for (const facts of [[checkedIn(0), inventoried(0, 1)], [inventoried(0, 1), checkedIn(0)]]) {
    const life = new Life().see(...facts);
    assert.deepEqual([life.facts[0]?.type, life.node.status, life.node.macs, life.node.bootMac], ['node.discovered', 'New', [mac, otherMac], mac]);
    assert.deepEqual([life.node.hardware?.memoryBytes, life.node.architecture, life.node.bootRack, life.node.bmcRack], [2 * 1024 ** 3, 'amd64', 'rack1', 'rack1']);
    assert.match(life.node.id, /^[a-z][a-z0-9]{5}$/);
    assert.match(life.node.hostname, /^[a-z]+-[a-z]+$/);
    assert.deepEqual(lazyCheck(NodeSchema)(life.node), []);
  }
});

test('facts of a node that was forgotten make no new one: it enlists at its next boot', () => {
  const life = new Life().see(checkedIn(4), inventoried(4));
  assert.deepEqual([life.record, life.last], [undefined, { outcome: 'ignored', reason: 'old-attempt' }]);
});

test('what happened before a machine was forgotten does not bring it back', () => {
  const input = { what: { kind: 'event' as const, event: inventoried(0, 5) }, now: new Date(startMs), settings, taken: { macs: new Set<string>(), names: new Set<string>() }, salt: 0 };
  assert.deepEqual(decide(undefined, { ...input, goneAt: '2026-03-01T10:00:05.000Z' }), { outcome: 'ignored', reason: 'too-old' });
  assert.equal(decide(undefined, { ...input, goneAt: '2026-03-01T10:00:04.999Z' }).outcome, 'decided');
});

test('LIFECYCLE_AUTO_ACCEPT commissions after the inventory', () => {
  const life = new Life({ autoAccept: true }).see(checkedIn(0));
  assert.equal(life.node.status, 'New');
  assert.equal(life.see(inventoried(0)).node.status, 'Commissioning');
});

test('a MAC that is another node’s stays there', () => {
  const life = new Life().see(checkedIn(0));
  life.give({ kind: 'event', event: inventoried(0, 1) }, { macs: new Set([otherMac]) });
  assert.deepEqual(life.node.macs, [mac]);
});

test('a deployment waits for one thing after the other, each until its own deadline', () => {
  const life = deploying();
  const seen = [life.record?.own.wait?.awaits];
  for (const fact of deploymentFacts(life.attempt, powerDone(life))) seen.push(life.see(fact).record?.own.wait?.awaits);
  assert.deepEqual(seen, [
    'power.changed', 'node.checked-in', 'node.step-claimed', 'node.step-reported', 'node.step-claimed', 'node.step-reported', 'node.step-claimed',
    'node.step-reported', 'node.phoned-home', undefined,
  ]);
});

test('the deadline of a step is that of its kind', () => {
  const life = deploying({ stepSeconds: { inventory: 1, erase: 2, 'write-image': 3, grow: 4, seed: 5, test: 6, install: 7200 } });
  const seconds = () => (Date.parse(life.record?.own.wait?.at ?? '') - life.now) / 1000;
  const seen: number[] = [];
  for (const fact of deploymentFacts(life.attempt, powerDone(life)).slice(1, 8)) { life.see(fact); seen.push(seconds()); }
  assert.deepEqual(seen, [3, 3, 4, 4, 5, 5, 1200]);
});

test('a failed step fails the deployment with the agent’s reason, and switches the machine off', () => {
  const life = deploying();
  life.see(powerDone(life), checkedIn(life.attempt, 10), claimed(life.attempt, 'write-image', 11));
  life.see(reported(life.attempt, 'write-image', 12, { outcome: 'failed', reason: 'image-hash-mismatch', message: 'sha256 differs' }));
  const { failure } = life.node;
  assert.deepEqual([life.node.status, failure?.reason, failure?.message, failure?.during], ['Failed deployment', 'image-hash-mismatch', 'sha256 differs', 'Deploying']);
  assert.deepEqual([life.lastPower?.action, life.node.operation, life.node.statusMessage], ['off', null, 'sha256 differs']);
  assert.equal(life.see(asks('release')).node.failure, null);
});

test('a final power failure ends the operation at once; one that is not final does not', () => {
  const life = deploying();
  assert.equal(life.copy().see(powerFailed(2, 'power-bmc-unreachable', false)).node.status, 'Deploying');
  const failed = life.copy().see(powerFailed(2, 'power-bmc-auth'));
  assert.deepEqual([failed.node.status, failed.node.failure?.reason], ['Failed deployment', 'power-bmc-auth']);
  assert.equal(life.copy().see(powerFailed(2, 'bmc-auth')).node.failure?.reason, 'power-bmc-auth');
  assert.equal(life.copy().see(powerFailed(1, 'power-bmc-auth')).node.status, 'Deploying', 'of an earlier request');
});

test('evidence of an earlier attempt counts no more', () => {
  const first = deploying();
  const old = deploymentFacts(first.attempt, powerDone(first));
  const life = first.see(asks('abort'), deploy());
  const before = structuredClone(life.record);
  for (const fact of old.slice(2)) assert.deepEqual(life.see(fact).last, { outcome: 'ignored', reason: 'old-attempt' });
  assert.deepEqual(life.record, before);
});

test('phone-home proves the deployment even where reports are missing', () => {
  const life = deploying();
  assert.equal(life.see(phonedHome(life.attempt, 17)).node.status, 'Deployed');
  assert.equal(life.node.reservedAddress, '10.77.0.100');
});

test('an older claim’s failure does not end a newer claim', () => {
  const life = deploying();
  life.see(powerDone(life), checkedIn(life.attempt, 10), claimed(life.attempt, 'write-image', 11), claimed(life.attempt, 'write-image', 20, 2));
  assert.equal(life.see(reported(life.attempt, 'write-image', 12, { outcome: 'failed' })).node.status, 'Deploying');
});

test('a repeated claim does not put its deadline off', () => {
  const life = deploying();
  const claim = claimed(life.attempt, 'write-image', 11);
  life.see(powerDone(life), checkedIn(life.attempt, 10), claim);
  const { at } = life.record?.own.wait ?? {};
  life.now += 60_000;
  assert.equal(life.see({ ...claim, id: 'same-claim-other-id' as never }).record?.own.wait?.at, at);
});

/** As a BMC answers that keeps no readable boot option. */
const unverified = (life: Life, at = 6): LifecycleEvent => {
  const done = powerDone(life);
  return { ...done, time: new Date(startMs + at * 1000).toISOString(), data: { ...done.data, bootDeviceVerified: false } } as LifecycleEvent;
};

test('a boot device that the BMC could not read back is verified by the check-in of this attempt, not by one of another', () => {
  const life = deploying();
  assert.equal(life.see(unverified(life)).node.power.bootDeviceVerified, false);
  assert.equal(life.see(checkedIn(life.attempt - 1, 9)).node.power.bootDeviceVerified, false);
  assert.equal(life.see(checkedIn(life.attempt, 10)).node.power.bootDeviceVerified, true);
});

test('a check-in that overtakes the BMC’s answer is not taken back by it; a newer request has to be proved anew', () => {
  const life = deploying();
  const late = unverified(life, 20);
  assert.equal(life.see(checkedIn(life.attempt, 10), late).node.power.bootDeviceVerified, true);
  life.see(asks('abort'), deploy());
  assert.equal(life.see(unverified(life, 30)).node.power.bootDeviceVerified, false);
  assert.equal(life.see(checkedIn(life.attempt, 40)).node.power.bootDeviceVerified, true);
});

test('a cycle that left the boot device alone proves nothing about it', () => {
  const life = deploying();
  life.see(unverified(life)).timeOut().timeOut();
  assert.deepEqual([life.lastPower?.bootDevice, life.node.operation?.remediesUsed], ['unchanged', ['re-arm-netboot', 'power-cycle']]);
  assert.equal(life.see(checkedIn(life.attempt, 1500)).node.power.bootDeviceVerified, false);
});

/** What must not depend on the order or the number of deliveries. */
function outcome(life: Life): object {
  const { node, own } = life.record ?? assert.fail();
  const { status, owner, macs, bootMac, hardware, power, deployment, reservedAddress, addresses, operation, failure, firmware } = node;
  return {
    status, owner, macs: [...macs].sort(), bootMac, hardware, power, deployment, reservedAddress, addresses, operation, reason: failure?.reason, firmware,
    wait: own.wait, sequence: own.powerSequence, attempts: own.attempts,
  };
}

const stories: Record<string, () => { given: Life; facts: LifecycleEvent[] }> = {
  'a good deployment': () => { const given = deploying(); return { given, facts: deploymentFacts(given.attempt, powerDone(given)) }; },
  'a failed deployment': () => {
    const given = deploying();
    return { given, facts: [...deploymentFacts(given.attempt, powerDone(given)).slice(0, 6), reported(given.attempt, 'seed', 16, { outcome: 'failed', reason: 'seed-write-error' })] };
  },
  'a commissioning': () => {
    const given = enlisted().see(asks('accept'));
    return { given, facts: [powerDone(given), checkedIn(1, 2), claimed(1, 'inventory', 3), inventoried(1, 4), reported(1, 'inventory', 5, { last: true })] };
  },
  'a commissioning whose boot device was not read back': () => {
    const given = enlisted().see(asks('accept'));
    return { given, facts: [unverified(given), checkedIn(1, 2), claimed(1, 'inventory', 3), inventoried(1, 4), reported(1, 'inventory', 5, { last: true })] };
  },
  'a deployment whose boot device was not read back': () => { const given = deploying(); return { given, facts: deploymentFacts(given.attempt, unverified(given)) }; },
  'an erase': () => {
    const given = deployed().see(asks('release', { erase: 'quick' }));
    return { given, facts: [{ ...powerDone(given), time: '2026-03-01T11:00:00.000Z' }, checkedIn(given.attempt, 20), claimed(given.attempt, 'erase', 21), reported(given.attempt, 'erase', 22, { last: true })] as LifecycleEvent[] };
  },
  'an enlisting': () => ({ given: new Life().see(checkedIn(0)), facts: [inventoried(0, 1), reported(0, 'inventory', 2, { last: true }), checkedIn(0, 3, { mac: otherMac as Mac })] }),
};

for (const [name, make] of Object.entries(stories)) {
  test(`facts in any order, any number of times, come to the same: ${name}`, () => {
    const { given, facts } = make();
    const expected = outcome(given.copy().see(...facts));
    const indexes = facts.map((_, index) => index);
    fc.assert(fc.property(fc.shuffledSubarray([...indexes, ...indexes], { minLength: 0 }), fc.shuffledSubarray(indexes, { minLength: facts.length }), (some, all) => {
      const order = [...some, ...all].flatMap((index) => facts[index] ?? []);
      const life = given.copy().see(...order);
      // a machine that failed is switched off once, whatever came before its failure
      assert.deepEqual(outcome(life), expected);
    }), { numRuns: 200, seed: 77 });
  });
}

test('a reader of the log ends with the node, whatever the order of the facts', () => {
  const life = deployed().see(asks('release'));
  const last = life.see(powerDone(life)).node;
  fc.assert(fc.property(fc.shuffledSubarray(life.facts, { minLength: life.facts.length }), (facts) => {
    let node: Node | undefined;
    for (const fact of [...facts, ...facts.slice(0, 3)]) node = evolve(node, fact);
    assert.deepEqual(node, last);
  }), { numRuns: 100, seed: 7 });
});

test('every published node satisfies the contract', () => {
  const life = deployed().see(asks('release', { erase: 'quick' }));
  const check = lazyCheck(NodeSchema);
  for (const fact of life.facts) if ('node' in fact.data) assert.deepEqual(check(fact.data.node), [], fact.type);
  assert.equal(ready().node.hardware?.disks.length, inventory().disks.length);
});
