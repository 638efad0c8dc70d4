/** Batches against a real server that syncs: what is stored, what is refused, and what a kill leaves behind. */
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { makeEvent, type Event, type EventDefinition } from '@ironbus/contracts';
import { startNats } from '../../testkit/src/nats-server.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import { ensureTopology } from './bus.ts';
import type { BatchEvent } from './publish-batch.ts';
import { dhcp, probeDone, readyBus, topology, useJetStream } from './test/support.ts';

const server = useJetStream();

const events = (name: string, count: number, from = 1): BatchEvent[] => Array.from({ length: count }, (_, at) =>
  ({ event: makeEvent(probeDone, dhcp, { key: name, data: { n: from + at } }) as Event as Event<EventDefinition> }));

/** The `n` of every stored event of one key, in the order of the stream. */
async function numbers(manager: JetStreamManager, key: string): Promise<number[]> {
  const { state } = await manager.streams.info('FACTS');
  const found: number[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq += 1) {
    const message = await manager.streams.getMessage('FACTS', { seq });
    const event = message?.json<Event>();
    if (event?.subject === key) found.push((event.data as { n: number }).n);
  }
  return found;
}

test('a batch is stored whole, in its order, with the ids and the bytes it came with', async () => {
  await using bus = await readyBus(server.nats);
  const batch = events('whole', 1_000).map(({ event }) => ({ event, json: JSON.stringify(event) }));
  assert.deepEqual(await bus.publishBatch(batch), { ok: true });
  assert.deepEqual(await numbers(server.jsm, 'whole'), Array.from({ length: 1_000 }, (_, at) => at + 1));
  const message = await server.jsm.streams.getMessage('FACTS', { last_by_subj: 'probe.done.rack1.whole' });
  assert.equal(message?.string(), batch.at(-1)?.json);
  assert.equal(message?.header.get('Nats-Msg-Id'), batch.at(-1)?.event.id);
  assert.equal(bus.counts.get('published'), 1_000);
  assert.deepEqual(await bus.publishEvent(batch[499]?.event ?? assert.fail()).then(({ duplicate }) => duplicate), true, 'its ids are known');
});

test('one event that is there already refuses the batch, and none of the others is stored', async () => {
  await using bus = await readyBus(server.nats);
  const batch = events('known', 20);
  await bus.publishEvent(batch[9]?.event ?? assert.fail());
  const answer = await bus.publishBatch(batch);
  assert.ok(!answer.ok && /duplicate/.test(answer.why), JSON.stringify(answer));
  assert.deepEqual(await numbers(server.jsm, 'known'), [10]);
  for (const { event } of batch) await bus.publishEvent(event);
  assert.deepEqual((await numbers(server.jsm, 'known')).length, 20);
  assert.deepEqual(await bus.publishBatch(events('known', 20, 21)), { ok: true }, 'batches go on after it');
});

test('an event too large for NATS stores nothing and breaks nothing', async () => {
  await using bus = await readyBus(server.nats);
  const batch = events('large', 20);
  const big = { ...(batch[9] ?? assert.fail()).event, data: { n: 10, text: 'x'.repeat(1_100_000) } } as Event;
  const answer = await bus.publishBatch(batch.with(9, { event: big as Event<EventDefinition> }));
  assert.ok(!answer.ok && /max_payload/.test(answer.why), JSON.stringify(answer));
  assert.deepEqual(await numbers(server.jsm, 'large'), []);
  assert.deepEqual(await bus.publishBatch(events('large', 20)), { ok: true });
});

test('a stream that takes no batches is asked once, and gets its setting from the topology', async () => {
  await using own = await startNats();
  const link = await connect({ servers: own.url });
  const manager = await jetstreamManager(link);
  await using bus = await readyBus(own);
  await manager.streams.update('FACTS', { allow_atomic: false });
  const first = await bus.publishBatch(events('off', 20));
  assert.ok(!first.ok && /10174/.test(first.why), JSON.stringify(first));
  await ensureTopology(bus, topology);
  assert.equal((await manager.streams.info('FACTS')).config.allow_atomic, true);
  assert.deepEqual(await bus.publishBatch(events('off', 20)), first, 'this connection remembers');
  await using next = await readyBus(own);
  assert.deepEqual(await next.publishBatch(events('off', 20)), { ok: true });
  await link.close();
});

test('a batch while NATS is away is no, not an exception', async () => {
  await using own = await startNats();
  await using bus = await readyBus(own);
  await own.kill();
  const answer = await bus.publishBatch(events('away', 20));
  assert.equal(answer.ok, false);
  await waitFor(() => !bus.ready().ready);
  assert.deepEqual(await bus.publishBatch(events('away', 20)), { ok: false, why: 'there is no connection to NATS' });
});

test('a server that is killed among batches has every one of them that it acknowledged, each whole or not at all, and no event twice', async () => {
  await using own = await startNats();
  await using bus = await readyBus(own);
  const all = Array.from({ length: 400 }, (_, batch) => events(`b${batch}`, 20));
  const acknowledged: number[] = [];
  for (const [batch, entries] of all.entries()) {
    if (batch === 60) void own.kill();
    if ((await bus.publishBatch(entries)).ok) acknowledged.push(batch);
    else break;
  }
  await waitFor(() => !bus.ready().ready);
  await own.restart();
  await bus.whenReady();
  const link = await connect({ servers: own.url });
  const manager = await jetstreamManager(link);
  const sizes = await Promise.all(all.map(async (_, batch) => (await manager.streams.info('FACTS', { subjects_filter: `probe.done.*.b${batch}` })).state.subjects?.[`probe.done.rack1.b${batch}`] ?? 0));
  assert.deepEqual([...new Set(sizes)].filter((size) => size !== 0 && size !== 20), [], 'each whole or not at all');
  assert.ok(acknowledged.length >= 60);
  for (const batch of acknowledged) assert.equal(sizes[batch], 20, `batch ${batch} was acknowledged`);
  for (const entries of all.slice(0, acknowledged.length + 1)) {
    if (!(await bus.publishBatch(entries)).ok) for (const { event } of entries) await bus.publishEvent(event);
  }
  assert.equal((await manager.streams.info('FACTS')).state.messages, (acknowledged.length + 1) * 20);
  await link.close();
});
