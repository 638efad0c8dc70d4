import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { IronbusError } from '@ironbus/contracts';
import { startNats, type NatsServer } from '../../testkit/src/nats-server.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import { deadSubject } from './dead-letters.ts';
import type { Bus } from './bus.ts';
import { probeDone, probeFailed, readyBus } from './test/support.ts';

let nats: NatsServer;
before(async () => { nats = await startNats(); });
after(() => nats.stop());

const backOff = { firstMs: 10, mostMs: 40 };
const publishMany = (bus: Bus, count: number, key: (n: number) => string): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, n) => bus.publish(probeDone, { key: key(n), data: { n } })));

/** A stream of its own for each test: an emptied FACTS. */
async function empty(): Promise<void> {
  const raw = await connect({ servers: nats.url });
  const jsm = await jetstreamManager(raw);
  for await (const stream of jsm.streams.list()) await jsm.streams.delete(stream.config.name);
  await raw.close();
}

async function pendingOf(durable: string): Promise<{ unacked: number; waiting: number }> {
  const raw = await connect({ servers: nats.url });
  try {
    const info = await (await jetstreamManager(raw)).consumers.info('FACTS', durable);
    return { unacked: info.num_ack_pending, waiting: info.num_pending };
  } finally {
    await raw.close();
  }
}

test('one key in order, keys side by side, and acknowledged last', async () => {
  await empty();
  await using bus = await readyBus(nats);
  await publishMany(bus, 200, (n) => `k${n % 10}`);
  const seen = new Map<string, number[]>();
  let running = 0;
  let most = 0;
  bus.consume({
    durable: 'dhcp-order', definitions: [probeDone], concurrency: 8,
    handler: async (event) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      seen.set(event.subject, [...(seen.get(event.subject) ?? []), event.data.n]);
    },
  });
  await waitFor(() => bus.counts.get('handled') === 200);
  for (const [key, numbers] of seen) assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b), key);
  assert.ok(most > 1 && most <= 8, `${most} at a time`);
  await waitFor(async () => (await pendingOf('dhcp-order')).unacked === 0);
});

test('a consumer that comes back has caught up once it took what waited for it, alone or beside a replica', async () => {
  await empty();
  await using bus = await readyBus(nats);
  await publishMany(bus, 400, (n) => `k${n}`);
  const gate = Promise.withResolvers<void>();
  const consume = () => bus.consume({ durable: 'dhcp-behind', definitions: [probeDone], concurrency: 4, handler: () => gate.promise });
  const first = consume();
  assert.equal(first.caughtUp(), true, 'nothing is known to wait');
  await waitFor(() => !first.caughtUp(), { what: 'the backlog to be seen' });
  const second = consume();
  gate.resolve();
  await waitFor(() => first.caughtUp() && second.caughtUp(), { what: 'both to have caught up', timeoutMs: 20_000 });
  assert.equal(bus.counts.get('handled'), 400);
});

test('nothing is acknowledged while its handler runs', async () => {
  await empty();
  await using bus = await readyBus(nats);
  const gate = Promise.withResolvers<void>();
  bus.consume({ durable: 'dhcp-slow', definitions: [probeDone], ackWaitMs: 1000, handler: async () => { bus.counts.set('begun', 1); await gate.promise; } });
  await bus.publish(probeDone, { key: 'k', data: { n: 1 } });
  await waitFor(() => bus.counts.get('begun') === 1);
  const until = Date.now() + 2500; // well over the ack wait: kept alive, not delivered again
  await waitFor(() => Date.now() > until);
  assert.equal((await pendingOf('dhcp-slow')).unacked, 1);
  gate.resolve();
  await waitFor(async () => (await pendingOf('dhcp-slow')).unacked === 0);
  assert.equal(bus.counts.get('handled'), 1);
});

test('a failing event is tried again with its followers behind it, then buried with the reason', async () => {
  await empty();
  await using bus = await readyBus(nats);
  const seen: string[] = [];
  bus.consume({
    durable: 'dhcp-poison', definitions: [probeDone, probeFailed], maxDeliver: 3, backOff,
    handler: (event, meta) => {
      seen.push(`${event.subject}:${event.type === 'probe.done' ? event.data.n : event.data.why}:${meta.redelivered}`);
      if (event.type === 'probe.done' && event.data.n === 0) throw new Error('can not do 0');
    },
  });
  await bus.publish(probeDone, { key: 'a', data: { n: 0 } });
  await bus.publish(probeFailed, { key: 'a', data: { why: 'after' } });
  await bus.publish(probeDone, { key: 'b', data: { n: 1 } });
  await waitFor(() => bus.counts.get('handled') === 2);
  assert.deepEqual(seen.filter((line) => line.startsWith('a')), ['a:0:false', 'a:0:true', 'a:0:true', 'a:after:false']);
  const [dead, ...others] = await bus.deadLetters();
  assert.equal(others.length, 0);
  assert.ok(dead !== undefined);
  const { reason, error, durable, deliveries, original } = dead;
  assert.equal(deadSubject(dead), 'dead.dhcp-poison.probe.done');
  assert.deepEqual({ reason, error, durable, deliveries }, { reason: 'exhausted', error: 'Error: can not do 0', durable: 'dhcp-poison', deliveries: 3 });
  assert.equal((original.data as { data: { n: number } }).data.n, 0);
  await waitFor(async () => (await pendingOf('dhcp-poison')).unacked === 0);
});

