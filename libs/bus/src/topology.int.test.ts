import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager, StorageType, type JetStreamManager } from '@nats-io/jetstream';
import { buckets, catalog } from '@ironbus/contracts';
import { startNats, type NatsServer } from '../../testkit/src/nats-server.ts';
import { ensureTopology } from './bus.ts';
import { probeDone, probeFailed, testBus, topology } from './test/support.ts';

let nats: NatsServer;
let raw: NatsConnection;
let jsm: JetStreamManager;
before(async () => {
  nats = await startNats();
  raw = await connect({ servers: nats.url });
  jsm = await jetstreamManager(raw);
});
after(async () => { await raw.close(); await nats.stop(); });

test('several services at once, with catalogues of different age', async () => {
  const buses = [testBus(nats.url), testBus(nats.url), testBus(nats.url), testBus(nats.url)];
  const old = { ...topology, catalog: [probeDone] };
  await Promise.all(buses.map((bus, n) => ensureTopology(bus, n % 2 === 0 ? topology : old)));
  await ensureTopology(buses[1] ?? assert.fail(), old);
  const { config } = await jsm.streams.info('FACTS');
  assert.deepEqual(config.subjects, ['probe.done.*.*', 'probe.failed.*.*']);
  assert.equal((await jsm.streams.info('KV_probes')).config.max_msgs_per_subject, 2);
  for (const bus of buses) await bus.close();
});

test('the real catalogue fits a server', async () => {
  await using own = await startNats();
  await using bus = testBus(own.url);
  await ensureTopology(bus, { catalog, buckets });
  await ensureTopology(bus, { catalog, buckets });
});

test('what can not be mended is BUS_TOPOLOGY with the reason', async () => {
  await using bus = testBus(nats.url);
  await jsm.streams.delete('DEAD');
  await jsm.streams.add({ name: 'DEAD', subjects: ['dead.>'], storage: StorageType.Memory });
  await assert.rejects(ensureTopology(bus, topology), { code: 'BUS_TOPOLOGY', message: /DEAD has storage memory/ });
  await jsm.streams.delete('DEAD');
  await jsm.streams.add({ name: 'SQUATTER', subjects: ['dead.x'] });
  await assert.rejects(ensureTopology(bus, { ...topology, catalog: [probeFailed] }), { code: 'BUS_TOPOLOGY', message: /DEAD can not be set up/ });
  await jsm.streams.delete('SQUATTER');
  await assert.rejects(ensureTopology(bus, { ...topology, limits: { deadBytes: 1024 ** 4 } }), { code: 'BUS_TOPOLOGY', message: /max_file_store/ });
});
