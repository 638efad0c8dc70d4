/** Replicas that know each other by the bucket alone, on a real NATS; their clocks stand still until a test moves them. */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { ensureTopology, openBus, type Bus } from '@ironbus/bus';
import { dhcpServersBucket, type DhcpServer, type ServedNetwork } from '@ironbus/contracts';
import { simulatedClock, startNats, waitFor } from '@ironbus/testkit';
import { address } from '../testing/samples.ts';
import { ServerStatus } from './server-status.ts';
import { makeSelf, Siblings } from './siblings.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
before(async () => { nats = await startNats(); });
after(() => nats.stop());

type Line = { level: string; message: string; reason: unknown };
const served = (serverAddress: string, changes: Partial<ServedNetwork> = {}): ServedNetwork => ({ network: 'lan1', serverAddress: address(serverAddress), state: 'authoritative', why: null, others: [], ...changes });

function rememberingLog() {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, message: string): void => { lines.push({ level, message, reason: (fields as { reason?: unknown }).reason }); };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** One replica; `advance` moves its clock, `die` leaves everything as it is. */
async function replica(t: TestContext, instance: string, networks: ServedNetwork[], { rack = 'rack1', own = true }: { rack?: string; own?: boolean } = {}) {
  const log = rememberingLog();
  const bus: Bus = openBus({ servers: nats.url, origin: { service: 'dhcp', rack, instance }, log });
  await ensureTopology(bus, { catalog: [], buckets: [dhcpServersBucket] });
  const clock = simulatedClock();
  const nowMs = (): number => clock.now().getTime();
  const reading = { storeReady: true, networks };
  const self = makeSelf({ rack, instance }, clock.now());
  const siblings = new Siblings({ bus, log, self, own: () => own ? reading.networks : [], nowMs });
  const status = new ServerStatus({ bus, log, self, siblings, read: () => reading, nowMs, clock });
  await waitFor(() => siblings.heard());
  status.start();
  await waitFor(async () => (await bus.kv(dhcpServersBucket).get(self.key))?.value.start === self.start, { what: `the entry of ${instance}` });
  let dead = false;
  const die = async (): Promise<void> => { dead = true; await bus.close(); };
  t.after(async () => { if (!dead) { await status.stop(); await bus.close(); } });
  return { bus, clock, self, siblings, status, log, reading, die };
}
const clear = async (t: TestContext): Promise<void> => {
  const bus = openBus({ servers: nats.url, origin: { service: 'dhcp', rack: 'rack1', instance: 'clear' }, log: rememberingLog() });
  await ensureTopology(bus, { catalog: [], buckets: [dhcpServersBucket] });
  for (const key of await bus.kv(dhcpServersBucket).keys()) await bus.kv(dhcpServersBucket).delete(key);
  t.after(() => bus.close());
};
const live = (siblings: Siblings, network = 'lan1'): string[] => siblings.of(network).filter((one) => one.live).map((one) => `${one.instance} ${one.serverAddress} ${one.state} ${one.storeReady}`);
const sees = (siblings: Siblings, ...expected: string[]) => waitFor(() => live(siblings).join() === expected.join(), { what: `${expected.join()} to be seen` });

test('two replicas see each other, and a change at once', async (t) => {
  await clear(t);
  const a = await replica(t, 'a', [served('10.77.0.2')]);
  const b = await replica(t, 'b', [served('10.77.0.3'), served('10.78.0.3', { network: 'lan2', state: 'no-device' })]);
  await sees(a.siblings, 'b 10.77.0.3 authoritative true');
  await a.clock.advance(5_000);
  await sees(b.siblings, 'a 10.77.0.2 authoritative true');
  assert.deepEqual(a.siblings.of('lan2'), [], 'where it has no address it is no server');
  assert.deepEqual([...a.siblings.ourAddresses()].sort(), ['10.77.0.2', '10.77.0.3']);
  assert.deepEqual([a.siblings.isOurs('10.77.0.3'), a.siblings.isOurs('10.78.0.3'), a.siblings.isServedBesides('lan1'), a.siblings.isServedBesides('lan2')], [true, false, true, false]);
  b.reading.storeReady = false;
  b.reading.networks = [served('10.77.0.3', { state: 'refused', why: 'x'.repeat(900) })];
  b.status.changed();
  await sees(a.siblings, 'b 10.77.0.3 refused false');
  assert.deepEqual(a.siblings.ready(), { ready: true });
});

