import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Backlog } from './backlog.ts';

test('first in, first out, the oldest goes when it is full', () => {
  const backlog = new Backlog<number>(3);
  assert.deepEqual([1, 2, 3, 4, 5].map((n) => backlog.push(n)), [undefined, undefined, undefined, 1, 2]);
  assert.deepEqual([backlog.shift(), backlog.shift(), backlog.shift(), backlog.shift()], [3, 4, 5, undefined]);
});

test('what is put in front keeps its order and drops the oldest', () => {
  const backlog = new Backlog<number>(3);
  backlog.push(3);
  backlog.push(4);
  assert.deepEqual(backlog.unshift([1, 2]), [1]);
  assert.deepEqual([backlog.shift(), backlog.length], [2, 2]);
});

test('a long run through keeps order', () => {
  const backlog = new Backlog<number>(10_000);
  for (let n = 0; n < 10_000; n++) backlog.push(n);
  for (let n = 0; n < 5000; n++) assert.equal(backlog.shift(), n);
  for (let n = 10_000; n < 15_000; n++) assert.equal(backlog.push(n), undefined);
  for (let n = 5000; n < 15_000; n++) assert.equal(backlog.shift(), n);
});
