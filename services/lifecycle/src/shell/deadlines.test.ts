import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedClock } from '@ironbus/testkit';
import { createPatience } from './deadlines.ts';

test('deadlines are put off until lifecycle has heard for a while, and anew whenever it does not', async () => {
  const clock = simulatedClock();
  let hears = true;
  const mayPass = createPatience({ clock, graceMs: 30_000, hears: () => hears });
  const after = async (seconds: number): Promise<boolean> => { await clock.advance(seconds * 1_000); return mayPass(); };
  assert.deepEqual([await after(0), await after(29), await after(1)], [false, false, true], 'it has just started');
  hears = false;
  assert.equal(await after(1), false);
  hears = true;
  assert.deepEqual([await after(29), await after(1), await after(3_600)], [false, true, true]);
});
