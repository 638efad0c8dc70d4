import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget } from './budget.ts';

const takeMany = (budget: Budget, count: number, at: number): number => Array.from({ length: count }, () => budget.take(at)).filter(Boolean).length;

test('a burst, then so many a second, never more than the burst', () => {
  const budget = new Budget({ burst: 100, perSecond: 10 });
  assert.deepEqual([takeMany(budget, 150, 1000), takeMany(budget, 150, 2000), takeMany(budget, 150, 2500), takeMany(budget, 150, 1e9)], [100, 10, 5, 100]);
  assert.deepEqual([budget.settle(), budget.settle()], [50 + 140 + 145 + 50, 0]);
});

test('calm once half of the burst is there again', () => {
  const budget = new Budget({ burst: 100, perSecond: 10 });
  takeMany(budget, 100, 0);
  assert.deepEqual([budget.calm, budget.take(4000), budget.calm, budget.take(6000), budget.calm], [false, true, false, true, true]);
});
