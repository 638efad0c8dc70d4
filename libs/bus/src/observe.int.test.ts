import { test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { startNats } from '../../testkit/src/nats-server.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import { probeSeen, readyBus, testBus } from './test/support.ts';

async function stored(url: string): Promise<number> {
  const raw = await connect({ servers: url });
  try {
    return (await (await jetstreamManager(raw)).streams.info('OBSERVATIONS')).state.messages;
  } finally {
    await raw.close();
  }
}

test('a burst of 20,000: what fits the queue is stored, the rest is counted, nothing throws', async () => {
  await using nats = await startNats();
  await using bus = await readyBus(nats);
  const began = performance.now();
  for (let n = 0; n < 20_000; n++) bus.observe(probeSeen, { key: 'k', data: { n } });
  const handedOver = performance.now() - began;
  await waitFor(() => bus.observing().queued + bus.observing().inFlight === 0);
  const took = performance.now() - began;
  const [sent, dropped, unacked] = ['observation-sent', 'observation-dropped', 'observation-unacked'].map((name) => bus.counts.get(name) ?? 0);
  assert.equal((sent ?? 0) + (dropped ?? 0) + (unacked ?? 0), 20_000);
  assert.equal(unacked, 0);
  assert.equal(sent, 10_512);
  assert.equal(await stored(nats.url), sent);
  console.log(`# ${sent} stored in ${took.toFixed(0)} ms, ${(sent / took).toFixed(1)} k/s; 20,000 handed over in ${handedOver.toFixed(0)} ms`);
});

test('in flight when NATS dies: sent again, stored once', async () => {
  await using nats = await startNats();
  await using bus = await readyBus(nats);
  for (let n = 0; n < 8000; n++) bus.observe(probeSeen, { key: 'k', data: { n } });
  await waitFor(() => (bus.counts.get('observation-sent') ?? 0) > 100);
  await nats.kill();
  await nats.restart();
  await waitFor(() => bus.counts.get('observation-sent') === 8000);
  const numbers: unknown[] = [];
  await using log = bus.history({ stream: 'OBSERVATIONS' }, (event) => { numbers.push((event.data as { n: number }).n); });
  await log.caughtUp();
  assert.equal(new Set(numbers).size, numbers.length, 'none is stored twice');
  // OBSERVATIONS is persisted asynchronously (docs/adr/0004-fsync.md): a kill may take what was acknowledged a moment before it.
  for (let n = 7900; n < 8000; n++) assert.ok(numbers.includes(n), `${n}, which was sent after the kill, is stored`);
});

test('before NATS is there it queues, an invalid one is counted, and closing counts what was lost', async () => {
  const bus = testBus('nats://127.0.0.1:1', { observe: { queue: 5 } });
  for (let n = 0; n < 8; n++) bus.observe(probeSeen, { key: 'k', data: { n } });
  bus.observe(probeSeen, { key: 'k', data: { n: 0.5 } });
  assert.deepEqual(bus.observing(), { queued: 5, inFlight: 0 });
  await bus.close();
  assert.equal(bus.counts.get('observation-dropped'), 8);
  assert.equal(bus.counts.get('observation-invalid'), 1);
});

test('acks that never come are given up and counted', async () => {
  await using nats = await startNats();
  await using bus = await readyBus(nats, { observe: { ackTimeoutMs: 200 } });
  const raw = await connect({ servers: nats.url });
  await (await jetstreamManager(raw)).streams.delete('OBSERVATIONS');
  await raw.close();
  for (let n = 0; n < 10; n++) bus.observe(probeSeen, { key: 'k', data: { n } });
  await waitFor(() => bus.counts.get('observation-unacked') === 10);
  assert.deepEqual(bus.observing(), { queued: 0, inFlight: 0 });
});
