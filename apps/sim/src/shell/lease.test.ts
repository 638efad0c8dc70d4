import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { within } from './lease.ts';

const { signal } = new AbortController();
const block = (ms: number): void => { for (const end = performance.now() + ms; performance.now() < end;); };

test('what comes in time is taken, and what does not is not waited for', async () => {
  assert.equal(await within(pause(5, 'answer'), 2_000, signal), 'answer');
  assert.equal(await within(pause(300, 'answer', { ref: false }), 10, signal), undefined);
});

test('a process that is late itself still takes an answer that waited for it', async () => {
  const waiting = within(pause(40, 'answer'), 20, signal);
  block(200);
  assert.equal(await waiting, 'answer');
});

test('the end of the machine ends the wait', async () => {
  const machine = new AbortController();
  const waiting = within(new Promise(() => undefined), 60_000, machine.signal);
  machine.abort(new Error('off'));
  await assert.rejects(waiting, /off/);
});
