import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from '@nats-io/transport-node';
import { Kvm } from '@nats-io/kv';
import { jetstreamManager } from '@nats-io/jetstream';
import { startNats, type NatsServer } from '../../testkit/src/nats-server.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import { ensureTopology } from './bus.ts';
import { api, probes, readyBus, testBus, topology } from './test/support.ts';

let nats: NatsServer;
before(async () => { nats = await startNats(); });
after(() => nats.stop());

/** An empty bucket. */
async function clear(): Promise<void> {
  const raw = await connect({ servers: nats.url });
  await (await jetstreamManager(raw)).streams.delete('KV_probes').catch((error: Error) => assert.match(error.message, /not found/));
  await raw.close();
}

test('kv: revisions, conflicts as values, schema and owner', async () => {
  await clear();
  await using bus = await readyBus(nats);
  const kv = bus.kv(probes);
  assert.equal(await kv.get('a'), undefined);
  const first = await kv.create('a', { n: 1 });
  assert.equal(await kv.create('a', { n: 2 }), undefined);
  assert.deepEqual(await kv.get('a'), { value: { n: 1 }, revision: first });
  const second = await kv.update('a', { n: 2 }, first ?? 0);
  assert.equal(await kv.update('a', { n: 3 }, first ?? 0), undefined);
  await kv.put('b.c', { n: 9 });
  assert.deepEqual(await kv.keys(), ['a', 'b.c']);
  await kv.delete('a');
  assert.equal(await kv.get('a'), undefined);
  assert.deepEqual(await kv.keys(), ['b.c']);
  assert.ok((await kv.create('a', { n: 4 }) ?? 0) > (second ?? 0));
  await assert.rejects(kv.put('a', { n: 'x' } as never), { code: 'EVENT_INVALID', message: /probes\/a.*\/n/ });
  await assert.rejects(kv.put('A b', { n: 1 }), { code: 'EVENT_INVALID' });
  await using other = await readyBus(nats, { origin: api });
  await assert.rejects(other.kv(probes).put('a', { n: 1 }), { code: 'EVENT_FOREIGN' });
  await assert.rejects(other.kv(probes).delete('a'), { code: 'EVENT_FOREIGN' });
  assert.equal((await other.kv(probes).get('a'))?.value.n, 4);
});

test('watch: snapshot, changes, deletes, reached', async () => {
  await clear();
  await using bus = await readyBus(nats);
  const kv = bus.kv(probes);
  for (let n = 0; n < 700; n++) await kv.put(`k${n % 350}`, { n });
  const changes: [string, number | undefined][] = [];
  const view = bus.watch(probes, { onChange: (key, value) => { changes.push([key, value?.n]); } });
  await view.whenSynced();
  assert.equal(view.size, 350);
  assert.equal(view.get('k7')?.n, 357);
  assert.equal(view.revision, 700);
  changes.length = 0;
  const revision = await kv.put('new', { n: 1 });
  await view.reached(revision);
  assert.deepEqual([view.get('new')?.n, view.revisionOf('new')], [1, revision]);
  await kv.delete('k7');
  await waitFor(() => view.get('k7') === undefined);
  assert.deepEqual(changes, [['new', 1], ['k7', undefined]]);
  const later = view.reached(view.revision + 2);
  await kv.put('x', { n: 1 });
  const last = await kv.put('y', { n: 2 });
  await later;
  assert.equal(view.revision, last);
  const never = view.reached(last + 100);
  await view.stop();
  await assert.rejects(never, { code: 'BUS_UNREACHABLE' });
});

test('watch: an invalid value is kept out and logged, the last good one stays', async () => {
  await clear();
  await using bus = await readyBus(nats);
  await bus.kv(probes).put('a', { n: 1 });
  const view = bus.watch(probes);
  await view.whenSynced();
  const raw = await connect({ servers: nats.url });
  const revision = await (await new Kvm(raw).open('probes')).put('a', JSON.stringify({ n: 'bad' }));
  await view.reached(revision);
  assert.equal(view.get('a')?.n, 1);
  assert.equal(bus.counts.get('value-refused'), 1);
  const line = bus.lines.find((entry) => entry.message === 'a value is invalid and was kept out');
  const violations = line?.fields['violations'] as { path: string }[] | undefined;
  assert.deepEqual([line?.fields['key'], violations?.[0]?.path], ['a', '/n']);
  await raw.close();
});

test('watch: answers while NATS is away, and finds what was deleted and purged meanwhile', async () => {
  const own = await startNats();
  await using bus = await readyBus(own);
  const kv = bus.kv(probes);
  for (const key of ['stays', 'changes', 'deleted', 'purged']) await kv.put(key, { n: 1 });
  const changes: string[] = [];
  const view = bus.watch(probes, { onChange: (key, value) => { changes.push(`${key}=${value?.n ?? 'gone'}`); } });
  await view.whenSynced();
  changes.length = 0;
  await own.kill();
  await waitFor(() => !bus.ready().ready);
  assert.equal(view.get('stays')?.n, 1);
  assert.ok(view.synced());
  await own.restart();
  const raw = await connect({ servers: own.url });
  const meanwhile = await new Kvm(raw).open('probes');
  await meanwhile.delete('deleted');
  await (await jetstreamManager(raw)).streams.purge('KV_probes', { filter: '$KV.probes.purged' }); // leaves no marker
  const revision = await meanwhile.put('changes', JSON.stringify({ n: 2 }));
  await view.reached(revision);
  await waitFor(() => view.size === 2);
  assert.deepEqual([...view.entries()].map(([key, value]) => [key, value.n]).sort(), [['changes', 2], ['stays', 1]]);
  assert.deepEqual(changes.filter((line) => line.startsWith('stays')), []);
  await raw.close();
  await bus.close();
  await own.stop();
});

test('watch: a bucket made anew replaces the view, while connected and after an empty restart', async () => {
  const own = await startNats();
  await using bus = await readyBus(own);
  const kv = bus.kv(probes);
  for (let n = 0; n < 5; n++) await kv.put('old', { n });
  const view = bus.watch(probes);
  await view.whenSynced();
  const raw = await connect({ servers: own.url });
  const jsm = await jetstreamManager(raw);
  await jsm.streams.delete('KV_probes');
  await ensureTopology(bus, topology);
  await kv.put('young', { n: 7 });
  await waitFor(() => view.get('young')?.n === 7 && view.get('old') === undefined);
  assert.equal(view.revision, 1);
  await raw.close();
  await own.kill();
  await own.restart({ wipe: true });
  await waitFor(async () => (await kv.put('third', { n: 8 }).catch((error: { code: string }) => assert.equal(error.code, 'BUS_UNREACHABLE'))) === 1);
  await waitFor(() => view.get('third')?.n === 8 && view.get('young') === undefined);
  await bus.close();
  await own.stop();
});

test('watch: a bucket that does not exist yet', async () => {
  await using own = await startNats();
  await using bus = testBus(own.url);
  const view = bus.watch(probes);
  await bus.whenReady();
  assert.equal(view.synced(), false);
  await ensureTopology(bus, topology);
  await view.whenSynced();
  assert.equal(view.size, 0);
});
