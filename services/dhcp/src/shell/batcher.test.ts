import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batcher } from './batcher.ts';

/** A batcher whose calls are answered by hand. */
function byHand(limits: { most: number; lanes: number }) {
  const calls: { questions: readonly number[]; answer: (answers?: readonly number[]) => void; fail: (error: Error) => void }[] = [];
  const batcher = new Batcher<number, number>((questions) => new Promise((resolve, reject) => {
    calls.push({ questions, answer: (answers = questions.map((n) => n * 10)) => resolve(answers), fail: reject });
  }), limits);
  const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
  return { calls, batcher, turn };
}

test('one turn goes together, later questions wait for a free lane, and nothing exceeds the most', async () => {
  const { calls, batcher, turn } = byHand({ most: 3, lanes: 1 });
  const first = [1, 2].map((n) => batcher.ask(n));
  await turn();
  const later = [3, 4, 5, 6].map((n) => batcher.ask(n));
  await turn();
  assert.deepEqual(calls.map(({ questions }) => questions), [[1, 2]]);
  calls[0]?.answer();
  assert.deepEqual(await Promise.all(first), [10, 20]);
  await turn();
  assert.deepEqual(calls[1]?.questions, [3, 4, 5]);
  calls[1]?.answer();
  await Promise.all(later.slice(0, 3));
  await turn();
  calls[2]?.answer();
  assert.deepEqual(await Promise.all(later), [30, 40, 50, 60]);
});

test('a failure reaches every question of its call and no other', async () => {
  const { calls, batcher, turn } = byHand({ most: 2, lanes: 2 });
  const asked = [1, 2, 3].map((n) => batcher.ask(n).catch((error: Error) => error.message));
  await turn();
  calls[0]?.fail(new Error('away'));
  calls[1]?.answer();
  assert.deepEqual(await Promise.all(asked), ['away', 'away', 30]);
});

test('a call that answers too little fails its questions', async () => {
  const { calls, batcher, turn } = byHand({ most: 2, lanes: 1 });
  const asked = Promise.allSettled([batcher.ask(1), batcher.ask(2)]);
  await turn();
  calls[0]?.answer([10]);
  assert.deepEqual((await asked).map(({ status }) => status), ['rejected', 'rejected']);
});
