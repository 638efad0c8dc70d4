/** The service with real ipmitool against openipmi's ipmi_sim, on real NATS and Redis. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Event } from '@ironbus/contracts';
import { generateRackKey } from '@ironbus/runtime';
import { waitFor } from '@ironbus/testkit';
import { openSilentPort, password, startMachine, type Machine } from './testing/machine.ts';
import { startRack, type Rack } from './testing/rack.ts';

let rack: Rack;
let machine: Machine;
before(async () => {
  [rack, machine] = await Promise.all([startRack(), startMachine()]);
  await rack.configure('m1', { port: machine.port });
});
after(async () => { await rack[Symbol.asyncDispose](); await machine[Symbol.asyncDispose](); });

const dataOf = (event: Event): Record<string, unknown> => { const { seconds: _, message: __, ...rest } = event.data as Record<string, unknown>; return rest; };
/** What the machine was told during `task`. */
async function during(task: () => Promise<unknown>): Promise<string[]> {
  const before = (await machine.told()).length;
  await task();
  return (await machine.told()).slice(before);
}

test('on, status, cycle, off: each is done, read back, and answered once', async () => {
  const on = await rack.switched('m1', { action: 'on' });
  assert.deepEqual([on.type, dataOf(on), await machine.power()], ['power.changed', { sequence: 1, action: 'on', state: 'on', previous: 'off', bootDeviceVerified: null }, 'on']);
  assert.deepEqual([on.nodeid, on.source.startsWith('/racks/rack1/power/')], ['m1', true]);
  const status = await rack.switched('m1', { action: 'status' });
  assert.deepEqual([status.type, dataOf(status)], ['power.observed', { sequence: 2, action: 'status', state: 'on' }]);
  const told = await during(async () => {
    const cycled = await rack.switched('m1', { action: 'cycle', bootDevice: 'network', firmware: 'uefi' });
    assert.deepEqual(dataOf(cycled), { sequence: 3, action: 'cycle', state: 'on', previous: 'on', bootDeviceVerified: false });
  });
  assert.deepEqual(told, ['off', 'boot-pxe', 'on']);
  const off = await rack.switched('m1', { action: 'off' });
  assert.deepEqual([dataOf(off)['state'], await machine.power()], ['off', 'off']);
  assert.deepEqual(await during(() => rack.switched('m1', { action: 'off' })), []);
  assert.deepEqual(await during(() => rack.switched('m1', { action: 'cycle' })), ['on']);
});

test('soft: an operating system that listens is not switched off, one that does not is', async () => {
  await machine.set('on', true);
  await machine.set('acpi', true);
  assert.deepEqual(await during(() => rack.switched('m1', { action: 'soft' })), ['soft']);
  await machine.set('on', true);
  await machine.set('acpi', false);
  const told = await during(async () => assert.equal(dataOf(await rack.switched('m1', { action: 'soft' }))['state'], 'off'));
  assert.deepEqual(told, ['soft', 'off']);
});

test('a command that the BMC dropped is sent a second time', async () => {
  await machine.set('on', false);
  await machine.set('deaf', true);
  const told = await during(async () => assert.equal((await rack.switched('m1', { action: 'on' })).type, 'power.changed'));
  assert.deepEqual(told, ['on', 'on']);
});

test('a machine that does not obey: power-not-confirmed', async () => {
  await machine.set('stuck', true);
  const failed = await rack.switched('m1', { action: 'off' });
  await machine.set('stuck', false);
  assert.deepEqual([failed.type, dataOf(failed)['reason'], dataOf(failed)['final']], ['power.failed', 'power-not-confirmed', true]);
});

test('a wrong password is told from a BMC that is away, and at once', async () => {
  await rack.configure('m2', { port: machine.port, password: 'wrong' });
  await rack.configure('m3', { port: machine.port, username: 'nobody' });
  const start = Date.now();
  for (const node of ['m2', 'm3']) assert.equal(dataOf(await rack.switched(node, { action: 'on' }))['reason'], 'power-bmc-auth');
  assert.ok(Date.now() - start < 3000);
});

