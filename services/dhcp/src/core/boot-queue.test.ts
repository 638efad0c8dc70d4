import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac } from '@ironbus/contracts';
import { MessageType } from '@ironbus/wire';
import { BootQueue, mayWait, type Beginner, type FirstQuestion, type QueueLimits } from './boot-queue.ts';

const limits: QueueLimits = { burst: 3, perTurn: 2, busyMs: 100, patienceMs: 28_000, forgetMs: 36_000, most: 5 };
const stranger = (n: number): Beginner => ({ mac: `02:00:00:00:00:${n.toString(16).padStart(2, '0')}` as Mac, known: false });
const known = (n: number): Beginner => ({ ...stranger(n), known: true });
const queueOf = (machines: number, nowMs = 0): BootQueue<number> => {
  const queue = new BootQueue<number>(limits);
  for (let n = 0; n < machines; n += 1) queue.begins(stranger(n), n, nowMs);
  return queue;
};

test('a burst begins at once, the others in their turn, in their order', () => {
  const queue = new BootQueue<number>(limits);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((n) => queue.begins(stranger(n), n, 0)), [true, true, true, false, false, false]);
  assert.deepEqual([queue.turn(20, 0), queue.turn(40, 0), queue.turn(60, 0)], [[3, 4], [5], []]);
});

test('while the process is late nobody begins, but who waited for long', () => {
  const queue = queueOf(6);
  assert.deepEqual(queue.turn(200, 180), []);
  assert.equal(queue.begins(stranger(9), 9, 20_000), false);
  for (const n of [3, 4, 5]) queue.begins(stranger(n), n, 20_000);
  assert.deepEqual([queue.turn(28_000, 180), queue.turn(28_200, 180), queue.turn(28_400, 180)], [[3, 4], [5], []]);
  assert.deepEqual(queue.turn(28_420, 0), [9]);
});

test('nobody overtakes those who wait, also where the burst is full again', () => {
  const queue = queueOf(4);
  for (const at of [20, 40, 60]) queue.turn(at, 0);
  assert.equal(queue.rests, true);
  for (const n of [10, 11, 12, 13]) queue.begins(stranger(n), n, 100);
  assert.equal(queue.begins(stranger(14), 14, 110), false);
  assert.deepEqual(queue.turn(120, 0), [13, 14]);
});

test('a machine that asks again keeps its place, with what it asked last', () => {
  const queue = queueOf(5);
  queue.begins(stranger(3), 33, 4_000);
  assert.deepEqual([queue.waiting, queue.turn(4_020, 0)], [2, [33, 4]]);
});

test('who was not heard of for long has given up; more than so many are not kept', () => {
  const queue = queueOf(20);
  assert.equal(queue.waiting, limits.most);
  queue.begins(stranger(5), 5, 30_000);
  assert.deepEqual([queue.turn(36_001, 0), queue.waiting], [[5], 0]);
});

test('known machines do not wait for strangers', () => {
  const queue = queueOf(7);
  queue.begins(known(20), 20, 10);
  assert.deepEqual([queue.turn(20, 0), queue.turn(40, 0)], [[20, 3], [4, 5]]);
  const rested = queueOf(2);
  for (const n of [30, 31, 32]) rested.begins(known(n), n, 10);
  assert.equal(rested.waiting, 2);
});

const first: FirstQuestion = { type: MessageType.discover, client: { stage: 'firmware', kind: 'pxe-uefi-x64' }, mode: 'authoritative', siblings: 0 };
const questions: readonly [string, Partial<FirstQuestion>, boolean][] = [
  ['firmware’s DISCOVER', {}, true],
  ['firmware that boots by HTTP', { client: { stage: 'firmware', kind: 'http-uefi-x64' } }, true],
  ['its REQUEST: it waits for one answer only', { type: MessageType.request }, false],
  ['no DHCP message', { type: undefined }, false],
  ['iPXE, which asks for seconds', { client: { stage: 'ipxe', kind: 'ipxe' } }, false],
  ['an operating system', { client: { stage: 'os', kind: 'plain' } }, false],
  ['a Mac, which asks for seconds', { client: { stage: 'firmware', kind: 'bsdp' } }, false],
  ['beside another DHCP server', { mode: 'proxy' }, false],
  ['a network that a sibling answers too', { siblings: 1 }, false],
];
for (const [what, change, expected] of questions) {
  test(`may wait for its turn: ${what}: ${expected}`, () => { assert.equal(mayWait({ ...first, ...change }), expected); });
}
