import { test } from 'node:test';
import assert from 'node:assert/strict';
import { startNats } from '../../testkit/src/nats-server.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import { numberOf, probeDone, probeFailed, readyBus } from './test/support.ts';

test('replay from a sequence, by subject, then live; a handler that throws does not stop it', async () => {
  await using nats = await startNats();
  await using bus = await readyBus(nats);
  for (let n = 1; n <= 600; n++) await bus.publish(probeDone, { key: n % 2 === 0 ? 'even' : 'odd', data: { n } });
  const seen: number[] = [];
  const log = bus.history({ stream: 'FACTS', subjects: ['probe.done.*.even'], fromSequence: 11 }, async (event, meta) => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(meta.sequence);
    if (numberOf(event) === 100) throw new Error('handler failed');
  });
  await log.caughtUp();
  assert.deepEqual(seen, Array.from({ length: 295 }, (_, i) => 12 + 2 * i));
  await bus.publish(probeFailed, { key: 'even', data: { why: 'not asked for' } });
  const { sequence } = await bus.publish(probeDone, { key: 'even', data: { n: 602 } });
  await waitFor(() => seen.at(-1) === sequence);
  await log.stop();
  await bus.publish(probeDone, { key: 'even', data: { n: 604 } });
  assert.equal(seen.at(-1), sequence);
  assert.ok(bus.lines.some((line) => line.message === 'a history handler failed'));
});

test('an empty stream is caught up at once', async () => {
  await using nats = await startNats();
  await using bus = await readyBus(nats);
  await bus.history({ stream: 'FACTS' }, () => undefined).caughtUp();
});