test('a BMC that is away is tried as often as configured, others meanwhile are served, and the password is nowhere in /proc', async () => {
  const silent = await openSilentPort();
  await rack.configure('m4', { port: silent.port });
  const { data } = await rack.ask('m4', { action: 'on' });
  const seen: string[] = [];
  const started = await waitFor(async () => { seen.push(...await commandLines()); return seen.find((line) => line.includes(`-p ${silent.port}`)); });
  assert.doesNotMatch(started, new RegExp(password));
  assert.equal((await rack.switched('m1', { action: 'status' })).type, 'power.observed');
  assert.deepEqual(rack.answers('m4'), []);
  const failed = await rack.answer('m4', (data as { sequence: number }).sequence, 30_000);
  await silent.close();
  assert.equal(dataOf(failed)['reason'], 'power-bmc-unreachable');
  const argvs = await rack.argvs();
  assert.equal(argvs.split('\n').filter((line) => line.includes(`-p ${silent.port} `)).length, 2);
  assert.equal([argvs, ...seen].some((line) => line.includes(password)), false);
});

async function commandLines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return read.filter((line) => line.includes('ipmitool')).map((line) => line.replaceAll('\0', ' '));
}

test('no parameters, parameters of another rack key, no ipmitool: each says so', async () => {
  assert.equal(dataOf(await rack.switched('m5', { action: 'on' }))['reason'], 'power-not-configured');
  await rack.configure('m5', { port: machine.port }, generateRackKey().publicKey);
  assert.equal(dataOf(await rack.switched('m5', { action: 'on' }))['reason'], 'power-seal-unreadable');
  await rack.restart({ POWER_IPMITOOL: '/nonexistent/ipmitool' });
  const failed = await rack.switched('m1', { action: 'status' });
  assert.equal(dataOf(failed)['reason'], 'power-tool-missing');
  assert.match((failed.data as { message: string }).message, /apt-get install ipmitool/);
  await rack.restart();
});

test('requests of another rack and of machines switched by hand are left alone', async () => {
  const told = await during(async () => {
    await rack.ask('m1', { action: 'cycle', rack: 'rack2' });
    await rack.ask('m1', { action: 'cycle', type: 'manual' });
    await rack.switched('m1', { action: 'status' });
  });
  assert.deepEqual(told, []);
});

test('a request comes on only after the boot policy it names', async () => {
  await machine.set('on', false);
  const revision = await rack.putPolicy('m1') + 1;
  const { data } = await rack.ask('m1', { action: 'on', policyRevision: revision });
  await rack.configure('m6', { port: machine.port });
  await rack.switched('m6', { action: 'status' });
  assert.equal(await machine.power(), 'off');
  assert.equal(await rack.putPolicy('m1'), revision);
  assert.equal((await rack.answer('m1', (data as { sequence: number }).sequence)).type, 'power.changed');
  assert.equal(await machine.power(), 'on');
});

test('a boot policy that comes later than the rack waits for it fails nothing: the request is tried again', async () => {
  await rack.restart({ POWER_POLICY_SECONDS: '0s' });
  await machine.set('on', false);
  const revision = await rack.putPolicy('m1') + 1;
  const { data } = await rack.ask('m1', { action: 'on', policyRevision: revision });
  const { sequence } = data as { sequence: number };
  for (const _ of [1, 2, 3]) await rack.switched('m6', { action: 'status' });
  assert.equal(rack.answers('m1').some((event) => (event.data as { sequence: number }).sequence === sequence), false);
  await rack.putPolicy('m1');
  assert.deepEqual([(await rack.answer('m1', sequence)).type, await machine.power()], ['power.changed', 'on']);
  await rack.restart();
});

test('a newer request supersedes one that waits, and the machine sees the newer one only', async () => {
  await machine.set('on', true);
  const told = await during(async () => {
    const { data } = await rack.ask('m1', { action: 'cycle', policyRevision: 1_000_000 });
    const newer = await rack.switched('m1', { action: 'off' });
    assert.equal(newer.type, 'power.changed');
    assert.equal(dataOf(await rack.answer('m1', (data as { sequence: number }).sequence))['reason'], 'power-superseded');
  });
  assert.deepEqual(told, ['off']);
});