test('a killed replica is dead after 15 s of our own clock, known as ours, and alive when it is back', async (t) => {
  await clear(t);
  const a = await replica(t, 'a', [served('10.77.0.2')]);
  const b = await replica(t, 'b', [served('10.77.0.3')]);
  await sees(a.siblings, 'b 10.77.0.3 authoritative true');
  await b.die();
  await a.clock.advance(15_000);
  assert.deepEqual([live(a.siblings).length, a.siblings.isStale('b')], [1, false]);
  await a.clock.advance(1);
  assert.deepEqual([live(a.siblings), a.siblings.isStale('b'), a.siblings.isOurs('10.77.0.3')], [[], true, true]);
  assert.deepEqual(a.siblings.of('lan1').map((one) => one.live), [false], 'a REQUEST that names it is known for what it is');
  const again = await replica(t, 'b', [served('10.77.0.3')]);
  await sees(a.siblings, 'b 10.77.0.3 authoritative true');
  assert.equal(a.siblings.of('lan1').length, 1, 'two starts at one address are one replica');
  assert.deepEqual(again.siblings.ready(), { ready: true }, 'its predecessor is no twin');
  assert.ok(again.siblings.entries().some((entry) => entry.start === b.self.start), 'what its predecessor served is still known');
});

test('an entry in the first copy is not alive before it is renewed', async (t) => {
  await clear(t);
  const a = await replica(t, 'a', [served('10.77.0.2')]);
  const b = await replica(t, 'b', [served('10.77.0.3')]);
  assert.deepEqual([live(b.siblings), b.siblings.isOurs('10.77.0.2')], [[], true]);
  await a.clock.advance(5_000);
  await sees(b.siblings, 'a 10.77.0.2 authoritative true');
});

test('an orderly stop is known at once; the last one leaves its entry for its next start', async (t) => {
  await clear(t);
  const a = await replica(t, 'a', [served('10.77.0.2')]);
  const b = await replica(t, 'b', [served('10.77.0.3')]);
  await a.clock.advance(5_000);
  await sees(b.siblings, 'a 10.77.0.2 authoritative true');
  await b.status.stop();
  await sees(a.siblings);
  assert.equal(a.siblings.isOurs('10.77.0.3'), true);
  assert.deepEqual(await a.bus.kv(dhcpServersBucket).keys(), ['rack1.a']);
  await a.status.stop();
  assert.deepEqual(await a.bus.kv(dhcpServersBucket).keys(), ['rack1.a']);
});

test('two processes of one name say so, and are siblings all the same', async (t) => {
  await clear(t);
  const a = await replica(t, 'box', [served('10.77.0.2')]);
  const twin = await replica(t, 'box', [served('10.77.0.3')]);
  await sees(a.siblings, 'box 10.77.0.3 authoritative true');
  await a.clock.advance(5_000);
  await sees(twin.siblings, 'box 10.77.0.2 authoritative true');
  for (const one of [a, twin]) {
    one.siblings.check();
    one.siblings.check();
    const said = one.log.lines.filter((line) => line.level === 'error');
    assert.deepEqual(said.map((line) => line.reason), ['another process calls itself box in rack rack1: give each replica an INSTANCE_ID of its own']);
    assert.deepEqual(one.siblings.ready(), { ready: false, why: said[0]?.reason });
  }
  const startThere = async (): Promise<string | undefined> => (await twin.bus.kv(dhcpServersBucket).get('rack1.box'))?.value.start;
  await twin.clock.advance(5_000);
  await waitFor(async () => await startThere() === twin.self.start);
  await a.status.stop();
  assert.equal(await startThere(), twin.self.start, 'an orderly stop takes away what is its own');
  await twin.clock.advance(15_001);
  assert.deepEqual(twin.siblings.ready(), { ready: true });
});

