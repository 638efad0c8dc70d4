import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedClock } from '../../testkit/src/simulated-clock.ts';
import { orAborted } from './clock.ts';
import { createLogger } from './logger.ts';
import { backoffMs, retryForever } from './retry.ts';
import { composeParts, createPart, startAll, stopAll } from './service.ts';

function keep(): { log: ReturnType<typeof createLogger>; lines: () => Record<string, unknown>[] } {
  const lines: string[] = [];
  return { log: createLogger({ svc: 'test', level: 'debug' }, { write: (line) => { lines.push(line); } }), lines: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}
const noting = (name: string, said: string[]) => createPart({ name, start: () => { said.push(`+${name}`); }, stop: () => { said.push(`-${name}`); } });
const never = new Promise<void>(() => {});

test('parts start in order and stop in reverse', async () => {
  const said: string[] = [];
  const service = composeParts(keep().log, [noting('a', said), noting('b', said), createPart({ name: 'c' })]);
  await service.start();
  await service.stop();
  assert.deepEqual(said, ['+a', '+b', '-b', '-a']);
});

test('when a part fails to start, what was started is stopped and the error thrown', async () => {
  const said: string[] = [];
  const bad = createPart({ name: 'bad', start: () => { throw new Error('no port'); }, stop: () => { said.push('-bad'); } });
  const { log, lines } = keep();
  await assert.rejects(startAll(log, [noting('a', said), bad, noting('c', said)]), /no port/);
  assert.deepEqual(said, ['+a', '-bad', '-a']);
  assert.deepEqual([lines()[0]?.['part'], lines()[0]?.['msg']], ['bad', 'part did not start']);
});

test('a part that hangs while stopping is named, and the others are stopped', async () => {
  const said: string[] = [];
  const clock = simulatedClock();
  const { log, lines } = keep();
  const failing = createPart({ name: 'failing', stop: () => { throw new Error('oh'); } });
  const stopping = stopAll(log, [noting('a', said), createPart({ name: 'hanging', stop: () => never }), failing], { stopMs: 500, clock });
  await clock.advance(500);
  await stopping;
  assert.deepEqual(said, ['-a']);
  assert.deepEqual(lines().map((line) => [line['part'], line['msg']]), [['failing', 'part failed while stopping'], ['hanging', 'part hangs while stopping, going on without it']]);
});

test('a part that does not start in time is an error', async () => {
  const clock = simulatedClock();
  const starting = startAll(keep().log, [createPart({ name: 'slow', start: () => never })], { startMs: 100, clock });
  const refused = assert.rejects(starting, /slow did not start within 100 ms/);
  await clock.advance(100);
  await refused;
});

test('a stop in the middle of the start ends it: nothing more starts, each part is stopped once, no error is logged', async () => {
  const said: string[] = [];
  const { log, lines } = keep();
  const aborted = new AbortController();
  const waiting = createPart({ name: 'waiting', start: () => orAborted(never, aborted.signal), stop: () => { said.push('-waiting'); aborted.abort(new Error('stops')); } });
  const service = composeParts(log, [noting('a', said), waiting, noting('c', said)]);
  const refused = assert.rejects(service.start(), /stopped before everything had started/);
  await Promise.resolve();
  await service.stop();
  await refused;
  assert.deepEqual(said, ['+a', '-c', '-waiting', '-a']);
  assert.deepEqual(lines(), []);
});

test('a try is repeated until it works; one warning for each new reason', async () => {
  const clock = simulatedClock();
  const { log, lines } = keep();
  const reasons = ['down', 'down', 'starting'];
  const done = retryForever(log, 'connect', async (attempt) => {
    const reason = reasons[attempt - 1];
    if (reason !== undefined) throw new Error(reason);
    return attempt;
  }, { clock });
  await clock.advance(60_000);
  assert.equal(await done, 4);
  assert.deepEqual(lines().map((line) => `${line['level']} ${line['reason'] ?? line['msg']}`), ['warn down', 'debug down', 'warn starting', 'info worked after retries']);
});

test('trying ends when the signal aborts, also in the middle of a wait', async () => {
  const clock = simulatedClock();
  const stopper = new AbortController();
  const trying = retryForever(keep().log, 'connect', async () => { throw new Error('down'); }, { clock, signal: stopper.signal });
  const refused = assert.rejects(trying, /enough/);
  await clock.advance(1);
  stopper.abort(new Error('enough'));
  await refused;
  assert.equal(clock.pending(), 0);
});

test('the wait doubles from 0.2 s to 10 s, half of it by dice', () => {
  assert.deepEqual([1, 2, 3, 7, 8, 1_000].map((attempt) => backoffMs(attempt, () => 1)), [200, 400, 800, 10_000, 10_000, 10_000]);
  assert.equal(backoffMs(1, () => 0), 100);
});
