import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { nodeInventoryReported, nodeTransitioned, nodeUpdated, type Mac } from '@ironbus/contracts';
import { openBus } from '@ironbus/bus';
import { freePort, startNats, startRedis, waitFor } from '@ironbus/testkit';
import { errorOf, fakeLifecycle, makeNode, silent, startRegion, untilShown, type Fake, type Region } from './testing/region.ts';

let region: Region;
let lifecycle: Fake;
before(async () => {
  region = await startRegion();
  await region.startApi();
  lifecycle = await fakeLifecycle(region.nats);
});
after(async () => {
  await lifecycle[Symbol.asyncDispose]();
  await region.stop();
});

test('the first administrator’s key is printed once, works, and is never in the log', async () => {
  assert.equal(region.printed.length, 1);
  assert.match(region.firstKey(), /^ib_/);
  assert.equal((await region.call('GET', '/api/v1/machines')).status, 200);
  assert.ok(!region.logged.join('').includes(region.firstKey()));
});

test('without a valid key everything under /api/v1 is 401, and what needs none is open', async () => {
  for (const key of [null, `ib_${'x'.repeat(43)}`, 'nonsense']) {
    const answer = await region.call('GET', '/api/v1/machines', { key });
    assert.equal(answer.status, 401);
    assert.equal(errorOf(answer).code, 'AUTH_REQUIRED');
  }
  for (const path of ['/version', '/healthz', '/openapi.json']) assert.equal((await region.call('GET', path, { key: null })).status, 200, path);
  assert.equal(errorOf(await region.call('GET', '/nowhere', { key: null })).code, 'ROUTE_UNKNOWN');
});

test('facts in any order: the newest version wins, a removed machine stays removed', async () => {
  const node = makeNode({ id: 'ordered1', macs: ['52:54:00:77:00:10' as Mac], hostname: 'ordered' });
  const updated = (version: number, hostname: string): Promise<unknown> =>
    lifecycle.bus.publish(nodeUpdated, { key: node.id, data: { changed: ['hostname'], node: { ...node, version, hostname } } });
  await updated(7, 'seven');
  await untilShown(region, node.id, ({ version }) => version === 7);
  await updated(5, 'five');
  await updated(8, 'eight');
  assert.equal((await untilShown(region, node.id, ({ version }) => version === 8)).hostname, 'eight');
  for (const name of ['eight', '52-54-00-77-00-10', node.id]) assert.equal((await region.call('GET', `/api/v1/machines/${name}`)).body['id'], node.id, name);
  const filtered = async (query: string): Promise<number> => ((await region.call('GET', `/api/v1/machines?${query}`)).body as unknown as unknown[]).length;
  assert.equal(await filtered('status=New&hostname=eight'), 1);
  assert.equal(await filtered('mac=52:54:00:77:00:10'), 1);
  assert.equal(await filtered('status=Deployed'), 0);
  assert.equal((await region.call('GET', '/api/v1/machines?status=Nonsense')).status, 422);
  lifecycle.nodes.set(node.id, { ...node, version: 8 });
  assert.equal((await region.call('DELETE', `/api/v1/machines/${node.id}`)).status, 204);
  await updated(6, 'six');
  await updated(9, 'nine');
  assert.equal(errorOf(await region.call('GET', `/api/v1/machines/${node.id}`)).code, 'NODE_UNKNOWN');
});

test('a machine is shown with the newest inventory that it reported', async () => {
  const mac = '52:54:00:77:00:11' as Mac;
  await lifecycle.tell(makeNode({ id: 'inv1', macs: [mac] }));
  await untilShown(region, 'inv1', () => true);
  await using rack = openBus({ servers: region.nats.url, origin: { service: 'bootfiles', rack: 'rack1', instance: 'fake' }, log: silent });
  await rack.whenReady();
  const report = (cpu: string, time: string): Promise<unknown> => rack.publish(nodeInventoryReported, { key: 'inv1', time: new Date(time), data: { mac, rack: 'rack1', attempt: 0, inventory: inventoryOf(cpu) } });
  await report('new', '2026-11-20T12:00:00Z');
  await report('old', '2026-11-20T11:00:00Z');
  await report('newest', '2026-11-20T13:00:00Z');
  const cpu = (node: unknown): unknown => (node as { inventory: { cpu: { model: string } } | null }).inventory?.cpu.model;
  await untilShown(region, 'inv1', (node) => cpu(node) === 'newest');
});

