import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedClock } from './simulated-clock.ts';
import { waitFor } from './wait-for.ts';

test('timers run in the order they fall due, also those that a timer or a promise sets up', async () => {
  const clock = simulatedClock();
  const ran: string[] = [];
  const note = (name: string) => () => { ran.push(`${name}@${clock.now().getTime() % 100_000}`); };
  clock.setTimeout(30, note('c'));
  clock.setTimeout(10, () => { note('a')(); void Promise.resolve().then(() => clock.setTimeout(10, note('b'))); });
  const cancel = clock.setTimeout(15, note('never'));
  clock.setTimeout(99, note('later'));
  cancel();
  await clock.advance(50);
  assert.deepEqual(ran, ['a@10', 'b@20', 'c@30']);
  assert.deepEqual([clock.pending(), clock.now().toISOString()], [1, '2026-01-01T00:00:00.050Z']);
});

test('waitFor gives the first value that is something, and says what it waited for', async () => {
  const values = [undefined, null, false, 0];
  assert.equal(await waitFor(() => values.shift()), 0);
  await assert.rejects(waitFor(() => { throw new Error('not yet'); }, { timeoutMs: 20, what: 'the moon' }), (error: Error) =>
    error.message === 'waited 20 ms for: the moon' && (error.cause as Error).message === 'not yet');
});
