/** What a killed, stopped or late Redis or relay does to state and outbox. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { freePort, startRedis, type RedisServer } from '../../testkit/src/redis.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import { commit } from './commit.ts';
import { readOutboxStats } from './outbox.ts';
import { read } from './read.ts';
import { startRelay } from './relay.ts';
import { openStore, type Store } from './store.ts';
import { memoryBus } from './test-bus.ts';
import { eventRow, keepingLog, silentLog } from './test-rows.ts';

const openServer = async (t: TestContext): Promise<RedisServer> => {
  const server = await startRedis({ appendonly: 'always' });
  t.after(() => server.stop());
  return server;
};
const openOne = (t: TestContext, url: string, prefix = 'faults'): Store => {
  const store = openStore({ url, prefix, log: silentLog });
  t.after(() => store.close());
  return store;
};

test('a store that is opened before Redis says why it is not ready, refuses at once, and goes on by itself', async (t) => {
  const port = await freePort();
  const { log, lines } = keepingLog();
  const store = openStore({ url: `redis://127.0.0.1:${port}`, prefix: 'early', log });
  t.after(() => store.close());
  await waitFor(() => { const state = store.ready(); return !state.ready && state.why.includes('ECONNREFUSED'); }, { what: 'the reason' });
  await assert.rejects(commit(store, { key: 'a', expectedVersion: 0, value: 1 }), { code: 'STORE_UNREACHABLE' });
  await assert.rejects(store.redis.get('x'), { code: 'STORE_UNREACHABLE' });
  const server = await startRedis({ port, appendonly: 'off' });
  t.after(() => server.stop());
  await store.whenReady();
  assert.deepEqual(store.ready(), { ready: true });
  assert.ok((await commit(store, { key: 'a', expectedVersion: 0, value: 1 })).ok);
  assert.ok(lines.some((line) => line.startsWith('warn') && line.includes('appendonly yes')), lines.join('\n'));
});

test('a Redis that hangs makes a command fail in seconds, not for ever', async (t) => {
  const server = await openServer(t);
  const store = openOne(t, server.url);
  await store.whenReady();
  await commit(store, { key: 'warm', expectedVersion: 0, value: 1 });
  process.kill(server.pid, 'SIGSTOP');
  await assert.rejects(commit(store, { key: 'a', expectedVersion: 0, value: 1, requestId: 'r' }), { code: 'STORE_UNREACHABLE' });
  process.kill(server.pid, 'SIGCONT');
  const again = await waitFor(() => commit(store, { key: 'a', expectedVersion: 0, value: 1, requestId: 'r' }), { what: 'the answer' });
  assert.deepEqual(again, { ok: true, version: 1, already: true }, 'it had been done: the request id tells');
});

test('rows committed before a kill -9 of Redis are published after it', async (t) => {
  const server = await openServer(t);
  const store = openOne(t, server.url);
  await store.whenReady();
  for (let n = 1; n <= 50; n += 1) assert.ok((await commit(store, { key: 'a', expectedVersion: n - 1, value: n, rows: [eventRow('a', n)] })).ok);
  assert.equal(store.losses(), 0);
  await server.kill();
  await server.restart();
  await store.whenReady();
  await waitFor(() => store.losses() === 1, { what: 'the loss counted' });
  const bus = memoryBus();
  const relay = startRelay({ store, bus, log: silentLog, lockMs: 400 });
  t.after(() => relay.stop());
  await waitFor(() => bus.published.length === 50, { what: 'all rows' });
  assert.deepEqual(bus.ids(), Array.from({ length: 50 }, (_, index) => `a-${index + 1}`));
  assert.equal((await read(store, 'a'))?.version, 50);
});

test('with Redis killed in the middle, what was acknowledged is there, and every row arrives in order', async (t) => {
  const server = await openServer(t);
  const store = openOne(t, server.url);
  await store.whenReady();
  const bus = memoryBus();
  const relay = startRelay({ store, bus, log: silentLog, lockMs: 400 });
  t.after(() => relay.stop());
  const total = 150;
  const write = async (key: string): Promise<void> => {
    for (let n = 1; n <= total; n += 1) {
      const change = { key, expectedVersion: n - 1, value: n, rows: [eventRow(key, n)], requestId: `${key}-${n}` };
      await waitFor(async () => (await commit(store, change)).ok, { what: `${key}-${n}` });
    }
  };
  const writing = Promise.all(['a', 'b', 'c'].map(write));
  for (const mark of [60, 200]) {
    await waitFor(() => bus.published.length >= mark, { what: `${mark} rows` });
    await server.kill();
    await server.restart();
  }
  await writing;
  await waitFor(async () => (await readOutboxStats(store)).backlog === 0, { what: 'an empty outbox' });
  for (const key of ['a', 'b', 'c']) assert.deepEqual(bus.ids(key), Array.from({ length: total }, (_, index) => `${key}-${index + 1}`));
});

test('a relay that was stopped in mid-publish and comes back late can remove nothing', async (t) => {
  const server = await openServer(t);
  const store = openOne(t, server.url, 'paused');
  await store.whenReady();
  const child = spawn(process.execPath, [new URL('test-relay-process.ts', import.meta.url).pathname, server.url, 'paused', '400'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  t.after(() => new Promise<void>((resolve) => { child.once('exit', () => resolve()); child.kill('SIGCONT'); child.kill('SIGKILL'); }));
  await commit(store, { key: 'a', expectedVersion: 0, value: 1, rows: [eventRow('a', 1), eventRow('a', 2)] });
  await waitFor(() => lines.includes('sending a-1'), { what: 'the first relay in mid-publish' });
  child.kill('SIGSTOP');

  const bus = memoryBus();
  let letGo = (): void => {};
  const gate = new Promise<void>((resolve) => { letGo = resolve; });
  bus.beforePublish = () => gate;
  const relay = startRelay({ store, bus, log: silentLog, lockMs: 400 });
  t.after(() => relay.stop());
  await waitFor(async () => (await relay.stats()).holdsLock, { what: 'the second relay\'s lock' });
  child.stdin.write('\n');
  child.kill('SIGCONT');
  await waitFor(() => lines.some((line) => line.includes('relay ended its term')), { what: 'the first relay to notice' });
  assert.ok(lines.includes('sent a-1'));
  assert.ok(!lines.includes('sending a-2'), 'it publishes nothing after its lock');
  assert.equal((await readOutboxStats(store)).backlog, 2, 'its removal was refused');
  letGo();
  await relay.drained();
  assert.deepEqual(bus.ids(), ['a-1', 'a-2']);
});
