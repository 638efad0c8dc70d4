import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statuses, type InstallStep, type Status } from '@ironbus/contracts';
import { bootPolicies } from './boot-policy.ts';
import { allowedRequests } from './table.ts';
import { asks, checkedIn, claimed, deploy, deployed, deploying, enlisted, image, Life, mac, otherMac, phonedHome, powerChanged, powerDone, ready, reported } from './test/story.ts';

const refusal = (life: Life) => {
  const fact = life.lastFact;
  assert.equal(fact?.type, 'node.request-refused');
  return fact?.type === 'node.request-refused' ? fact.data : assert.fail();
};

test('the whole life: New to Deployed, released, Ready again', () => {
  const life = deployed();
  assert.deepEqual(life.path, ['Commissioning', 'Ready', 'Allocated', 'Deploying', 'Deployed']);
  assert.equal(life.node.owner, 'alice');
  assert.equal(life.node.reservedAddress, '10.77.0.100');
  assert.equal(life.node.deployment?.deployedAt, '2026-03-01T10:00:17.000Z');
  life.see(asks('release'));
  assert.deepEqual(life.lastPower, { action: 'off', bootDevice: 'unchanged', sequence: 3, attempt: 3, rack: 'rack1' });
  assert.equal(life.node.status, 'Releasing');
  life.see(powerDone(life));
  assert.equal(life.node.status, 'Ready');
  assert.deepEqual([life.node.owner, life.node.deployment, life.node.reservedAddress, life.node.operation, life.node.addresses], [null, null, null, null, []]);
});

test('deploy from Ready allocates to who asked', () => {
  const life = ready().see(deploy({ hostname: 'web-1' }));
  assert.equal(life.node.status, 'Deploying');
  assert.deepEqual([life.node.owner, life.node.hostname, life.node.deployment?.hostname], ['alice', 'web-1', 'web-1']);
});

test('a deployment plans write-image, grow and seed, and cycles into the network', () => {
  const life = deploying();
  const plan = life.record?.own.plan;
  assert.deepEqual(plan?.steps.map((step) => step.id), ['write-image', 'grow', 'seed']);
  assert.equal(plan?.end, 'reboot');
  assert.deepEqual(plan?.steps[2]?.parameters['deployment'], life.node.deployment);
  assert.deepEqual([life.node.deployment?.instanceId, life.node.deployment?.user], [`${life.node.id}-2`, 'debian']);
  assert.deepEqual(life.lastPower, { action: 'cycle', bootDevice: 'network', sequence: 2, attempt: 2, rack: 'rack1' });
});

test('where the seed is to be found is the deployment’s, and absent where nobody said', () => {
  const told = (said: Parameters<typeof deploy>[0]) => ready().see(deploy(said)).record?.own.plan?.steps.at(-1)?.parameters['deployment'] as { datasource?: string };
  assert.deepEqual([told({ datasource: 'maas' }).datasource, 'datasource' in told({})], ['maas', false]);
});

test('a file tree is not grown', () => {
  const life = ready().see(deploy({ image: { ...image, format: 'rootfs' } }));
  assert.deepEqual(life.record?.own.plan?.steps.map((step) => step.id), ['write-image', 'seed']);
});

