import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac } from '@ironbus/contracts';
import { sampleMac as mac } from '../testing/samples.ts';
import { LoaderTries } from './loader-tries.ts';

const firmware = (tries: LoaderTries, xid: number, nowMs = 0) => tries.acknowledged(mac, 'firmware', { xid, nowMs, loader: true });

test('each exchange of firmware without a later stage counts, and sees the same number from offer to acknowledgement', () => {
  const tries = new LoaderTries();
  const seen: number[] = [];
  for (const xid of [1, 2, 3]) {
    seen.push(tries.failures(mac, { xid, nowMs: 0 }));
    firmware(tries, xid);
    firmware(tries, xid);
    seen.push(tries.failures(mac, { xid, nowMs: 0 }));
  }
  assert.deepEqual(seen, [0, 0, 1, 1, 2, 2]);
});

for (const stage of ['ipxe', 'os'] as const) {
  test(`the stage ${stage} proves the loader good`, () => {
    const tries = new LoaderTries();
    firmware(tries, 1);
    tries.acknowledged(mac, stage, { xid: 2, nowMs: 0, loader: true });
    assert.equal(tries.failures(mac, { xid: 3, nowMs: 0 }), 0);
  });
}

test('an answer without a loader is no try, and an hour forgets', () => {
  const tries = new LoaderTries();
  tries.acknowledged(mac, 'firmware', { xid: 1, nowMs: 0, loader: false });
  assert.equal(tries.failures(mac, { xid: 2, nowMs: 0 }), 0);
  firmware(tries, 2);
  assert.deepEqual([tries.failures(mac, { xid: 3, nowMs: 3_600_000 }), tries.failures(mac, { xid: 3, nowMs: 3_600_001 })], [1, 0]);
});

test('of very many machines the oldest are forgotten', () => {
  const tries = new LoaderTries();
  const macOf = (n: number): Mac => `02:00:00:${[16, 8, 0].map((shift) => ((n >> shift) & 255).toString(16).padStart(2, '0')).join(':')}` as Mac;
  for (let n = 0; n <= 20_000; n += 1) tries.acknowledged(macOf(n), 'firmware', { xid: 1, nowMs: 0, loader: true });
  assert.deepEqual([0, 1, 20_000].map((n) => tries.failures(macOf(n), { xid: 2, nowMs: 0 })), [0, 1, 1]);
});
