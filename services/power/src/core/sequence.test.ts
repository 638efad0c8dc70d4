import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAgainMs, stepsFor } from './sequence.ts';

const words = (...args: Parameters<typeof stepsFor>): string => stepsFor(...args).map((step) => step.do).join(' ');

const rows = [
  { action: 'cycle', now: 'on', device: 'network', does: 'off set-boot-device on' },
  { action: 'cycle', now: 'off', device: 'network', does: 'set-boot-device on' },
  { action: 'cycle', now: 'unknown', device: 'unchanged', does: 'off on' },
  { action: 'on', now: 'off', device: 'unchanged', does: 'on' },
  { action: 'on', now: 'on', device: 'network', does: 'set-boot-device' },
  { action: 'off', now: 'on', device: 'unchanged', does: 'off' },
  { action: 'off', now: 'off', device: 'unchanged', does: '' },
  { action: 'soft', now: 'on', device: 'unchanged', does: 'soft' },
  { action: 'soft', now: 'off', device: 'unchanged', does: '' },
  { action: 'status', now: 'on', device: 'unchanged', does: '' },
] as const;

for (const { action, now, device, does } of rows) {
  test(`${action} of a machine that is ${now}, boot device ${device}: ${does || 'nothing'}`, () => assert.equal(words(action, device, now), does));
}

test('a state is read at most forty times in the ninety seconds of an orderly shutdown', () => {
  let [reads, ms] = [1, 0];
  for (; ms < 90_000; reads++) ms += readAgainMs(reads);
  assert.ok(reads < 40, `${reads} reads`);
});
