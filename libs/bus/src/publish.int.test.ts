import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from '@nats-io/transport-node';
import { makeEvent, newEventId, type EventDefinition, type Event } from '@ironbus/contracts';
import { startNats, type NatsServer } from '../../testkit/src/nats-server.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import { ensureTopology } from './bus.ts';
import { react } from './react.ts';
import { api, dhcp, probeDone, readyBus, testBus, topology } from './test/support.ts';

let nats: NatsServer;
before(async () => { nats = await startNats(); });
after(() => nats.stop());

test('the same id is stored once', async () => {
  await using bus = await readyBus(nats);
  const event = makeEvent(probeDone, dhcp, { key: '525400000001', data: { n: 1 } });
  const first = await bus.publishEvent(event);
  const second = await bus.publishEvent(event);
  assert.deepEqual([first.duplicate, second.duplicate], [false, true]);
  assert.equal(second.sequence, first.sequence);
});

test('another service’s type and invalid data are refused before they leave', async () => {
  await using bus = await readyBus(nats, { origin: api });
  await assert.rejects(bus.publish(probeDone, { key: 'k', data: { n: 1 } }), { code: 'EVENT_FOREIGN' });
  assert.throws(() => bus.observe(probeDone, { key: 'k', data: { n: 1 } }), { code: 'EVENT_FOREIGN' });
  await using owner = await readyBus(nats);
  await assert.rejects(owner.publish(probeDone, { key: 'k', data: { n: 'one' } as never }), { code: 'EVENT_INVALID', message: /\/data\/n/ });
  await assert.rejects(owner.publish(probeDone, { key: 'Not A Token', data: { n: 1 } }), { code: 'EVENT_INVALID' });
});

test('an event larger than NATS takes is refused for good, not for a while', async () => {
  await using bus = await readyBus(nats);
  const big = { ...makeEvent(probeDone, dhcp, { key: 'k', data: { n: 1 } }), data: { n: 1, text: 'x'.repeat(1_100_000) } } as Event as Event<EventDefinition>;
  await assert.rejects(bus.publishEvent(big), { code: 'EVENT_INVALID' });
});

test('a type no stream takes is BUS_UNREACHABLE: the streams may come', async () => {
  await using bus = await readyBus(nats);
  const stray = { ...probeDone, type: 'stray.done' } as EventDefinition;
  await assert.rejects(bus.publish(stray, { key: 'k', data: { n: 1 } as never }), { code: 'BUS_UNREACHABLE', message: /no stream/ });
});

test('a tail sees it on its subject, with the trace in envelope and header; the envelope wins', async () => {
  await using bus = await readyBus(nats);
  const seen: Event[] = [];
  await using live = bus.tail('probe.done.rack1.>', (event) => { seen.push(event); });
  await live.whenLive();
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const raw = await connect({ servers: nats.url });
  const headersSeen: string[] = [];
  raw.subscribe('probe.done.rack1.k1', { callback: (_error, msg) => { headersSeen.push(msg.headers?.get('traceparent') ?? ''); } });
  await raw.flush();
  await bus.publish(probeDone, { key: 'k1', data: { n: 1 }, traceparent });
  await waitFor(() => seen.length === 1 && headersSeen.length === 1);
  assert.equal(seen[0]?.traceparent, traceparent);
  assert.deepEqual(headersSeen, [traceparent]);
  await raw.close();
});

test('a reaction names its cause and has the same id for every redelivery', async () => {
  const cause = makeEvent(probeDone, dhcp, { key: 'k', data: { n: 1 }, id: newEventId(), nodeid: 'n1', bootid: 'b1' }) as unknown as Event;
  const [one, two] = [react(cause, probeDone, { key: 'k', data: { n: 2 } }), react(cause, probeDone, { key: 'k', data: { n: 3 } })];
  assert.equal(one.id, two.id);
  assert.notEqual(one.id, react(cause, probeDone, { key: 'k', data: { n: 2 }, ordinal: 1 }).id);
  assert.deepEqual([one.causationid, one.correlationid, one.nodeid, one.bootid], [cause.id, cause.id, 'n1', 'b1']);
});

test('a lost connection rejects within 5 s, and works again after it', async () => {
  const own = await startNats();
  await using bus = await readyBus(own);
  await own.kill();
  const began = Date.now();
  await assert.rejects(bus.publish(probeDone, { key: 'k', data: { n: 1 } }), { code: 'BUS_UNREACHABLE' });
  assert.ok(Date.now() - began < 5000);
  await waitFor(() => !bus.ready().ready);
  await own.restart();
  await bus.whenReady();
  await waitFor(async () => {
    try {
      return (await bus.publish(probeDone, { key: 'k', data: { n: 2 } })).sequence === 1;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'BUS_UNREACHABLE');
      return false;
    }
  });
  await bus.close();
  await own.stop();
});

test('a server without JetStream is named, and not ready', async () => {
  await using plain = await startNats({ jetstream: false });
  await using bus = testBus(plain.url);
  await waitFor(() => bus.lines.some((line) => line.level === 'error' && line.fields['reason'] === 'BUS_TOO_OLD'));
  const ready = bus.ready();
  assert.ok(!ready.ready && /JetStream/.test(ready.why));
  await assert.rejects(bus.publish(probeDone, { key: 'k', data: { n: 1 } }), { code: 'BUS_TOO_OLD' });
});

test('a service that started before NATS works once it is there', async () => {
  const early = await startNats();
  await early.kill();
  await using bus = testBus(early.url);
  const handled: number[] = [];
  bus.consume({ durable: 'dhcp-early', definitions: [probeDone], handler: (event) => { handled.push(event.data.n); } });
  const view = bus.watch((await import('./test/support.ts')).probes);
  assert.equal(bus.ready().ready, false);
  await assert.rejects(bus.publish(probeDone, { key: 'k', data: { n: 1 } }), { code: 'BUS_UNREACHABLE' });
  await early.restart();
  await bus.whenReady();
  await ensureTopology(bus, topology);
  await bus.publish(probeDone, { key: 'k', data: { n: 1 } });
  await waitFor(() => handled.length === 1);
  await view.whenSynced();
  await bus.close();
  await early.stop();
});

test('the users of a NATS with passwords come with the URL', async () => {
  await using guarded = await startNats({ config: 'authorization { user: rack, password: "p@ss" }' });
  await using wrong = testBus(guarded.url);
  await waitFor(() => wrong.lines.some((line) => line.level === 'warn'));
  assert.equal(wrong.ready().ready, false);
  await using bus = testBus(guarded.url.replace('//', '//rack:p%40ss@'));
  await bus.whenReady();
  assert.ok(![...bus.lines, ...wrong.lines].some((line) => JSON.stringify(line).includes('p%40ss')));
});
