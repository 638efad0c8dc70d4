import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Superseded } from '../core/answer.ts';
import { createNewest } from './newest.ts';

const request = (sequence: number, action: 'on' | 'status' = 'on') => ({ subject: 'm1', data: { sequence, action } }) as Parameters<ReturnType<typeof createNewest>['hear']>[0];
const aborted = (signal: AbortSignal): Promise<boolean> => Promise.resolve(signal.reason instanceof Superseded);

test('a request that a newer one was heard of is given up, before or during its work', async () => {
  const newest = createNewest();
  newest.hear(request(2));
  assert.equal(await newest.during('m1', 1, aborted), true);
  assert.equal(await newest.during('m1', 2, aborted), false);
  assert.equal(await newest.during('m1', 2, (signal) => { newest.hear(request(3)); return aborted(signal); }), true);
  assert.equal(await newest.during('m2', 1, aborted), false);
});

test('asking for the state, and older requests, supersede nothing', async () => {
  const newest = createNewest();
  assert.equal(await newest.during('m1', 5, (signal) => { newest.hear(request(9, 'status')); newest.hear(request(4)); return aborted(signal); }), false);
});
