/** Redelivery, restarts and polling: a machine is switched once for each request, and a change is told once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { powerRequested } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { startMachine, type Machine } from './testing/machine.ts';
import { startRack, type Rack } from './testing/rack.ts';

let rack: Rack;
let machine: Machine;
before(async () => {
  [rack, machine] = await Promise.all([startRack({ POWER_SOFT_SECONDS: '60' }), startMachine()]);
  await rack.configure('m1', { port: machine.port });
});
after(async () => { await rack[Symbol.asyncDispose](); await machine[Symbol.asyncDispose](); });

const count = (words: string[], word: string): number => words.filter((one) => one === word).length;
const observed = (node: string): string[] => rack.answers(node).filter((event) => event.type === 'power.observed').map((event) => (event.data as { state: string }).state);

test('the same request again, by another message: the machine is not cycled twice', async () => {
  await machine.set('on', true);
  await rack.switched('m1', { action: 'cycle', sequence: 5 });
  await rack.ask('m1', { action: 'cycle', sequence: 5 });
  await rack.ask('m1', { action: 'cycle', sequence: 4 });
  await rack.switched('m1', { action: 'status', sequence: 6 });
  assert.deepEqual(await machine.told(), ['off', 'on']);
});

test('NATS goes away while a machine is being cycled: the answer comes once it is back, and the machine was cycled once', async () => {
  const before = await machine.told();
  await machine.set('stuck', true);
  await rack.ask('m1', { action: 'cycle', sequence: 7 });
  await waitFor(async () => (await machine.told()).length > before.length, { what: 'the command off' });
  await rack.nats.kill();
  await machine.set('stuck', false);
  await waitFor(async () => count(await machine.told(), 'on') === count(before, 'on') + 1, { what: 'the command on' });
  await rack.nats.restart();
  assert.equal((await rack.answer('m1', 7, 30_000)).type, 'power.changed');
  await rack.switched('m1', { action: 'status', sequence: 8 }, 30_000);
  assert.equal(count(await machine.told(), 'on'), count(before, 'on') + 1);
  assert.equal(rack.answers('m1').filter((event) => (event.data as { sequence: number }).sequence === 7).length, 1);
});

test('Redis goes away while a machine is being cycled: the same', async () => {
  const before = await machine.told();
  await machine.set('stuck', true);
  await rack.ask('m1', { action: 'cycle', sequence: 9 });
  await waitFor(async () => (await machine.told()).length > before.length, { what: 'the command off' });
  await rack.redis.kill();
  await machine.set('stuck', false);
  await waitFor(async () => count(await machine.told(), 'on') === count(before, 'on') + 1, { what: 'the command on' });
  await rack.redis.restart();
  assert.equal((await rack.answer('m1', 9, 30_000)).type, 'power.changed');
  assert.equal(count(await machine.told(), 'on'), count(before, 'on') + 1);
});

test('the service stops during an orderly shutdown: at once, and the next one goes on with it', async () => {
  await machine.set('on', true);
  const { data } = await rack.ask('m1', { action: 'soft', sequence: 10 });
  await waitFor(async () => (await machine.told()).at(-1) === 'soft');
  const start = Date.now();
  await rack.stopService();
  assert.ok(Date.now() - start < 4000, 'it hung while stopping');
  await machine.set('acpi', true);
  await rack.restart();
  assert.equal((await rack.answer('m1', (data as { sequence: number }).sequence, 30_000)).type, 'power.changed');
  assert.equal(await machine.power(), 'off');
});

test('polling tells a change once, and a BMC that fails once', async () => {
  await rack.configure('m7', { port: machine.port });
  await rack.configure('m8', { port: machine.port, password: 'wrong' });
  await rack.restart({ POWER_POLL_SECONDS: '1' });
  await waitFor(() => observed('m7').length === 1 && observed('m8').length === 1);
  await machine.set('on', true);
  await waitFor(() => observed('m7').length === 2);
  const polls = async (): Promise<number> => (await rack.argvs()).split('\n').length;
  const before = await polls();
  await waitFor(async () => await polls() > before + 8, { timeoutMs: 20_000, what: 'more polls' });
  assert.deepEqual([observed('m7'), observed('m8')], [['off', 'on'], ['error']]);
});

test('an event of a type nobody of ours sent is not acted on', async () => {
  const before = await machine.told();
  await assert.rejects(rack.lifecycle.publish(powerRequested, { key: 'm1', data: { action: 'explode' } as never }), { code: 'EVENT_INVALID' });
  assert.deepEqual(await machine.told(), before);
});
