/** A machine's whole life over real NATS, Redis and six services, and what the log says of it afterwards. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Node } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { transitions, type Fact } from './facts.ts';
import { findLeaks, readPlaces } from './leaks.ts';
import type { Machine } from '@ironbus/sim';
import { createRig, type Rig } from './rig.ts';
import { askDeploy, enlist, setPower, sshKey, untilStatus } from './story.ts';

const userData = '#cloud-config\nruncmd:\n - [touch, /s3cr3t-Qw7-user-data]\n';
const phoneHomeTokens: string[] = [];
let rig: Rig;
let machine: Machine;
let id: string;
/** Read anew from sequence 1, once the story is over. */
let log: Fact[];

before(async () => {
  rig = await createRig();
  await rig.up();
  await rig.addImage('debian');
  machine = rig.addMachine();
});
after(() => rig.stop());

const instanceOf = (): Record<string, unknown> => JSON.parse(machine.disk.seed?.['meta-data'] ?? '{}') as Record<string, unknown>;
const noteToken = (): void => { phoneHomeTokens.push(/phone-home\/[^/]+\/([A-Za-z0-9_-]{43})/.exec(machine.disk.seed?.['vendor-data'] ?? '')?.[1] ?? ''); };

test('an unknown machine is enlisted as New, and switches itself off', async () => {
  const node = await enlist(rig, machine);
  id = node.id;
  assert.deepEqual([node.status, node.macs, node.serial, node.hardware?.disks.length], ['New', [machine.spec.mac], machine.spec.serial, 1]);
});

test('accepted with a BMC, it is commissioned: Ready and off', async () => {
  await setPower(rig, machine, id);
  await rig.client.post(`/machines/${id}/accept`);
  const node = await untilStatus(rig, machine, id, 'Ready');
  assert.deepEqual([node.operation, node.failure, node.power.type], [null, null, 'ipmi']);
  await waitFor(() => machine.bmc.power() === 'off');
});

test('deployed with user-data and a key: the seed on its disk says so, and it called home', async () => {
  const allocated = await rig.client.post<Node>(`/machines/${id}/allocate`);
  assert.equal(allocated.status, 'Allocated');
  await askDeploy(rig, id, { hostname: 'web1', userData, sshKeys: [sshKey] });
  const node = await untilStatus(rig, machine, id, 'Deployed');
  noteToken();
  const image = await rig.client.get<{ sha256: string }>('/images/debian');
  assert.equal(machine.disk.image, image.sha256);
  assert.equal(machine.disk.seed?.['user-data'], userData);
  assert.deepEqual(instanceOf(), { 'instance-id': `${id}-2`, 'local-hostname': 'web1', 'public-keys': [sshKey] });
  const network = JSON.parse(machine.disk.seed?.['network-config'] ?? '') as { ethernets: { boot0: Record<string, unknown> } };
  assert.deepEqual([network.ethernets.boot0['addresses'], network.ethernets.boot0['dhcp4']], [[`${node.reservedAddress}/24`], false]);
  assert.deepEqual([node.hostname, node.addresses, node.deployment?.hostKeys], ['web1', [node.reservedAddress], ['ssh-ed25519 AAAA root@web1']]);
});

test('released with a quick erase: Ready, nothing on its disk, no owner', async () => {
  await rig.client.post(`/machines/${id}/release`, { erase: 'quick' });
  const node = await untilStatus(rig, machine, id, 'Ready');
  assert.deepEqual([machine.disk.image, machine.disk.seed, node.owner, node.deployment], [null, null, null, null]);
  await waitFor(() => machine.bmc.power() === 'off');
});

test('deployed again under another name: another instance, without the last owner’s data', async () => {
  await askDeploy(rig, id, { hostname: 'web2' });
  const node = await untilStatus(rig, machine, id, 'Deployed');
  noteToken();
  assert.deepEqual(instanceOf(), { 'instance-id': `${id}-4`, 'local-hostname': 'web2', 'public-keys': [] });
  assert.deepEqual([node.hostname, machine.disk.seed?.['user-data']], ['web2', '#cloud-config\n{}\n']);
  // Its clock runs fast, so on a busy host it may have asked something twice; no boot may have come to nothing.
  assert.deepEqual(machine.diary.filter((line) => /^(crashed|boot failed|reset)/.test(line)), [], machine.diary.join('\n'));
});