const inventoryOf = (model: string) => ({
  firmware: 'bios' as const, secureBoot: false, architecture: 'amd64' as const, cpu: { model, sockets: 1, cores: 2, threads: 2 }, memory: { totalBytes: 1, modules: [] }, disks: [], nics: [], bmc: null,
  dmi: { manufacturer: null, product: null, serial: null, uuid: null, boardManufacturer: null, boardProduct: null, biosVendor: null, biosVersion: null, chassisSerial: null },
});

test('a request is answered with the machine, with the refusal, or with 202 where nobody answers', async () => {
  await lifecycle.tell(makeNode({ id: 'asked1', macs: ['52:54:00:77:00:12' as Mac] }));
  await untilShown(region, 'asked1', () => true);
  const done = await region.call('POST', '/api/v1/machines/asked1/accept', { body: {} });
  assert.deepEqual([done.status, done.body['status']], [200, 'Commissioning']);
  assert.equal((await region.call('POST', '/api/v1/machines/asked1/mark-broken')).status, 200);
  assert.equal(((await region.call('GET', '/api/v1/machines/asked1')).body)['status'], 'Broken');

  lifecycle.refuse = { code: 'NODE_STATE', message: 'it is Broken' };
  const refused = await region.call('POST', '/api/v1/machines/asked1/commission', { body: { tests: ['memory'] } });
  lifecycle.refuse = undefined;
  assert.equal(refused.status, 409);
  assert.deepEqual(errorOf(refused), { code: 'NODE_STATE', message: 'it is Broken' });

  lifecycle.mute = true;
  const startedAt = performance.now();
  const open = await region.call('POST', '/api/v1/machines/asked1/release', { body: { erase: 'quick' } });
  lifecycle.mute = false;
  assert.equal(open.status, 202);
  assert.match(String(open.body['operation']), /^[0-9a-f-]{36}$/);
  assert.ok(performance.now() - startedAt >= 1_900, 'it waited API_WAIT_SECONDS');
});

test('a machine made by hand is 201, and a body with something unknown is refused by name', async () => {
  const made = await region.call('POST', '/api/v1/machines', { body: { macs: ['52:54:00:77:00:13'] } });
  assert.deepEqual([made.status, made.body['macs']], [201, ['52:54:00:77:00:13']]);
  const wrong = await region.call('POST', '/api/v1/machines', { body: { macs: ['52:54:00:77:00:zz'], colour: 'red' } });
  assert.equal(wrong.status, 422);
  assert.match(errorOf(wrong).message, /colour/);
  assert.match(errorOf(wrong).message, /\/body\/macs\/0/);
  assert.equal((await region.call('POST', '/api/v1/machines', { body: { macs: '52:54:00:77:00:13' } })).status, 422, 'nothing is coerced');
});

test('Idempotency-Key: the same request is answered, not repeated; another one with that key is a conflict', async () => {
  await lifecycle.tell(makeNode({ id: 'idem1', macs: ['52:54:00:77:00:14' as Mac] }));
  await untilShown(region, 'idem1', () => true);
  const before = lifecycle.requests.length;
  const headers = { 'idempotency-key': 'Job 4711' };
  const first = await region.call('POST', '/api/v1/machines/idem1/accept', { body: { comment: 'go' }, headers });
  const second = await region.call('POST', '/api/v1/machines/idem1/accept', { body: { comment: 'go' }, headers });
  assert.deepEqual([first.status, second.status], [200, 200]);
  assert.deepEqual(second.body, first.body);
  assert.equal(lifecycle.requests.length - before, 1);
  const other = await region.call('POST', '/api/v1/machines/idem1/accept', { body: { comment: 'stop' }, headers });
  assert.deepEqual([other.status, errorOf(other).code], [409, 'REQUEST_CONFLICT']);
});

test('the answer to a keyed request that came late is found by asking again', async () => {
  await lifecycle.tell(makeNode({ id: 'idem2', macs: ['52:54:00:77:00:15' as Mac] }));
  const node = await untilShown(region, 'idem2', () => true);
  lifecycle.mute = true;
  const again = () => region.call('POST', '/api/v1/machines/idem2/accept', { headers: { 'idempotency-key': 'late' } });
  const open = await again();
  lifecycle.mute = false;
  assert.equal(open.status, 202);
  const why = { from: node.status, to: 'Commissioning' as const, on: 'node.accept-requested', why: 'late', node: { ...node, status: 'Commissioning' as const, version: 2 } };
  await lifecycle.bus.publish(nodeTransitioned, { key: node.id, causationid: String(open.body['operation']), data: why });
  const found = await waitFor(async () => { const answer = await again(); return answer.status === 200 && answer; });
  assert.equal(found.body['status'], 'Commissioning');
});

