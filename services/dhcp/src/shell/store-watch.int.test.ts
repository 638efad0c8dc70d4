import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@ironbus/runtime';
import { openStore } from '@ironbus/store';
import { startRedis, waitFor } from '@ironbus/testkit';
import { recordingWatch } from '../testing/store-watch-record.ts';

test('a Redis that is killed and comes back', async (t) => {
  const redis = await startRedis({ appendonly: 'off' });
  const store = openStore({ url: redis.url, prefix: 'rp-watch', log: createLogger({ svc: 'dhcp', level: 'silent' }) });
  t.after(async () => { await store.close(); await redis.stop(); });
  const { watch, told, said } = recordingWatch({ ready: () => store.ready(), nowMs: () => performance.now() });
  const checked = (until: () => boolean, what: string) => waitFor(() => { watch.check(); return until(); }, { what });
  await checked(() => watch.isThere(), 'Redis to be there');
  assert.deepEqual([told, said], [[], []]);
  await redis.kill();
  await checked(() => told.length === 1, 'the loss to be told');
  watch.noteExtended();
  watch.noteRefused();
  const health = watch.health();
  assert.ok(!health.ready && /1 extended, 1 refused\)$/.test(health.why), JSON.stringify(health));
  await redis.restart();
  await checked(() => told.length === 2, 'the return to be told');
  assert.deepEqual(told.map((event) => event.type), ['dhcp.store-lost', 'dhcp.store-regained']);
  assert.deepEqual([told[1]?.data['extended'], told[1]?.data['refused']], [1, 1]);
});

test('a Redis that hangs is noticed by the question it does not answer', async (t) => {
  const redis = await startRedis({ appendonly: 'off' });
  const store = openStore({ url: redis.url, prefix: 'rp-watch', log: createLogger({ svc: 'dhcp', level: 'silent' }) });
  t.after(async () => { await store.close(); await redis.stop(); });
  const { watch, told } = recordingWatch({ ready: () => store.ready(), nowMs: () => performance.now() });
  await store.whenReady();
  watch.check();
  process.kill(redis.pid, 'SIGSTOP');
  await assert.rejects(store.redis.get(store.key('x')), { code: 'STORE_UNREACHABLE' });
  watch.noteRefused();
  assert.deepEqual(told.map((event) => event.type), ['dhcp.store-lost']);
  process.kill(redis.pid, 'SIGCONT');
  await waitFor(() => { watch.check(); return told.length === 2; }, { what: 'the return to be told' });
});