test('invalid messages are buried with every violation, and never reach the handler', async () => {
  await empty();
  await using bus = await readyBus(nats);
  const good = await bus.publish(probeDone, { key: 'k', data: { n: 1 } });
  const raw = await connect({ servers: nats.url });
  const stored = await (await jetstreamManager(raw)).streams.getMessage('FACTS', { seq: good.sequence });
  const event = stored?.json<Record<string, unknown>>() ?? assert.fail();
  raw.publish('probe.done.rack1.bad1', 'no json');
  raw.publish('probe.done.rack1.k', JSON.stringify({ ...event, data: { n: 'x' } }));
  raw.publish('probe.done.rack2.k', JSON.stringify(event));
  raw.publish('probe.done.rack1.k', JSON.stringify({ ...event, source: '/racks/rack1/tftp/a' }));
  await raw.flush();
  const seen: number[] = [];
  bus.consume({ durable: 'dhcp-strict', definitions: [probeDone], handler: (probe) => { seen.push(probe.data.n); } });
  await waitFor(() => bus.counts.get('dead-lettered') === 4 && seen.length === 1);
  const letters = await bus.deadLetters();
  assert.deepEqual(letters.map((letter) => letter.violations[0]?.path).sort(), ['/', '/data/n', '/source', '/subject']);
  assert.equal(letters.find((letter) => letter.violations[0]?.path === '/')?.original.base64, Buffer.from('no json').toString('base64'));
  await raw.close();
});

test('a store that is away is not the event’s fault', async () => {
  await empty();
  await using bus = await readyBus(nats);
  let tries = 0;
  bus.consume({
    durable: 'dhcp-patient', definitions: [probeDone], maxDeliver: 2, backOff,
    handler: () => { if (++tries < 6) throw new IronbusError('STORE_UNREACHABLE', 'Redis is away'); },
  });
  await bus.publish(probeDone, { key: 'k', data: { n: 1 } });
  await waitFor(() => bus.counts.get('handled') === 1);
  assert.equal(tries, 6);
  assert.equal(bus.counts.get('dead-lettered'), undefined);
});

test('two replicas share a durable: each event once, and a stopped one gives back what it held', async () => {
  await empty();
  await using one = await readyBus(nats);
  await using two = await readyBus(nats);
  const seen: number[] = [];
  const gate = Promise.withResolvers<void>();
  const definitions = [probeDone];
  const first = one.consume({ durable: 'dhcp-shared', definitions, concurrency: 1, handler: async (event) => { await gate.promise; seen.push(event.data.n); } });
  await publishMany(one, 20, () => 'same-key');
  await waitFor(async () => (await pendingOf('dhcp-shared')).unacked === 20);
  two.consume({ durable: 'dhcp-shared', definitions, concurrency: 4, handler: (event) => { seen.push(event.data.n); } });
  const stopping = first.stop();
  gate.resolve();
  await stopping;
  await waitFor(() => seen.length >= 20);
  await publishMany(two, 20, (n) => `k${n}`);
  await waitFor(() => seen.length >= 40);
  await waitFor(async () => (await pendingOf('dhcp-shared')).unacked === 0);
  assert.equal(seen.length, 40);
  assert.equal(new Set(seen.slice(0, 20)).size, 20);
});

test('during an upgrade the old replica leaves types it does not know to the new one', async () => {
  await empty();
  await using old = await readyBus(nats);
  await using young = await readyBus(nats);
  const seen: string[] = [];
  old.consume({ durable: 'dhcp-twins', definitions: [probeDone], handler: (event) => { seen.push(event.type); } });
  await publishMany(old, 5, (n) => `k${n}`);
  await waitFor(() => seen.length === 5);
  young.consume({ durable: 'dhcp-twins', definitions: [probeDone, probeFailed], handler: (event) => { seen.push(event.type); } });
  for (let n = 0; n < 6; n++) await young.publish(probeFailed, { key: `k${n}`, data: { why: 'new' } });
  await waitFor(() => seen.filter((type) => type === 'probe.failed').length === 6);
  assert.equal((await young.deadLetters()).length, 0);
});