test('openapi.json is OpenAPI 3.1 and names every route', async () => {
  const document = (await region.call('GET', '/openapi.json', { key: null })).body as { openapi: string; paths: Record<string, Record<string, { responses?: object; summary?: string }>> };
  assert.equal(document.openapi, '3.1.0');
  const actions = ['accept', 'commission', 'test', 'allocate', 'deploy', 'release', 'abort', 'rescue', 'exit-rescue', 'mark-broken', 'mark-fixed', 'reserve', 'retire', 'power'];
  const expected = {
    '/machines': ['get', 'post'], '/machines/{id}': ['get', 'patch', 'delete'], '/machines/{id}/events': ['get'], '/networks': ['get', 'post'], '/networks/{id}': ['get', 'put', 'delete'], '/networks/{id}/status': ['get'], '/networks/{id}/probe': ['post'], '/networks/{id}/foreign-settings': ['get'],
    '/fabrics': ['get'], '/leases': ['get'],
    '/images': ['get', 'post'], '/images/{id}': ['get', 'delete'], '/images/{id}/blob': ['get'], '/racks': ['get'], '/racks/tokens': ['post'], '/racks/join': ['post'], '/events': ['get'],
    '/profiles': ['get', 'post'], '/profiles/{id}': ['get', 'put', 'delete'], '/profiles/{id}/preview': ['post'], '/layers': ['get'], '/layers/{id}': ['get', 'put', 'delete'],
    ...Object.fromEntries(actions.map((action) => [`/machines/{id}/${action}`, ['post']])),
  };
  const found = Object.entries(document.paths).map(([path, item]) => [path.replace('/api/v1', ''), Object.keys(item).sort()]);
  assert.deepEqual(Object.fromEntries(found), Object.fromEntries(Object.entries(expected).map(([path, methods]) => [path, methods.toSorted()])));
  for (const item of Object.values(document.paths)) for (const operation of Object.values(item)) assert.ok(operation.responses !== undefined && operation.summary !== undefined);
  assert.doesNotMatch(JSON.stringify(document), /"nullable"|~kind/);
});

test('who changed what is a fact; strangers leave none', async () => {
  await region.call('POST', '/api/v1/machines/idem1/accept', { key: null, headers: { 'x-mark': 'stranger' } });
  await region.call('POST', '/api/v1/racks/tokens');
  const seen: { user: string; path: string; status: number }[] = [];
  await using log = lifecycle.bus.history({ stream: 'FACTS', subjects: ['audit.recorded.>'] }, (event) => { seen.push(event.data as never); });
  await log.caughtUp();
  await waitFor(() => seen.some(({ path }) => path === '/api/v1/racks/tokens'));
  assert.ok(seen.every(({ user, status }) => user === 'admin' && status !== 401));
});

test('a restart keeps everything, and prints no second key', async () => {
  const shown = (await region.call('GET', '/api/v1/machines')).body;
  await region.stopApi();
  await region.redis.restart();
  await region.nats.restart();
  await region.startApi();
  assert.deepEqual((await region.call('GET', '/api/v1/machines')).body, shown);
  assert.equal(region.printed.length, 1);
});

test('a given administrator’s key takes the place of the one before', async () => {
  const given = `ib_${'g'.repeat(43)}`;
  await region.stopApi();
  await region.startApi({ API_ADMIN_KEY: given });
  assert.equal((await region.call('GET', '/api/v1/machines', { key: given })).status, 200);
  assert.equal((await region.call('GET', '/api/v1/machines')).status, 401);
  assert.equal(region.printed.length, 1);
});

test('started before NATS and Redis the api waits, says so, and goes ready', async () => {
  const [natsPort, redisPort] = [await freePort(), await freePort()];
  const absent = (scheme: string, port: number) => ({ url: `${scheme}://127.0.0.1:${port}`, stop: async () => undefined });
  await using early = await startRegion({ servers: { nats: absent('nats', natsPort), redis: absent('redis', redisPort) } as never });
  const started = early.startApi();
  const ready = async (): Promise<{ status: number; text: string }> => { const answer = await fetch(`${early.healthUrl}/readyz`); return { status: answer.status, text: await answer.text() }; };
  const red = await waitFor(ready);
  assert.equal(red.status, 503);
  assert.match(red.text, /"api":\{"ready":false/);
  await using _redis = await startRedis({ port: redisPort });
  await using _nats = await startNats({ port: natsPort });
  await started;
  assert.equal((await ready()).status, 200);
  assert.equal((await early.call('GET', '/api/v1/machines')).status, 200);
  await early.stopApi();
});