test('two replicas of one address say so, once it lasts', async (t) => {
  await clear(t);
  const a = await replica(t, 'a', [served('10.77.0.2')]);
  await replica(t, 'b', [served('10.77.0.2')]);
  await sees(a.siblings, 'b 10.77.0.2 authoritative true');
  assert.deepEqual(a.siblings.ready(), { ready: true });
  await a.clock.advance(6_000);
  assert.deepEqual(a.siblings.ready(), { ready: false, why: 'replica b says that it answers with our address 10.77.0.2 on network lan1 too: give each host an address of its own there' });
});

test('another rack’s servers are no strangers and no siblings', async (t) => {
  await clear(t);
  const a = await replica(t, 'a', [served('10.77.0.2')]);
  await replica(t, 'far', [served('10.77.0.9')], { rack: 'rack2' });
  await waitFor(() => a.siblings.isOurs('10.77.0.9'));
  assert.deepEqual([a.siblings.of('lan1'), a.siblings.entries()], [[], []]);
});

test('any instance id makes a key, and two of them never the same', async (t) => {
  await clear(t);
  const keys = ['Rack.Local', 'rack.local', 'rack-local', 'RACK.LOCAL', '.', 'a..b'].map((instance) => makeSelf({ rack: 'rack1', instance }, new Date()).key);
  assert.equal(new Set(keys).size, keys.length);
  const one = await replica(t, 'Rack.Local', [served('10.77.0.2')]);
  assert.match(one.self.key, /^rack1\.rack-local-[0-9a-f]{8}$/);
});

test('NATS away: nothing piles up, and it is told again when NATS is back', async (t) => {
  await clear(t);
  const a = await replica(t, 'a', [served('10.77.0.2')]);
  const b = await replica(t, 'b', [served('10.77.0.3')]);
  await sees(a.siblings, 'b 10.77.0.3 authoritative true');
  await nats.kill();
  await waitFor(() => !b.bus.ready().ready);
  for (let n = 0; n < 20; n += 1) { b.status.changed(); await b.clock.advance(5_000); }
  assert.equal(b.status.isHeard(), false);
  assert.deepEqual(b.log.lines.filter((line) => line.message === 'the state of this replica could not be told').map((line) => line.level).slice(0, 2), ['warn', 'debug']);
  await a.clock.advance(100_000);
  assert.deepEqual([live(a.siblings), a.siblings.isOurs('10.77.0.3')], [[], true], 'silent, yet no stranger');
  await nats.restart();
  await waitFor(async () => { await b.clock.advance(1_000); return b.status.isHeard(); }, { what: 'b to be told of again', timeoutMs: 20_000 });
  await sees(a.siblings, 'b 10.77.0.3 authoritative true');
});

test('the entry of a host that is gone for an hour is removed by those that heard everything', async (t) => {
  await clear(t);
  const a = await replica(t, 'a', [served('10.77.0.2')]);
  const gone = await replica(t, 'gone', [served('10.77.0.3')]);
  await sees(a.siblings, 'gone 10.77.0.3 authoritative true');
  await gone.die();
  const told: string[] = [];
  const view = a.bus.watch(dhcpServersBucket, { onChange: (key, value: DhcpServer | undefined) => { if (key === 'rack1.a' && value !== undefined) told.push(value.at); } });
  t.after(() => view.stop());
  const pass = async (ms: number): Promise<void> => {
    const before = told.length;
    await a.clock.advance(ms);
    await waitFor(() => told.length > before, { what: 'our own entry to come back' });
  };
  await view.whenSynced();
  await pass(3_590_000);
  // A minute lies between two removals, counted from the end of a write: some passes more than the twelve of a minute.
  for (let n = 0; n < 24; n += 1) await pass(5_000);
  await waitFor(async () => (await a.bus.kv(dhcpServersBucket).keys()).join() === 'rack1.a', { what: 'the entry to be removed' });
  assert.equal(a.log.lines.filter((line) => line.message === 'a dhcp replica is gone for an hour, its entry is removed').length, 1);
});
