import { test } from 'node:test';
import assert from 'node:assert/strict';
import { StorageType } from '@nats-io/jetstream';
import { buckets, catalog } from '@ironbus/contracts';
import { startNats } from '../../testkit/src/nats-server.ts';
import { ensureTopology } from './bus.ts';
import { probeDone, probeFailed, testBus, topology, useJetStream } from './test/support.ts';

const server = useJetStream();

test('several services at once, with catalogues of different age', async () => {
  const buses = [testBus(server.nats.url), testBus(server.nats.url), testBus(server.nats.url), testBus(server.nats.url)];
  const old = { ...topology, catalog: [probeDone] };
  await Promise.all(buses.map((bus, n) => ensureTopology(bus, n % 2 === 0 ? topology : old)));
  await ensureTopology(buses[1] ?? assert.fail(), old);
  const { config } = await server.jsm.streams.info('FACTS');
  assert.deepEqual(config.subjects, ['probe.done.*.*', 'probe.failed.*.*']);
  assert.equal((await server.jsm.streams.info('KV_probes')).config.max_msgs_per_subject, 2);
  for (const bus of buses) await bus.close();
});

test('the real catalogue fits a server', async () => {
  await using own = await startNats();
  await using bus = testBus(own.url);
  await ensureTopology(bus, { catalog, buckets });
  await ensureTopology(bus, { catalog, buckets });
});

test('what can not be mended is BUS_TOPOLOGY with the reason', async () => {
  await using bus = testBus(server.nats.url);
  await server.jsm.streams.delete('DEAD');
  await server.jsm.streams.add({ name: 'DEAD', subjects: ['dead.>'], storage: StorageType.Memory });
  await assert.rejects(ensureTopology(bus, topology), { code: 'BUS_TOPOLOGY', message: /DEAD has storage memory/ });
  await server.jsm.streams.delete('DEAD');
  await server.jsm.streams.add({ name: 'SQUATTER', subjects: ['dead.x'] });
  await assert.rejects(ensureTopology(bus, { ...topology, catalog: [probeFailed] }), { code: 'BUS_TOPOLOGY', message: /DEAD can not be set up/ });
  await server.jsm.streams.delete('SQUATTER');
  await assert.rejects(ensureTopology(bus, { ...topology, limits: { deadBytes: 1024 ** 4 } }), { code: 'BUS_TOPOLOGY', message: /max_file_store/ });
});
