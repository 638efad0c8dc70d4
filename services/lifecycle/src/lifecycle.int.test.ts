import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensureTopology, openBus, type Bus } from '@ironbus/bus';
import {
  bootPoliciesBucket, buckets, catalog, macToken, newEventId, type EventId, nodeCheckedIn, nodeCreateRequested, nodeDeployRequested, nodeInventoryReported, nodePhonedHome, nodeReleaseRequested, nodeRemoveRequested,
  nodeRequestRefused, nodeStepClaimed, nodeStepReported, nodeUpdateRequested, nodeAcceptRequested, powerChanged, provisionalNodeId, type Draft, type EventDefinition,
  type Mac, type Node, type ServiceName,
} from '@ironbus/contracts';
import { createLogger, systemClock } from '@ironbus/runtime';
import { openStore } from '@ironbus/store';
import { startNats, startRedis, waitFor } from '@ironbus/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { mintHostname, mintNodeId } from './core/identity.ts';
import { image, inventory, settings } from './core/test/story.ts';
import { manifest } from './manifest.ts';
import { snapshotDaily } from './shell/snapshots.ts';

type Seen = { id: string; type: string; subject: string; causationid?: string; correlationid?: string; data: Record<string, unknown> };
const log = { debug() {}, info() {}, warn() {}, error() {} };

let nats: Awaited<ReturnType<typeof startNats>>;
let redis: Awaited<ReturnType<typeof startRedis>>;
const buses = new Map<ServiceName, Bus>();
const seen: Seen[] = [];
const children = new Set<ChildProcess>();
let lifecycle: ChildProcess;
let macs = 0;

const busOf = (service: ServiceName): Bus => {
  const open = buses.get(service) ?? openBus({ servers: nats.url, origin: { service, rack: 'rack1', instance: 'test' }, log });
  buses.set(service, open);
  return open;
};

/** The service as it runs in production, with short deadlines where a test asks for them. */
function startLifecycle(env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], NATS_URL: nats.url, REDIS_URL: redis.url, LIFECYCLE_HEALTH_PORT: '0', LIFECYCLE_POLL_MS: '50', LIFECYCLE_GRACE_SECONDS: '0', LOG_LEVEL: 'warn', ...env },
  });
  child.stdout?.on('data', (chunk: Buffer) => { if (/"level":"(error|fatal)"/.test(chunk.toString())) process.stderr.write(chunk); });
  children.add(child);
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
  children.delete(child);
}

before(async () => {
  [nats, redis] = await Promise.all([startNats(), startRedis()]);
  await Promise.all((['api', 'bootfiles', 'power', 'dhcp'] as const).map((service) => busOf(service).whenReady()));
  await ensureTopology(busOf('api'), { catalog, buckets });
  busOf('api').history({ stream: 'FACTS', fromSequence: 1 }, (event) => { seen.push(event as unknown as Seen); });
  lifecycle = startLifecycle();
});
after(async () => {
  for (const child of children) await end(child, 'SIGKILL');
  await Promise.all([...buses.values()].map((bus) => bus.close()));
  await Promise.all([nats.stop(), redis.stop()]);
});

async function publish<D extends EventDefinition>(definition: D, key: string, data: object, id = newEventId()): Promise<string> {
  await busOf(definition.owner).publish(definition, { key, id, nodeid: key.startsWith('mac-') ? undefined : key, data } as unknown as Draft<D>);
  return id;
}

const nodes = (): Map<string, Node> => {
  const newest = new Map<string, Node>();
  for (const { data } of seen) {
    const node = data['node'] as Node | undefined;
    if (node !== undefined && (newest.get(node.id)?.version ?? 0) < node.version) newest.set(node.id, node);
  }
  return newest;
};
const nodeOf = (mac: Mac): Node | undefined => [...nodes().values()].find((node) => node.macs.includes(mac));
const inStatus = (mac: Mac, status: string): Promise<Node> => waitFor(() => { const node = nodeOf(mac); return node?.status === status && node; }, { what: `${mac} is ${status}` });
const policy = async (mac: Mac) => (await busOf('dhcp').kv(bootPoliciesBucket).get(macToken(mac)));
const powerOf = (node: string) => seen.filter((event) => event.type === 'power.requested' && event.subject === node);
const transitions = (node: string) => seen.filter((event) => event.type === 'node.transitioned' && event.subject === node).map((event) => event.data['to']);
const by = { requestedBy: 'alice' };
const deployData = { ...by, image, sshKeys: [], userDataSha256: null, deployData: null };

