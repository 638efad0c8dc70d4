import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionsOf, type Given } from './arguments.ts';
import { Dice, noFaults } from './dice.ts';
import { specOf } from './spec.ts';
import { formatSummary, summarize, timesOf, type Told } from './summary.ts';

const defaults = {
  machines: '10', seed: '1', 'dhcp-port': '67', 'tftp-port': '69', firmware: 'bios', files: 'get', until: 'check-in', spread: '0', within: '120', lost: '0', repeated: '0', 'power-lost': '0',
};

test('dice: the same seed and machine throw the same, another machine something else', () => {
  const throws = (seed: number, machine: number): number[] => { const dice = new Dice(seed, machine); return Array.from({ length: 8 }, () => dice.u32()); };
  assert.deepEqual(throws(7, 3), throws(7, 3));
  assert.notDeepEqual(throws(7, 3), throws(7, 4));
  assert.notDeepEqual(throws(7, 3), throws(8, 3));
});

test('dice: faults come about as often as asked for, and never where none are', () => {
  const dice = new Dice(1, 1, { lost: 0.1, repeated: 0.2, powerLost: 0.05 });
  const copies = Array.from({ length: 20_000 }, () => dice.copies());
  const share = (n: number): number => copies.filter((each) => each === n).length / copies.length;
  assert.ok(Math.abs(share(0) - 0.1) < 0.01 && Math.abs(share(2) - 0.2) < 0.01, `${share(0)} lost, ${share(2)} twice`);
  const sound = new Dice(1, 1, noFaults);
  assert.ok(Array.from({ length: 1_000 }, () => sound.copies() === 1 && !sound.losesPower()).every(Boolean));
});

test('specs: each machine has a MAC and a UUID of its own, both well-formed', () => {
  const specs = Array.from({ length: 5_000 }, (_, n) => specOf(7, n));
  assert.equal(new Set(specs.map(({ mac }) => mac)).size, specs.length);
  assert.equal(new Set(specs.map(({ uuid }) => uuid)).size, specs.length);
  for (const { mac, uuid } of specs) {
    assert.match(mac, /^02(:[0-9a-f]{2}){5}$/);
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  assert.deepEqual(specOf(7, 3), specOf(7, 3));
});

test('summary: who did not come is named, what was asked again is counted', () => {
  const told: Told[] = [
    { name: 'm0', reachedMs: { script: 100, 'checked-in': 300 }, diary: ['powered-on', 'retry dhcp', 'script', 'checked-in'] },
    { name: 'm1', reachedMs: { script: 200, 'checked-in': 400 }, diary: ['powered-on', 'reset', 'retry check-in 503', 'checked-in'] },
    { name: 'm2', reachedMs: {}, diary: ['powered-on', 'retry dhcp', 'retry dhcp', 'boot failed: no lease for firmware'] },
  ];
  const summary = summarize(told, { seed: 7, seconds: 2 });
  assert.deepEqual([summary.machines, summary.reached, summary.lostBoots, summary.powerCuts, summary.hadToRetry], [3, 2, 1, 1, 3]);
  assert.deepEqual(summary.retries, { dhcp: 3, 'check-in': 1 });
  assert.deepEqual(summary.times, { script: { p50: 100, p99: 200, most: 200 }, 'checked-in': { p50: 300, p99: 400, most: 400 } });
  assert.deepEqual(summary.whyLost, { 'no lease for firmware': 1 });
  assert.match(formatSummary(summary), /reached check-in +2 of 3.*boots lost +1: no lease for firmware 1\n.*m2: powered-on/s);
});

test('times of nobody are zeros; of a hundred the 50th and the 99th', () => {
  assert.deepEqual(timesOf([]), { p50: 0, p99: 0, most: 0 });
  assert.deepEqual(timesOf(Array.from({ length: 100 }, (_, n) => 100 - n)), { p50: 50, p99: 99, most: 100 });
});

test('arguments: a segment, or a relay with its server', () => {
  const on = (more: object): Given['on'] | string => { const given = optionsOf(() => ({ ...defaults, ...more })); return given.ok ? given.on : given.why; };
  assert.deepEqual(on({ interface: 'eth0' }), { how: 'segment', device: 'eth0' });
  assert.deepEqual(on({ relay: '10.0.0.2', server: '10.0.0.1', 'dhcp-port': '6767' }), { how: 'relay', relay: '10.0.0.2', server: '10.0.0.1', port: 6_767 });
  for (const wrong of [{}, { relay: '10.0.0.2' }, { interface: 'eth0', relay: '10.0.0.2', server: '10.0.0.1' }]) assert.match(String(on(wrong)), /say where the machines are/);
  assert.match(String(on({ relay: 'there', server: '10.0.0.1' })), /there is no IPv4 address/);
});

test('arguments: what is wrong is said with what is possible', () => {
  const why = (more: object): string => { const given = optionsOf(() => ({ ...defaults, interface: 'eth0', ...more })); return given.ok ? 'taken' : given.why; };
  assert.equal(why({}), 'taken');
  assert.equal(why({ machines: '0' }), '--machines is 0: give a number from 1 to 20000');
  assert.equal(why({ lost: 'many' }), '--lost is many: give a number from 0 to 1');
  assert.equal(why({ firmware: 'coreboot' }), '--firmware is coreboot: give one of bios, uefi, mixed');
  assert.equal(optionsOf(() => { throw new Error("Unknown option '--macines'"); }).ok, false);
});
