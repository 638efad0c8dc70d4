import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bmcBucket, deployDataBucket, networkChanged, networksBucket, racksBucket, type Event, type Node } from '@ironbus/contracts';
import { generateRackKey, open } from '@ironbus/runtime';
import { openStore } from '@ironbus/store';
import { waitFor } from '@ironbus/testkit';
import { errorOf, fakeLifecycle, makeNode, silent, startRegion, untilShown, type Fake, type Region } from './testing/region.ts';

let region: Region;
let lifecycle: Fake;
const rack = generateRackKey();
const given = `ibjoin_${'t'.repeat(32)}`;
const secrets = { password: 'hunter2-Zx9', userData: '#cloud-config\npassword: s3cr3t-Qw7\n' };
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS me@host';

before(async () => {
  region = await startRegion({ env: { API_JOIN_TOKEN: given, API_NETWORKS: JSON.stringify([{ id: 'env1', interface: 'eth9', cidr: '10.99.0.0/24', serverAddress: '10.99.0.1' }]) } });
  await region.startApi();
  lifecycle = await fakeLifecycle(region.nats);
});
after(async () => {
  await lifecycle[Symbol.asyncDispose]();
  await region.stop();
});

const lan = { id: 'lan1', interface: 'eth1', cidr: '10.77.0.0/24', serverAddress: '10.77.0.1', mode: 'authoritative', domain: null, dnsServers: ['10.77.0.1'], dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.200' }] };

test('a network named in the environment is there, and answers nothing', async () => {
  const { body } = await region.call('GET', '/api/v1/networks/env1');
  assert.deepEqual([body['mode'], body['baseUrl'], body['domain']], ['off', 'http://10.99.0.1:5248', null]);
});

test('networks: made, changed, removed, made again; each a fact with a rising revision and a KV value', async () => {
  const made = await region.call('POST', '/api/v1/networks', { body: lan });
  assert.deepEqual([made.status, made.body['rack'], made.body['domain']], [201, 'rack1', null]);
  assert.match(errorOf(await region.call('POST', '/api/v1/networks', { body: lan })).message, /there is a network lan1 already/);
  const changed = await region.call('PUT', '/api/v1/networks/lan1', { body: { ...lan, mode: 'shadow' } });
  assert.deepEqual([changed.status, changed.body['mode']], [200, 'shadow']);
  assert.equal((await region.call('PUT', '/api/v1/networks/lan2', { body: lan })).status, 422);
  const kv = lifecycle.bus.kv(networksBucket);
  await waitFor(async () => (await kv.get('lan1'))?.value.mode === 'shadow');
  assert.equal((await region.call('DELETE', '/api/v1/networks/lan1')).status, 204);
  assert.equal(errorOf(await region.call('GET', '/api/v1/networks/lan1')).code, 'NETWORK_UNKNOWN');
  await waitFor(async () => await kv.get('lan1') === undefined);
  assert.equal((await region.call('POST', '/api/v1/networks', { body: lan })).status, 201);
  await waitFor(async () => (await kv.get('lan1'))?.value.mode === 'authoritative');
  const facts = await factsOf('network.changed.region.lan1', 4);
  const revisions = facts.map(({ data }) => (data as { revision: number }).revision);
  assert.deepEqual(revisions, revisions.toSorted((a, b) => a - b));
  assert.equal(new Set(revisions).size, 4);
  assert.equal(facts[0]?.type, networkChanged.type);
});

test('networks: what makes no sense is refused with where and why', async () => {
  const outside = await region.call('POST', '/api/v1/networks', { body: { ...lan, id: 'lan3', cidr: '10.78.0.0/24', serverAddress: '10.79.0.1' } });
  assert.deepEqual([outside.status, errorOf(outside).code], [422, 'NETWORK_INVALID']);
  assert.match(errorOf(outside).message, /lan3\/serverAddress: 10\.79\.0\.1 is no host address/);
  const overlap = await region.call('POST', '/api/v1/networks', { body: { ...lan, id: 'lan3', cidr: '10.77.0.0/16', dynamicRanges: [] } });
  assert.match(errorOf(overlap).message, /overlaps 10\.77\.0\.0\/24 of network lan1/);
  const shape = await region.call('POST', '/api/v1/networks', { body: { ...lan, id: 'lan3', mode: 'loud' } });
  assert.deepEqual([shape.status, errorOf(shape).code], [422, 'REQUEST_INVALID']);
  assert.match(errorOf(shape).message, /\/body\/mode/);
});

test('secrets for a rack that has not joined are refused', async () => {
  await lifecycle.tell(makeNode({ id: 'sealed1', hostname: 'sealed' }));
  await untilShown(region, 'sealed1', () => true);
  const answer = await region.call('PATCH', '/api/v1/machines/sealed1', { body: { power: { type: 'ipmi', address: '10.0.0.9', username: 'admin', password: secrets.password } } });
  assert.deepEqual([answer.status, errorOf(answer).code], [404, 'RACK_UNKNOWN']);
});

const join = (token: string, id = 'rack1', publicKey = rack.publicKey) => region.call('POST', '/api/v1/racks/join', { key: null, body: { token, rack: id, publicKey } });

test('a join token lets one rack in: the same rack and key again, no other rack, no other key', async () => {
  const first = await join(given);
  assert.equal(first.status, 200);
  const again = await join(given);
  assert.equal(again.status, 200);
  for (const other of [await join(given, 'rack2'), await join(given, 'rack1', generateRackKey().publicKey), await join(`ibjoin_${'u'.repeat(32)}`)]) assert.deepEqual([other.status, errorOf(other).code], [403, 'RACK_TOKEN']);
  const bad = await join(given, 'rack1', 'AAAA');
  assert.equal(bad.status, 422);
  const token = String((await region.call('POST', '/api/v1/racks/tokens')).body['token']);
  assert.equal((await join(token, 'rack7', generateRackKey().publicKey)).status, 200);
  assert.deepEqual(((await region.call('GET', '/api/v1/racks')).body as unknown as { id: string }[]).map(({ id }) => id), ['rack1', 'rack7']);
  await waitFor(async () => (await lifecycle.bus.kv(racksBucket).get('rack1'))?.value.publicKey === rack.publicKey);

  const key = String(again.body['apiKey']);
  for (const [method, path] of [['GET', '/machines'], ['GET', '/images'], ['POST', '/racks/tokens'], ['GET', '/events']] as const) {
    assert.equal(errorOf(await region.call(method, `/api/v1${path}`, { key })).code, 'AUTH_FORBIDDEN', path);
  }
  assert.equal((await region.call('GET', '/api/v1/images/none/blob', { key })).status, 404);
  assert.equal((await region.call('GET', '/api/v1/images/none/blob', { key: String(first.body['apiKey']) })).status, 401, 'the newest key alone counts');
});

test('power settings are sealed to the rack, and follow it to a new key', async () => {
  const patched = await region.call('PATCH', '/api/v1/machines/sealed1', { body: { tags: ['gpu'], power: { type: 'ipmi', address: '10.0.0.9', username: 'admin', password: secrets.password } } });
  assert.equal(patched.status, 200);
  assert.deepEqual((patched.body as unknown as Node).power, { ...makeNode().power, type: 'ipmi', address: '10.0.0.9', parametersSet: true });
  const sealed = async () => (await lifecycle.bus.kv(bmcBucket).get('sealed1'))!.value.sealed;
  const parameters = { type: 'ipmi', address: '10.0.0.9', port: 623, username: 'admin', password: secrets.password, cipherSuite: 3, privilege: 'ADMINISTRATOR' };
  assert.deepEqual(open(rack.privateKeyPem, 'bmc/sealed1', await sealed()), parameters);
  const moved = await sealed();
  assert.throws(() => open(rack.privateKeyPem, 'bmc/other', moved), { code: 'POWER_SEAL_UNREADABLE' });

  const newKey = generateRackKey();
  const token = String((await region.call('POST', '/api/v1/racks/tokens')).body['token']);
  assert.equal((await join(token, 'rack1', newKey.publicKey)).status, 200);
  assert.deepEqual(open(newKey.privateKeyPem, 'bmc/sealed1', await sealed()), parameters);
  assert.equal((await region.call('PATCH', '/api/v1/machines/sealed1', { body: { power: { type: 'ipmi', address: '10.0.0.9' } } })).status, 422);
  Object.assign(rack, newKey);
});

test('deploy: what would fail in the machine is refused before anything happens', async () => {
  await region.call('POST', '/api/v1/images?name=Debian%2012&format=raw', { body: Buffer.from('an image') });
  const before = lifecycle.requests.length;
  const deploy = (body: object) => region.call('POST', '/api/v1/machines/sealed1/deploy', { body: { image: 'debian-12', ...body } });
  assert.equal(errorOf(await deploy({ image: 'nope' })).code, 'IMAGE_UNKNOWN');
  const wrong = await deploy({ sshKeys: [sshKey.slice(0, 50)], userData: '#cloud-config\nruncmd:\n - a\nruncmd: []\n' });
  assert.equal(wrong.status, 422);
  assert.match(errorOf(wrong).message, /\/sshKeys\/0: .* cut off or damaged: copy the whole line again; \/userData:4: not YAML: Map keys must be unique/);
  assert.match(errorOf(await deploy({ userData: 'echo hi' })).message, /\/userData:1: cloud-init would ignore .* start it with one of/);
  assert.equal(lifecycle.requests.length, before);
});

test('deploy: user-data is sealed to the rack, named by the request, and deleted when it is spent or refused', async () => {
  const kv = lifecycle.bus.kv(deployDataBucket);
  const headers = { 'idempotency-key': 'Deploy-ONE' };
  const done = await region.call('POST', '/api/v1/machines/sealed1/deploy', { body: { image: 'debian-12', sshKeys: [sshKey], userData: secrets.userData, hostname: 'web1' }, headers });
  assert.deepEqual([done.status, done.body['status']], [200, 'Deploying']);
  const key = (done.body as unknown as Node).deployment!.deployData!;
  assert.deepEqual(open(rack.privateKeyPem, `deploy-data/${key}`, (await kv.get(key))!.value.sealed), { userData: secrets.userData });
  assert.equal((lifecycle.requests.at(-1)!.data as { deployData: string }).deployData, key);

  assert.match(errorOf(await region.call('DELETE', '/api/v1/images/debian-12')).message, /sealed is being deployed from debian-12/);
  await lifecycle.tell({ ...lifecycle.nodes.get('sealed1')!, version: 40, status: 'Ready', deployment: null });
  await waitFor(async () => await kv.get(key) === undefined);

  lifecycle.refuse = { code: 'NODE_STATE', message: 'not now' };
  const refused = await region.call('POST', '/api/v1/machines/sealed1/deploy', { body: { image: 'debian-12', userData: secrets.userData } });
  lifecycle.refuse = undefined;
  assert.equal(refused.status, 409);
  assert.deepEqual(await kv.keys(), []);
});

test('nothing secret is in any event, log line or Redis value', async () => {
  const words = [secrets.password, 's3cr3t-Qw7', region.firstKey(), given];
  const events = (await factsOf('>', 10)).map((event) => JSON.stringify(event)).join('\n');
  const dump = await dumpRedis();
  for (const word of words) for (const [where, text] of Object.entries({ events, log: region.logged.join(''), dump })) assert.ok(!text.includes(word), `${word} in ${where}`);
  assert.ok(dump.includes('api:record:networks:lan1') && events.includes('rack.joined'), 'the dumps are whole');
});

test('a removed machine takes its sealed parameters along', async () => {
  lifecycle.nodes.set('sealed1', { ...lifecycle.nodes.get('sealed1')!, version: 50 } as Node);
  assert.equal((await region.call('DELETE', '/api/v1/machines/sealed1')).status, 204);
  assert.deepEqual(await lifecycle.bus.kv(bmcBucket).keys(), []);
});

/** What FACTS holds of a subject, once there are `count`. */
async function factsOf(subject: string, count: number): Promise<Event[]> {
  const seen: Event[] = [];
  await using _log = lifecycle.bus.history({ stream: 'FACTS', subjects: [subject] }, (event) => { seen.push(event); });
  await waitFor(() => seen.length >= count);
  return seen;
}

/** Every key with everything in it, as text. */
async function dumpRedis(): Promise<string> {
  const store = openStore({ url: region.redis.url, prefix: 'api', log: silent });
  await store.whenReady();
  const dump = store.script('dump', { keys: 0, lua: `
    local out = {}
    for _, key in ipairs(redis.call('KEYS', '*')) do
      local kind = redis.call('TYPE', key).ok
      local read = { string = {'GET', key}, hash = {'HGETALL', key}, set = {'SMEMBERS', key}, zset = {'ZRANGE', key, 0, -1}, stream = {'XRANGE', key, '-', '+'}, list = {'LRANGE', key, 0, -1} }
      out[#out + 1] = key .. ' ' .. cjson.encode(redis.call(unpack(read[kind])))
    end
    return table.concat(out, '\\n')` });
  const text = String(await dump([], []));
  await store.close();
  return text;
}