function newMac(): Mac {
  macs += 1;
  return `52:54:00:88:00:${macs.toString(16).padStart(2, '0')}` as Mac;
}
const inventoryOf = (mac: Mac) => ({
  ...inventory(), nics: [{ name: 'eth0', mac, link: true, speedMbps: 1000, driver: null, pciId: null, booted: true }], dmi: { ...inventory().dmi, serial: `S-${mac}` },
});
const checkInOf = (mac: Mac, attempt: number) => ({
  mac, ip: '10.77.0.100', firmware: 'bios', secureBoot: false, architecture: 'amd64', uuid: inventory().dmi.uuid, serial: `S-${mac}`, agentVersion: 'v', uptimeSeconds: 2,
  rack: 'rack1', network: 'lan1', operation: attempt === 0 ? 'enlisting' : 'deploying', attempt,
});

async function enlist(mac: Mac): Promise<Node> {
  await publish(nodeCheckedIn, provisionalNodeId(mac), checkInOf(mac, 0));
  await publish(nodeInventoryReported, provisionalNodeId(mac), { mac, rack: 'rack1', attempt: 0, inventory: inventoryOf(mac) });
  return waitFor(() => { const node = nodeOf(mac); return node?.hardware != null && node; }, { what: `${mac} is enlisted` });
}

async function runStep(node: Node, mac: Mac, attempt: number, step: string, last = false): Promise<void> {
  const kind = step.startsWith('test-') ? 'test' : step;
  await publish(nodeStepClaimed, node.id, { mac, attempt, step, kind, claim: 1 });
  await publish(nodeStepReported, node.id, { mac, attempt, claim: 1, outcome: 'succeeded', reason: null, message: null, evidence: {}, seconds: 1, step, kind, last });
}

/** The newest power request of the node is done. */
async function confirmPower(node: Node, sequence: number): Promise<void> {
  const request = await waitFor(() => powerOf(node.id).find((event) => event.data['sequence'] === sequence), { what: `power request ${sequence} of ${node.id}` });
  const { action } = request.data;
  await publish(powerChanged, node.id, { sequence, action, state: action === 'off' ? 'off' : 'on', previous: 'off', bootDeviceVerified: true, seconds: 1 });
}

/** A Ready machine with a BMC; power sequence 1 is used. */
async function readyMachine(mac: Mac): Promise<Node> {
  const node = await enlist(mac);
  await publish(nodeUpdateRequested, node.id, { ...by, powerType: 'ipmi', powerParametersSet: true, powerAddress: '10.0.0.9', bmcRack: 'rack1' });
  await publish(nodeAcceptRequested, node.id, by);
  await confirmPower(node, 1);
  await publish(nodeCheckedIn, node.id, checkInOf(mac, 1));
  await runStep(node, mac, 1, 'inventory', true);
  return inStatus(mac, 'Ready');
}

/** JetStream forgets ids after two minutes and would store a repeated event again; here the durable is made anew, so that the whole log comes again. */
async function rereadLog(): Promise<void> {
  await end(lifecycle, 'SIGTERM');
  const connection = await connect({ servers: nats.url });
  const { consumers } = await jetstreamManager(connection);
  await consumers.delete('FACTS', 'lifecycle-advance-node');
  lifecycle = startLifecycle();
  const state = () => consumers.info('FACTS', 'lifecycle-advance-node').catch(() => undefined);
  await waitFor(async () => { const now = await state(); return now !== undefined && now.num_pending === 0 && now.num_ack_pending === 0 && now.delivered.consumer_seq > 0; }, { what: 'the log was read and handled again' });
  await connection.close();
}
const isRequestOrMachineFact = (type: string): boolean => manifest.consumes.some(({ events }) => events.some((event) => event.type === type));