test('the log, read from sequence 1, tells the story in order', async () => {
  log = await rig.facts.replay();
  assert.equal(log[0]?.sequence, 1);
  const mine = log.filter((fact) => fact.nodeid === id);
  assert.deepEqual(transitions(mine), [
    'New → Commissioning', 'Commissioning → Ready', 'Ready → Allocated', 'Allocated → Deploying', 'Deploying → Deployed', 'Deployed → Disk erasing', 'Disk erasing → Ready',
    'Ready → Deploying', 'Deploying → Deployed',
  ]);
  const versions = mine.filter((fact) => 'node' in fact.data).map((fact) => (fact.data['node'] as Node).version);
  assert.deepEqual(versions, versions.map((_, index) => index + 1), 'each version of the node once, none left out');
  const steps = mine.filter((fact) => fact.type.startsWith('node.step-') && fact.data['attempt'] === 2).map((fact) => `${fact.type.slice(10)} ${String(fact.data['step'])} ${String(fact.data['claim'])}`);
  assert.deepEqual(steps, ['claimed write-image 1', 'reported write-image 1', 'claimed grow 1', 'reported grow 1', 'claimed seed 1', 'reported seed 1']);
  assert.deepEqual(new Set(log.map((fact) => fact.id)).size, log.length, 'no event twice');
});

test('every boot has one id, and every id one boot', () => {
  const told = log.filter((fact) => /\/(dhcp|bootfiles)\//.test(fact.source) && fact.bootid !== undefined);
  const boots = [...new Set(told.map((fact) => fact.bootid))];
  // enlisted, commissioned, agent and system of a deployment, erased, agent and system of the second
  assert.equal(machine.boots(), 7);
  assert.equal(boots.length, 7, told.map((fact) => `${fact.sequence} ${fact.type} ${fact.bootid}`).join('\n'));
  const checkIns = told.filter((fact) => fact.type === 'node.checked-in').map((fact) => fact.bootid);
  assert.equal(new Set(checkIns).size, checkIns.length, 'one check-in in each boot');
});

test('an operation has one correlation id, from the request to its end', () => {
  const requests = ['node.accept-requested', 'node.deploy-requested', 'node.release-requested', 'node.deploy-requested'];
  const started = log.filter((fact) => fact.nodeid === id && requests.includes(fact.type));
  assert.deepEqual(started.map((fact) => fact.type), ['node.accept-requested', 'node.deploy-requested', 'node.release-requested', 'node.deploy-requested']);
  started.forEach((request, index) => {
    const attempt = index + 1;
    const ofAttempt = log.filter((fact) => fact.nodeid === id && fact.data['attempt'] === attempt);
    assert.deepEqual([...new Set(ofAttempt.map((fact) => fact.correlationid))], [request.id], `attempt ${attempt}`);
    const types = new Set(log.filter((fact) => fact.correlationid === request.id).map((fact) => fact.type));
    for (const type of ['node.transitioned', 'power.requested', 'power.changed', 'node.checked-in', 'node.step-claimed', 'node.step-reported']) assert.ok(types.has(type), `${type} of attempt ${attempt}`);
  });
});

test('nothing secret is in any message, bucket, Redis value, log line or command line', async () => {
  const tokens = machine.commandLines.map((line) => /ironbus\.token=(\S+)/.exec(line)?.[1] ?? '');
  const named = Object.fromEntries([
    ...rig.secrets.map((secret, index) => [`secret ${index}`, secret]), ...tokens.map((token, index) => [`boot token ${index}`, token]),
    ...phoneHomeTokens.map((token, index) => [`phone-home token ${index}`, token]), ['user-data', 's3cr3t-Qw7-user-data'],
  ] as [string, string][]);
  assert.ok(Object.values(named).every((secret) => secret.length > 10), JSON.stringify(Object.keys(named)));
  const places = await readPlaces(rig);
  for (const [place, sign] of Object.entries({ facts: 'node.phoned-home', observations: 'boot.script-served', buckets: 'ciphertext', redis: 'lifecycle:', logs: '"svc":"power"', argv: 'lanplus' })) {
    assert.ok(places[place as keyof typeof places].includes(sign), `${place} was read`);
  }
  assert.deepEqual(findLeaks(places, named), []);
});
