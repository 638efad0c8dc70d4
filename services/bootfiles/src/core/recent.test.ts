import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recent } from './recent.ts';

function recent() {
  const gone: string[] = [];
  return { gone, kept: new Recent<string>({ keepMs: 100, most: 3 }, (value) => gone.push(value)) };
}

test('a value is found until its time is over, and told gone once', () => {
  const { kept, gone } = recent();
  kept.keep('a', 'A', 1000);
  assert.deepEqual([kept.find('a', 1099), kept.find('a', 1100), kept.find('b', 1000)], ['A', undefined, undefined]);
  kept.sweep(1099);
  assert.deepEqual(gone, []);
  kept.sweep(1100);
  kept.sweep(1100);
  assert.deepEqual([gone, kept.size], [['A'], 0]);
});

test('a new value of the same name lives anew, and the old one is gone', () => {
  const { kept, gone } = recent();
  kept.keep('a', 'A', 0);
  kept.keep('b', 'B', 10);
  kept.keep('a', 'A2', 50);
  kept.sweep(110);
  assert.deepEqual([gone, kept.find('a', 149)], [['A', 'B'], 'A2']);
});

test('no more than allowed: the oldest goes first', () => {
  const { kept, gone } = recent();
  for (const [at, name] of ['a', 'b', 'c', 'd', 'e'].entries()) kept.keep(name, name, at);
  assert.deepEqual([gone, kept.size, kept.find('c', 5)], [['a', 'b'], 3, 'c']);
});