test('the whole way over real NATS and Redis: enlisted, commissioned, deployed, released', async () => {
  const mac = newMac();
  const node = await readyMachine(mac);
  assert.equal((await policy(mac))?.value.answer, 'hold');

  const request = await publish(nodeDeployRequested, node.id, deployData);
  await inStatus(mac, 'Deploying');
  const power = await waitFor(() => powerOf(node.id)[1]);
  const published = await policy(mac);
  assert.deepEqual([published?.value.answer, published?.value.operation?.attempt], ['agent', 2]);
  assert.equal(power.data['policyRevision'], published?.revision, 'power names the revision that must be there');
  assert.deepEqual([power.causationid, power.correlationid, power.data['action']], [request, request, 'cycle']);

  await confirmPower(node, 2);
  await publish(nodeCheckedIn, node.id, checkInOf(mac, 2));
  for (const step of ['write-image', 'grow', 'seed']) await runStep(node, mac, 2, step, step === 'seed');
  await waitFor(async () => (await policy(mac))?.value.answer === 'local', { what: 'the disk is the answer' });
  await publish(nodePhonedHome, node.id, { mac, attempt: 2, address: '10.77.0.100', hostname: null, hostKeys: [] });
  const deployed = await inStatus(mac, 'Deployed');
  assert.equal((await waitFor(async () => (await policy(mac))?.value.reservedAddress)), '10.77.0.100');

  await publish(nodeReleaseRequested, deployed.id, { ...by });
  await confirmPower(node, 3);
  assert.equal((await inStatus(mac, 'Ready')).owner, null);
  assert.deepEqual(transitions(node.id), ['Commissioning', 'Ready', 'Deploying', 'Deployed', 'Releasing', 'Ready']);
});

test('killed in the middle of Deploying and started again, it goes on; what came meanwhile is not lost', async () => {
  const mac = newMac();
  const node = await readyMachine(mac);
  await publish(nodeDeployRequested, node.id, deployData);
  await confirmPower(node, 2);
  await publish(nodeCheckedIn, node.id, checkInOf(mac, 2));
  await publish(nodeStepClaimed, node.id, { mac, attempt: 2, step: 'write-image', kind: 'write-image', claim: 1 });
  await end(lifecycle, 'SIGKILL');
  await publish(nodeStepReported, node.id, { mac, attempt: 2, claim: 1, outcome: 'succeeded', reason: null, message: null, evidence: {}, seconds: 1, step: 'write-image', kind: 'write-image', last: false });
  lifecycle = startLifecycle();
  for (const step of ['grow', 'seed']) await runStep(node, mac, 2, step, step === 'seed');
  await publish(nodePhonedHome, node.id, { mac, attempt: 2, address: '10.77.0.101', hostname: null, hostKeys: [] });
  await inStatus(mac, 'Deployed');
  assert.equal(powerOf(node.id).length, 2, 'nothing was asked twice');
});

test('a redelivered event changes nothing: same ids, same facts, same version', async () => {
  const mac = newMac();
  const node = await readyMachine(mac);
  const request = await publish(nodeDeployRequested, node.id, deployData);
  await confirmPower(node, 2);
  await waitFor(() => nodeOf(mac)?.operation?.awaits === 'node.checked-in');
  const { version } = nodeOf(mac) ?? assert.fail();
  const before = seen.length;
  await rereadLog();
  // A process that was killed may have left a fact of another node unhandled: it counts now, for the first time.
  const repeated = seen.slice(before).filter(({ type, subject }) => !isRequestOrMachineFact(type) && (subject === node.id || type !== 'node.updated'));
  assert.deepEqual(repeated.map((event) => `${event.type} ${event.subject}`), []);
  assert.deepEqual([nodeOf(mac)?.version, nodeOf(mac)?.operation?.id], [version, request]);
});

test('a deadline survives a kill and passes in the next process', async () => {
  const mac = newMac();
  const node = await readyMachine(mac);
  await end(lifecycle, 'SIGTERM');
  lifecycle = startLifecycle({ LIFECYCLE_CHECK_IN_SECONDS: '1', LIFECYCLE_LADDER: 're-arm-netboot' });
  await publish(nodeDeployRequested, node.id, deployData);
  await confirmPower(node, 2);
  await waitFor(() => nodeOf(mac)?.operation?.awaits === 'node.checked-in');
  await end(lifecycle, 'SIGKILL');
  lifecycle = startLifecycle({ LIFECYCLE_CHECK_IN_SECONDS: '1', LIFECYCLE_LADDER: 're-arm-netboot' });
  const failed = await inStatus(mac, 'Failed deployment');
  assert.equal(failed.failure?.reason, 'no-check-in');
  assert.match(failed.failure?.lastEvidence ?? '', /^power on at /);
  const passed = seen.filter((event) => event.type === 'node.deadline-passed' && event.subject === node.id).map((event) => event.data['remedy']);
  assert.deepEqual(passed, ['re-arm-netboot', null]);
  await waitFor(() => powerOf(node.id).length === 4);
  assert.deepEqual(powerOf(node.id).map((event) => event.data['action']), ['cycle', 'cycle', 'cycle', 'off']);
  await waitFor(async () => (await policy(mac))?.value.answer === 'hold');
  await end(lifecycle, 'SIGTERM');
  lifecycle = startLifecycle();
});

