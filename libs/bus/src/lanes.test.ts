import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Lanes, Slots } from './lanes.ts';

test('one key in order, even behind one that fails; keys side by side', async () => {
  const lanes = new Lanes();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lanes.run(['a'], async () => { await gate.promise; seen.push('a1'); throw new Error('a1 failed'); });
  const second = lanes.run(['a'], async () => { seen.push('a2'); });
  await lanes.run(['b'], async () => { seen.push('b1'); });
  assert.deepEqual(seen, ['b1']);
  gate.resolve();
  await assert.rejects(first, /a1 failed/);
  await second;
  assert.deepEqual(seen, ['b1', 'a1', 'a2']);
  await lanes.idle();
  assert.equal(lanes.size, 0);
});

test('several keys: behind all of them; alone: behind everything, and before everything that comes later', async () => {
  const lanes = new Lanes();
  const seen: string[] = [];
  const gates: Record<string, PromiseWithResolvers<void>> = {};
  const work = (name: string) => async (): Promise<void> => {
    seen.push(`${name} begins`);
    const gate = gates[name] = Promise.withResolvers<void>();
    await gate.promise;
    seen.push(`${name} ends`);
  };
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const all = [lanes.run(['a', 'x'], work('a')), lanes.run(['b'], work('b')), lanes.run(['x', 'b'], work('both')), lanes.run('alone', work('alone')), lanes.run(['c'], work('c'))];
  for (const name of ['a', 'b', 'both', 'alone', 'c']) {
    await settle();
    gates[name]?.resolve();
  }
  await Promise.all(all);
  assert.deepEqual(seen, ['a begins', 'b begins', 'a ends', 'b ends', 'both begins', 'both ends', 'alone begins', 'alone ends', 'c begins', 'c ends']);
  await lanes.idle();
  assert.equal(lanes.size, 0);
});

test('slots: never more at a time than the limit, in order of asking', async () => {
  const slots = new Slots(2);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(Array.from({ length: 7 }, (_, n) => slots.use(async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(n);
    running--;
  })));
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6]);
});
