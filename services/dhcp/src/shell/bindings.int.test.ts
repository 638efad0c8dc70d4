/** Bindings over a real NATS: written once per change, agreed on by two replicas, written later where NATS was away. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ensureTopology, openBus, type Bus } from '@ironbus/bus';
import { bindingsBucket, buckets, catalog, type Ipv4, type Mac, type NodeId } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { startNats, waitFor } from '@ironbus/testkit';
import { Bindings } from './bindings.ts';

const log = createLogger({ svc: 'dhcp', level: 'silent' });
const mac = '52:54:00:77:00:01' as Mac;
const address = '10.77.0.100' as Ipv4;
const held = { mac, address, network: 'lan1', node: null };

async function openReplicas(t: TestContext, count: number) {
  const nats = await startNats();
  const buses = Array.from({ length: count }, (_, n) => openBus({ servers: nats.url, origin: { service: 'dhcp', rack: 'rack1', instance: `r${n}` }, log }));
  const bindings = await Promise.all(buses.map(async (bus: Bus) => {
    await ensureTopology(bus, { catalog, buckets });
    return new Bindings(bus, log);
  }));
  t.after(async () => {
    for (const one of bindings) one.stop();
    await Promise.all(buses.map((bus) => bus.close()));
    await nats.stop();
  });
  const [bus] = buses;
  assert.ok(bus !== undefined);
  return { nats, bindings, read: async () => (await bus.kv(bindingsBucket).get(`rack1.${address}`))?.value };
}

test('a binding is written when address, boot, stage or node changed, and not otherwise', async (t) => {
  const { bindings: [one], read } = await openReplicas(t, 1);
  assert.ok(one !== undefined);
  const { bootId } = one.note({ mac, stage: 'firmware', atMs: 1_000, extending: false });
  assert.deepEqual([await one.ensure(held), await one.ensure(held)], ['written', 'unchanged']);
  assert.equal(one.note({ mac, stage: 'os', atMs: 9_000, extending: false }).bootId, bootId);
  assert.deepEqual([await one.ensure(held), (await read())?.stage, (await read())?.bootId], ['written', 'os', bootId]);
  assert.equal(await one.ensure({ ...held, node: 'k7x2mp' as NodeId }), 'written');
  assert.notEqual(one.note({ mac, stage: 'firmware', atMs: 12_000, extending: false }).bootId, bootId);
  await one.drop(mac, address);
  await waitFor(async () => await read() === undefined, { what: 'the binding to be gone' });
});

test('two replicas that hear one boot at the same time agree on its id', async (t) => {
  const { bindings, read } = await openReplicas(t, 2);
  for (const one of bindings) one.note({ mac, stage: 'firmware', atMs: 1_000, extending: false });
  assert.deepEqual(await Promise.all(bindings.map((one) => one.ensure(held))), ['written', 'written']);
  const agreed = (await read())?.bootId;
  await waitFor(() => bindings.every((one) => one.bootIdOf(mac) === agreed), { what: 'one boot id' });
});

test('what a sibling wrote of a boot does not make it one that began elsewhere', async (t) => {
  const { bindings: [one, two], read } = await openReplicas(t, 2);
  assert.ok(one !== undefined && two !== undefined);
  one.note({ mac, stage: 'firmware', atMs: 1_000, extending: false });
  await one.ensure(held);
  await waitFor(() => two.bootIdOf(mac) === one.bootIdOf(mac), { what: 'the boot at the sibling' });
  one.note({ mac, stage: 'os', atMs: 2_000, extending: false });
  two.note({ mac, stage: 'os', atMs: 3_000, extending: false });
  await two.ensure(held);
  assert.equal((await read())?.stage, 'os');
  await waitFor(async () => await one.ensure(held) === 'unchanged', { what: 'the sibling’s word' });
  assert.deepEqual([one.boots(mac), two.boots(mac)], [true, true]);
});

test('with NATS away the answer does not wait, and the binding is written once it is back', async (t) => {
  const { nats, bindings: [one], read } = await openReplicas(t, 1);
  assert.ok(one !== undefined);
  await nats.kill();
  const { bootId } = one.note({ mac, stage: 'ipxe', atMs: 1_000, extending: false });
  assert.equal(await one.ensure(held), 'later');
  await nats.restart();
  await waitFor(async () => (await read())?.bootId === bootId, { what: 'the binding', timeoutMs: 20_000 });
});