test('away for longer than a deadline: what the machine said meanwhile counts first', async () => {
  const mac = newMac();
  const node = await readyMachine(mac);
  await end(lifecycle, 'SIGTERM');
  const env = { LIFECYCLE_PHONE_HOME_SECONDS: '2', LIFECYCLE_GRACE_SECONDS: '1' };
  lifecycle = startLifecycle(env);
  await publish(nodeDeployRequested, node.id, deployData);
  await confirmPower(node, 2);
  await publish(nodeCheckedIn, node.id, checkInOf(mac, 2));
  for (const step of ['write-image', 'grow', 'seed']) await runStep(node, mac, 2, step, step === 'seed');
  const { deadlineAt } = await waitFor(() => { const operation = nodeOf(mac)?.operation; return operation?.awaits === 'node.phoned-home' && operation; });
  await end(lifecycle, 'SIGKILL');
  await publish(nodePhonedHome, node.id, { mac, attempt: 2, address: '10.77.0.102', hostname: null, hostKeys: [] });
  await waitFor(() => Date.now() > Date.parse(deadlineAt ?? ''), { what: 'the deadline to pass' });
  lifecycle = startLifecycle(env);
  await inStatus(mac, 'Deployed');
  assert.deepEqual(seen.filter((event) => event.type === 'node.deadline-passed' && event.subject === node.id), []);
  assert.equal(powerOf(node.id).length, 2, 'the machine was not switched again');
  await end(lifecycle, 'SIGTERM');
  lifecycle = startLifecycle();
});

test('refusals are answers: a name of another, an unknown machine, a status that does not allow it', async () => {
  const [mac, other] = [newMac(), newMac()];
  const node = await enlist(mac);
  const refusal = async (id: string) => (await waitFor(() => seen.find((event) => event.type === nodeRequestRefused.type && event.causationid === id))).data;
  assert.equal((await refusal(await publish(nodeCreateRequested, provisionalNodeId(other), { ...by, macs: [other], hostname: node.hostname })))['code'], 'NODE_CONFLICT');
  assert.equal((await refusal(await publish(nodeCreateRequested, provisionalNodeId(mac), { ...by, macs: [mac] })))['code'], 'NODE_CONFLICT');
  assert.equal((await refusal(await publish(nodeReleaseRequested, 'nobody', by)))['code'], 'NODE_UNKNOWN');
  assert.match(String((await refusal(await publish(nodeReleaseRequested, node.id, by)))['message']), /is New; release is not possible there/);
});

test('a second card of a known machine is the same node', async () => {
  const [mac, second] = [newMac(), newMac()];
  const inventoryBoth = { ...inventoryOf(mac), nics: [mac, second].map((one, index) => ({ name: `eth${index}`, mac: one, link: true, speedMbps: null, driver: null, pciId: null, booted: index === 0 })) };
  await publish(nodeCheckedIn, provisionalNodeId(mac), checkInOf(mac, 0));
  await publish(nodeInventoryReported, provisionalNodeId(mac), { mac, rack: 'rack1', attempt: 0, inventory: inventoryBoth });
  const node = await waitFor(() => nodeOf(second));
  await publish(nodeCheckedIn, provisionalNodeId(second), { ...checkInOf(second, 0), serial: `S-${mac}` });
  assert.equal((await waitFor(() => { const now = nodeOf(mac); return now?.bootMac === second && now; })).id, node.id);
  assert.equal([...nodes().values()].filter((candidate) => candidate.macs.some((one) => one === mac || one === second)).length, 1);
  assert.equal((await policy(second))?.value.node, node.id);
});

