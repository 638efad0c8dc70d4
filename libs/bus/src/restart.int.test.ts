import { test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { makeEvent } from '@ironbus/contracts';
import { startNats } from '../../testkit/src/nats-server.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import type { Bus } from './bus.ts';
import { dhcp, numberOf, probeDone, readyBus } from './test/support.ts';

/** Publishes as the relay does: one after the other, each until it is acknowledged. */
async function publishSurely(bus: Bus, n: number): Promise<void> {
  const event = makeEvent(probeDone, dhcp, { key: `k${n % 5}`, data: { n } });
  await waitFor(async () => {
    try {
      await bus.publishEvent(event);
      return true;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'BUS_UNREACHABLE');
      return false;
    }
  });
}

test('kill -9 in the middle: nothing is lost, nothing wedges, the log is gapless', async () => {
  await using nats = await startNats();
  await using bus = await readyBus(nats);
  const handled = new Map<number, number>();
  const replayed: number[] = [];
  bus.consume({
    durable: 'dhcp-survivor', definitions: [probeDone], ackWaitMs: 2000, concurrency: 4,
    handler: async (event) => {
      await new Promise((resolve) => setImmediate(resolve));
      handled.set(event.data.n, (handled.get(event.data.n) ?? 0) + 1);
    },
  });
  bus.history({ stream: 'FACTS', definitions: [probeDone] }, (event) => { replayed.push(numberOf(event)); });
  for (let n = 0; n < 120; n++) {
    await publishSurely(bus, n);
    if (n === 40 || n === 80) await nats.kill();
    if (n === 40 || n === 80) await nats.restart();
  }
  await waitFor(() => handled.size === 120);
  await waitFor(() => replayed.length >= 120);
  assert.deepEqual(replayed, Array.from({ length: 120 }, (_, n) => n));
  const raw = await connect({ servers: nats.url });
  const jsm = await jetstreamManager(raw);
  await waitFor(async () => {
    const info = await jsm.consumers.info('FACTS', 'dhcp-survivor');
    return info.num_ack_pending === 0 && info.num_pending === 0;
  });
  await raw.close();
});

test('a handler that outlives a restart is acknowledged once, not run again', async () => {
  await using nats = await startNats();
  await using bus = await readyBus(nats);
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  bus.consume({ durable: 'dhcp-long', definitions: [probeDone], ackWaitMs: 1000, handler: async () => { runs++; await gate.promise; } });
  await bus.publish(probeDone, { key: 'k', data: { n: 1 } });
  await waitFor(() => runs === 1);
  await nats.kill();
  const overdue = Date.now() + 1500; // longer than the ack wait: the server delivers it again
  await waitFor(() => Date.now() > overdue);
  await nats.restart();
  await bus.whenReady();
  const raw = await connect({ servers: nats.url });
  const jsm = await jetstreamManager(raw);
  await waitFor(async () => (await jsm.consumers.info('FACTS', 'dhcp-long')).delivered.consumer_seq > 1);
  gate.resolve();
  await waitFor(async () => (await jsm.consumers.info('FACTS', 'dhcp-long')).num_ack_pending === 0);
  assert.equal(runs, 1);
  await raw.close();
});

test('a NATS that comes back empty gets its streams again, and consumers go on', async () => {
  await using nats = await startNats();
  await using bus = await readyBus(nats);
  const handled: number[] = [];
  const replayed: number[] = [];
  bus.consume({ durable: 'dhcp-anew', definitions: [probeDone], handler: (event) => { handled.push(event.data.n); } });
  const log = bus.history({ stream: 'FACTS' }, (event) => { replayed.push(numberOf(event)); });
  await publishSurely(bus, 1);
  await log.caughtUp();
  await waitFor(() => handled.length === 1 && replayed.length === 1);
  await nats.kill();
  await nats.restart({ wipe: true });
  await publishSurely(bus, 2);
  await waitFor(() => handled.length === 2 && replayed.length === 2);
  assert.deepEqual([handled, replayed], [[1, 2], [1, 2]]);
});

test('a deleted consumer, and a deleted and remade stream, while connected', async () => {
  await using nats = await startNats();
  await using bus = await readyBus(nats);
  const handled: number[] = [];
  bus.consume({ durable: 'dhcp-deleted', definitions: [probeDone], handler: (event) => { handled.push(event.data.n); } });
  await publishSurely(bus, 1);
  await waitFor(() => handled.includes(1));
  const raw = await connect({ servers: nats.url });
  const jsm = await jetstreamManager(raw);
  await jsm.consumers.delete('FACTS', 'dhcp-deleted');
  await publishSurely(bus, 2);
  await waitFor(() => handled.includes(2));
  const { config } = await jsm.streams.info('FACTS');
  await jsm.streams.delete('FACTS');
  await jsm.streams.add(config);
  await publishSurely(bus, 3);
  await waitFor(() => handled.includes(3));
  await raw.close();
});