const refusedDeploys = [
  ['an installer’s disc', { image: { ...image, format: 'iso' } }, /is not written to disks/],
  ['another architecture', { image: { ...image, architecture: 'arm64' } }, /is for arm64 and this machine is amd64/],
  ['no such disk', { disk: 'DISK9' }, /there is no disk DISK9; there are \/dev\/vda \(serial DISK1/],
  ['an image too large', { image: { ...image, compression: 'none', sizeBytes: 9 * 1024 ** 3 } }, /no fixed disk has the 9663676416 bytes/],
] as const;
for (const [name, over, why] of refusedDeploys) {
  test(`deploy is refused: ${name}`, () => {
    const life = ready().see(deploy(over));
    assert.equal(refusal(life).code, 'REQUEST_INVALID');
    assert.match(refusal(life).message, why);
    assert.deepEqual([life.node.status, life.node.operation, life.node.owner], ['Ready', null, null]);
  });
}

test('a request that a status does not allow is refused by name, and says what is allowed', () => {
  const life = deploying().see(asks('allocate', { owner: 'bob' }));
  const { code, message, request } = refusal(life);
  assert.deepEqual([code, request], ['NODE_STATE', 'node.allocate-requested']);
  assert.equal(message, `${life.node.hostname} (${life.node.id}) is Deploying; allocate is not possible there. Possible: abort, release, mark-broken`);
  assert.equal(life.node.owner, 'alice');
});

test('the same request twice is one: the second changes nothing, whatever the status is by then', () => {
  const request = asks('commission');
  const life = enlisted().see(request);
  const before = structuredClone(life.record);
  life.see(request);
  assert.deepEqual(life.last, { outcome: 'ignored', reason: 'duplicate' });
  assert.deepEqual(life.record, before);
  const late = asks('release');
  life.see(late).see(asks('abort')).see(late);
  assert.equal(life.last.outcome, 'ignored', 'a refused request is not carried out later');
});

test('release with quick erases first, by the agent', () => {
  const life = deployed().see(asks('release', { erase: 'quick' }));
  assert.equal(life.node.status, 'Disk erasing');
  assert.deepEqual(life.record?.own.plan?.steps.map((step) => [step.kind, step.parameters['mode']]), [['erase', 'quick']]);
  life.see(powerDone(life), checkedIn(life.attempt, 20), claimed(life.attempt, 'erase', 21), reported(life.attempt, 'erase', 22, { last: true }));
  assert.equal(life.node.status, 'Ready');
  assert.equal(life.lastPower?.action, 'off');
});

test('abort goes back: Deploying to Allocated, Commissioning to New, Testing to where it was', () => {
  const aborted = deploying().see(asks('abort'));
  assert.deepEqual([aborted.node.status, aborted.node.owner, aborted.node.deployment, aborted.lastPower?.action], ['Allocated', 'alice', null, 'off']);
  assert.equal(enlisted().see(asks('accept'), asks('abort')).node.status, 'New');
  const tested = deployed().see(asks('test', { tests: ['memory'] }), asks('abort'));
  assert.deepEqual([tested.node.status, tested.lastPower?.action, tested.node.deployment?.image], ['Deployed', 'cycle', 'debian-13']);
});

test('an aborted erase is a failure, since nobody knows what is left', () => {
  const life = deployed().see(asks('release', { erase: 'secure' }), asks('abort'));
  assert.deepEqual([life.node.status, life.node.failure?.reason], ['Failed disk erasing', 'aborted']);
});

const installing = (): Life => ready().see(deploy({ image: undefined, profile: { id: 'debian', architectures: ['amd64'] }, hostname: 'web-1' }));

test('a profile: its installer fetches its configuration, calls home, and the machine is deployed', () => {
  const life = installing();
  const { attempt } = life;
  const policy = bootPolicies(life.record!, life.settings)[0];
  assert.deepEqual([policy?.answer, policy?.operation?.steps.map((step) => step.id)], ['install', ['install']]);
  const { profile, machine, deployment } = life.record!.own.plan!.steps[0]!.parameters as InstallStep;
  assert.deepEqual([profile, machine.hostname, machine.hardware?.disks.length, deployment.profile, deployment.image], ['debian', 'web-1', life.node.hardware?.disks.length, 'debian', null]);
  assert.match(life.see(powerDone(life)).node.statusMessage, /its installer fetches its configuration/);
  life.see(claimed(attempt, 'install', 20));
  assert.deepEqual([life.node.operation?.awaits, life.record?.own.wait?.deadline, life.node.power.bootDeviceVerified], ['node.phoned-home', 'install', true]);
  life.see(phonedHome(attempt, 30));
  assert.deepEqual([life.node.status, life.node.reservedAddress, bootPolicies(life.record!, life.settings)[0]?.answer], ['Deployed', '10.77.0.100', 'local']);
});

test('an installer that never calls is started once more, then it has failed; one that was started too often has failed at once', () => {
  const silent = installing();
  silent.see(powerDone(silent), claimed(silent.attempt, 'install', 20)).timeOut();
  assert.deepEqual([silent.node.status, silent.lastPower?.action], ['Deploying', 'cycle']);
  silent.timeOut();
  assert.deepEqual([silent.node.status, silent.node.failure?.reason], ['Failed deployment', 'no-phone-home']);
  const often = installing();
  often.see(powerDone(often), claimed(often.attempt, 'install', 20), reported(often.attempt, 'install', 30, { outcome: 'failed', reason: 'claims-exhausted', message: 'three times' }));
  assert.deepEqual([often.node.status, often.node.failure?.reason], ['Failed deployment', 'claims-exhausted']);
});

test('a profile is refused for another architecture, and with a disk; a deployment needs a profile or an image', () => {
  assert.match(refusal(ready().see(deploy({ image: undefined, profile: { id: 'debian', architectures: ['arm64'] } }))).message, /profile debian is for arm64 and this machine is amd64/);
  assert.match(refusal(ready().see(deploy({ image: undefined, profile: { id: 'debian', architectures: ['amd64'] }, disk: 'S1' }))).message, /an installer chooses its disk itself/);
  assert.match(refusal(ready().see(deploy({ image: undefined }))).message, /needs an image or a profile/);
});

test('tests return a machine to its status; a failure does not', () => {
  const life = ready().see(asks('test', { tests: ['memory', 'network'] }));
  const attempt = life.attempt;
  life.see(powerDone(life), checkedIn(attempt, 20), claimed(attempt, 'test-memory', 21), reported(attempt, 'test-memory', 22));
  const good = life.copy().see(claimed(attempt, 'test-network', 23), reported(attempt, 'test-network', 24, { last: true }));
  assert.equal(good.node.status, 'Ready');
  const bad = life.copy().see(claimed(attempt, 'test-network', 23), reported(attempt, 'test-network', 24, { outcome: 'failed', reason: 'test-failed', message: 'no link' }));
  assert.deepEqual([bad.node.status, bad.node.failure?.reason, bad.node.failure?.message], ['Failed testing', 'test-failed', 'no link']);
  const again = bad.see(asks('test', { tests: ['network'] }));
  again.see(powerDone(again), checkedIn(again.attempt, 30), reported(again.attempt, 'test-network', 31, { last: true }));
  assert.equal(again.node.status, 'Ready');
});

test('an unknown test is refused', () => {
  assert.match(refusal(ready().see(asks('test', { tests: ['dance'] }))).message, /no test dance; known are memory, disk-read, network/);
});

test('rescue and back: a deployed machine boots its system again, any other is switched off', () => {
  const life = deployed().see(asks('rescue'));
  life.see(powerDone(life), checkedIn(life.attempt, 20));
  assert.deepEqual([life.node.status, life.node.operation?.kind, life.record?.own.wait], ['Rescue mode', 'rescue', null]);
  life.see(asks('exit-rescue'));
  assert.deepEqual([life.node.status, life.lastPower?.action, life.lastPower?.bootDevice], ['Exiting rescue mode', 'cycle', 'unchanged']);
  life.see(powerDone(life));
  assert.deepEqual([life.node.status, life.node.deployment?.image], ['Deployed', 'debian-13']);
  const other = ready().see(asks('rescue'), asks('abort'));
  assert.deepEqual([other.node.status, other.lastPower?.action], ['Exiting rescue mode', 'off']);
  assert.equal(other.see(powerDone(other)).node.status, 'Ready');
});

test('broken and fixed: a system that is still there makes it Deployed again', () => {
  assert.equal(deployed().see(asks('mark-broken'), asks('mark-fixed')).node.status, 'Deployed');
  assert.equal(deploying().see(asks('mark-broken'), asks('mark-fixed')).node.status, 'Ready');
});

test('manual power: nothing is asked, a person is told', () => {
  const life = new Life().see(checkedIn(0), asks('accept'));
  assert.deepEqual(life.power, []);
  assert.equal(life.node.operation?.awaits, 'node.checked-in');
  assert.match(life.node.statusMessage, /by hand/);
  assert.equal(life.see(asks('power', { action: 'on' })).lastFact?.type, 'node.request-refused');
});

test('manual power: releasing without erasing goes through to Ready, and says what is left to do', () => {
  const life = deployed().see(asks('update', { powerType: 'manual', powerParametersSet: false }), asks('release'));
  assert.equal(life.node.status, 'Ready');
  assert.deepEqual(life.path.slice(-2), ['Releasing', 'Ready']);
  assert.match(life.node.statusMessage, /off by hand/);
  const versions = life.facts.flatMap((fact) => 'node' in fact.data ? [fact.data.node.version] : []);
  assert.deepEqual(versions, [...new Set(versions)].toSorted((a, b) => a - b), 'every fact about the node has a version of its own');
});

test('power requests: answered, numbered, and never in the way of an operation', () => {
  const life = ready().see(asks('power', { action: 'off' }));
  assert.deepEqual([life.lastPower?.action, life.lastPower?.sequence, life.lastFact?.type], ['off', 2, 'node.updated']);
  const busy = deploying();
  assert.equal(refusal(busy.copy().see(asks('power', { action: 'status' }))).code, 'NODE_STATE');
  assert.equal(busy.copy().see(powerDone(busy), asks('power', { action: 'status' })).lastPower?.action, 'status');
  assert.equal(refusal(busy.copy().see(powerDone(busy), asks('power', { action: 'off' }))).code, 'NODE_STATE');
});

test('a node made by hand: refused for a MAC or a name of another', () => {
  const request = asks('create', { macs: [mac], hostname: 'web-1' });
  const made = new Life().see(request);
  assert.deepEqual([made.node.status, made.node.hostname, made.node.macs, made.lastFact?.type], ['New', 'web-1', [mac], 'node.discovered']);
  assert.equal(made.see(request).last.outcome, 'ignored');
  const create = { kind: 'event', event: asks('create', { macs: [mac], hostname: 'web-1' }) } as const;
  assert.match(refusal(new Life().give(create, { names: new Set(['web-1']) })).message, /another machine is called web-1/);
  assert.match(refusal(new Life().give(create, { macs: new Set([mac]) })).message, /52:54:00:77:00:01 already belongs/);
});

test('made by hand and never seen becomes Missing where that is asked for, and New when it comes', () => {
  const life = new Life({ missingSeconds: 3600 }).see(asks('create', { macs: [mac] }));
  assert.equal(life.copy().see(checkedIn(0, 5)).record?.own.wait, null);
  assert.equal(life.timeOut().node.status, 'Missing');
  assert.equal(life.see(checkedIn(0, 4000)).node.status, 'New');
});

test('settings: a name of another is refused, an update without a difference is answered all the same', () => {
  const life = ready();
  life.give({ kind: 'event', event: asks('update', { hostname: 'db-1' }) }, { names: new Set(['db-1']) });
  assert.equal(refusal(life).code, 'NODE_CONFLICT');
  life.see(asks('update', { tags: ['a', 'a'] }), asks('update', { tags: ['a'] }));
  assert.deepEqual([life.node.tags, life.lastFact?.type], [['a'], 'node.updated']);
});

test('remove: forgotten with its policies, but not while something is in progress', () => {
  assert.equal(refusal(deploying().see(asks('remove'))).code, 'NODE_STATE');
  const life = ready();
  const version = life.node.version;
  life.see(asks('remove'));
  assert.equal(life.record, undefined);
  assert.deepEqual(life.lastFact?.type === 'node.removed' && life.lastFact.data.version, version + 1);
  assert.deepEqual(life.last.outcome === 'decided' && life.last.policyMacs.remove, [mac, otherMac]);
  assert.equal(refusal(life.see(asks('release'))).code, 'NODE_UNKNOWN');
});

test('every request in every status is either carried out or refused with NODE_STATE', () => {
  const words = ['accept', 'commission', 'test', 'allocate', 'deploy', 'release', 'abort', 'rescue', 'exit-rescue', 'mark-broken', 'mark-fixed', 'reserve', 'retire'];
  const data: Record<string, object> = { test: { tests: ['memory'] }, allocate: { owner: 'bob' } };
  for (const status of statuses) {
    for (const word of words) {
      const life = ready();
      life.node.status = status;
      life.see(word === 'deploy' ? deploy() : asks(word, data[word] ?? {}));
      const refused = life.facts.find((fact) => fact.type === 'node.request-refused');
      if (refused !== undefined) assert.equal(refused.data.code, 'NODE_STATE', `${status} ${word}`);
      if (refused !== undefined) assert.equal(allowedRequests(status).includes(word) && !(status === 'Retired' && word === 'mark-fixed'), false, `${status} ${word}`);
      else assert.ok(allowedRequests(status).includes(word), `${status} ${word}`);
    }
  }
});

test('a status in progress always has a wait, an operation and a deadline', () => {
  for (const life of [deploying(), enlisted().see(asks('accept')), deployed().see(asks('release')), ready().see(asks('rescue'))]) {
    assert.ok(life.node.operation?.deadlineAt, life.node.status);
    assert.equal(life.node.operation?.deadlineAt, life.record?.own.wait?.at);
  }
  const statusOf = (life: Life): Status => life.node.status;
  assert.equal(statusOf(deployed().see(powerChanged(9, 'status', 'on', 99))), 'Deployed');
});

test('a log that is read again does not act: neither after many requests nor after a day', () => {
  const life = ready();
  const old = asks('allocate', { owner: 'alice' }, 1);
  life.see(old, asks('release', {}, 2));
  life.see(powerDone(life));
  for (let index = 0; index < 70; index += 1) life.see(asks('update', { tags: [`t${index}`] }, 3 + index));
  assert.deepEqual(life.see(old).last, { outcome: 'ignored', reason: 'duplicate' }, 'its id is forgotten, its time is not');
  const late = asks('allocate', { owner: 'bob' }, 100);
  life.now += 90_000_000;
  assert.match(refusal(life.see(late)).message, /too long ago/);
  assert.equal(life.node.status, 'Ready');
  const nobody = new Life();
  nobody.now = life.now;
  assert.deepEqual(nobody.see(checkedIn(0)).last, { outcome: 'ignored', reason: 'too-old' });
});