test('a lost bucket is filled again at the next start', async () => {
  const mac = newMac();
  await enlist(mac);
  await end(lifecycle, 'SIGTERM');
  const bucket = (() => { const bus = openBus({ servers: nats.url, origin: { service: 'lifecycle', rack: 'region', instance: 'test' }, log }); return { bus, kv: bus.kv(bootPoliciesBucket) }; })();
  await bucket.bus.whenReady();
  await bucket.kv.delete(macToken(mac));
  await bucket.bus.close();
  assert.equal(await policy(mac), undefined);
  lifecycle = startLifecycle();
  await waitFor(async () => (await policy(mac))?.value.answer === 'enlist', { what: 'the policy is back' });
});

test('every node is snapshotted once a day', async () => {
  const mac = newMac();
  const node = await enlist(mac);
  const log = createLogger({ svc: 'test', level: 'fatal' });
  const bus = openBus({ servers: nats.url, origin: { service: 'lifecycle', rack: 'region', instance: 'test' }, log });
  const store = openStore({ url: redis.url, prefix: 'lifecycle', log });
  await store.whenReady();
  const tomorrow = { ...systemClock, now: () => new Date(Date.now() + 86_400_000) };
  const hands = { bus, store, log, clock: tomorrow, settings };
  const count = await snapshotDaily(hands);
  assert.ok(count > 0);
  assert.equal(await snapshotDaily(hands), 0, 'once');
  const snapshot = await waitFor(() => seen.find((event) => event.type === 'node.snapshotted' && event.subject === node.id));
  assert.equal((snapshot.data['node'] as Node).hostname, node.hostname);
  await Promise.all([bus.close(), store.close()]);
});

test('two replicas share the work and never do it twice', async () => {
  const second = startLifecycle({ INSTANCE_ID: 'second' });
  const group = Array.from({ length: 6 }, newMac);
  const made = await Promise.all(group.map(readyMachine));
  assert.equal(new Set(made.map((node) => node.id)).size, group.length);
  for (const node of made) {
    assert.deepEqual(transitions(node.id), ['Commissioning', 'Ready']);
    assert.equal(powerOf(node.id).length, 1);
  }
  await end(second, 'SIGTERM');
});

test('a forgotten machine is not brought back by its old events', async () => {
  const mac = newMac();
  const node = await enlist(mac);
  await publish(nodeRemoveRequested, node.id, by);
  await waitFor(() => seen.find((event) => event.type === 'node.removed' && event.subject === node.id));
  await waitFor(async () => await policy(mac) === undefined, { what: 'its policy is gone' });
  await rereadLog();
  assert.equal(seen.filter((event) => event.type === 'node.discovered' && event.subject === node.id).length, 1);
  assert.equal(await policy(mac), undefined);
});

/** Ids of events whose machines get the first name and the first id that follow from them: a name that is taken already would mean another id. */
function withOwnNames(count: number): EventId[] {
  const names = new Set([...nodes().values()].map(({ hostname }) => hostname));
  const ids: EventId[] = [];
  while (ids.length < count) {
    const id = newEventId();
    const name = mintHostname(id, 0);
    if (!names.has(name)) ids.push(id);
    names.add(name);
  }
  return ids;
}

test('a backlog of many new machines is worked off side by side, and the requests in it find the nodes made just before them', async () => {
  await end(lifecycle, 'SIGTERM');
  const many = Array.from({ length: 60 }, newMac);
  const causes = withOwnNames(many.length);
  await Promise.all(many.map((mac, index) => publish(nodeCheckedIn, provisionalNodeId(mac), checkInOf(mac, 0), causes[index])));
  await Promise.all(many.map((mac) => publish(nodeInventoryReported, provisionalNodeId(mac), { mac, rack: 'rack1', attempt: 0, inventory: inventoryOf(mac) })));
  const ids = causes.map((cause) => mintNodeId(cause, 0));
  for (const id of ids) await publish(nodeUpdateRequested, id, { ...by, tags: ['asked-at-once'] });
  lifecycle = startLifecycle();
  await waitFor(() => ids.every((id) => nodes().get(id)?.tags.includes('asked-at-once')), { what: 'every request to be carried out', timeoutMs: 20_000 });
  assert.deepEqual(ids.filter((id) => nodes().get(id)?.hardware === null), [], 'inventories were read before the requests behind them');
  assert.deepEqual(seen.filter((event) => event.type === 'node.request-refused' && ids.includes(event.subject as never)), []);
  assert.equal(new Set(many.map((mac) => nodeOf(mac)?.hostname)).size, many.length);
});
