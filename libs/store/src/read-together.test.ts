import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTogether } from './read-together.ts';

test('what is asked for in one turn is one command, in hundreds; each gets its own', async () => {
  const sizes: number[] = [];
  const fieldsOf = readTogether(async (keys) => {
    sizes.push(keys.length);
    return keys.flatMap((key) => key === 'none' ? [null, null] : ['1', JSON.stringify(key)]);
  });
  const keys = Array.from({ length: 150 }, (_, n) => n === 120 ? 'none' : `k${n}`);
  const found = await Promise.all(keys.map((key) => fieldsOf(key)));
  assert.deepEqual(found.map(([, json]) => json), keys.map((key) => key === 'none' ? null : JSON.stringify(key)));
  assert.deepEqual(await fieldsOf('later'), ['1', '"later"']);
  assert.deepEqual(sizes, [100, 50, 1]);
});

test('what fails, fails for all that asked with it, and for nobody after them', async () => {
  let fails = true;
  const fieldsOf = readTogether(async () => { if (fails) throw new Error('away'); return ['1', '{}']; });
  const settled = await Promise.allSettled([fieldsOf('a'), fieldsOf('b')]);
  assert.deepEqual(settled.map(({ status }) => status), ['rejected', 'rejected']);
  fails = false;
  assert.deepEqual(await fieldsOf('a'), ['1', '{}']);
});
