import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ready } from '@ironbus/runtime';
import { recordingWatch } from '../testing/store-watch-record.ts';

const gone: Ready = { ready: false, why: 'the connection to redis was lost' };
const there: Ready = { ready: true };

/** Starts with a Redis that is there, unless told; `go` moves the clock, says how Redis stands, and checks. */
function begin(first: Ready = there) {
  let [state, nowMs] = [first, 1_000];
  const record = recordingWatch({ ready: () => state, nowMs: () => nowMs });
  const go = (ms: number, next: Ready = state): void => {
    nowMs += ms;
    state = next;
    record.watch.check();
  };
  record.watch.check();
  const types = (): string[] => record.told.map((event) => event.type);
  return { ...record, go, types };
}

test('lost and regained, with what happened between', () => {
  const { watch, told, said, go } = begin();
  go(1_000, gone);
  assert.deepEqual(told, [{ type: 'dhcp.store-lost', subject: 'rack-one', data: { instance: 'Rack.One', why: 'the connection to redis was lost', knownLeases: 7 } }]);
  watch.noteExtended();
  watch.noteExtended();
  watch.noteRefused();
  assert.equal(watch.isThere(), false);
  assert.deepEqual(watch.health(), { ready: false, why: 'the connection to redis was lost: known leases are extended from memory, new ones are refused (for 0 s: 2 extended, 1 refused)' });
  go(12_340, gone);
  go(0, there);
  assert.deepEqual(told.at(-1), { type: 'dhcp.store-regained', subject: 'rack-one', data: { instance: 'Rack.One', awaySeconds: 12.3, extended: 2, refused: 1 } });
  assert.deepEqual(said.map(({ level, message }) => [level, message]), [
    ['error', 'redis is away: known leases are extended from memory, new ones are refused'], ['info', 'redis is back: new leases are given out again'],
  ]);
  assert.deepEqual(watch.health(), { ready: true });
});

test('each loss counts anew, is told once, and the log repeats it each minute', () => {
  const { watch, told, said, go, types } = begin();
  go(1_000, gone);
  watch.noteRefused();
  for (let seconds = 0; seconds < 125; seconds += 1) go(1_000, { ready: false, why: `redis does not answer (${seconds % 2})` });
  assert.deepEqual(types(), ['dhcp.store-lost']);
  assert.equal(said.filter(({ level }) => level === 'error').length, 3);
  go(1_000, there);
  go(1_000, gone);
  go(1_000, there);
  assert.deepEqual(types(), ['dhcp.store-lost', 'dhcp.store-regained', 'dhcp.store-lost', 'dhcp.store-regained']);
  assert.equal(told.at(-1)?.data['refused'], 0);
});

test('a start takes its time; a Redis that does not come is told of after 5 s, or when a client asks', () => {
  const slow = begin(gone);
  slow.go(4_999);
  assert.deepEqual([slow.types(), slow.watch.health().ready], [[], false]);
  slow.go(1);
  assert.deepEqual(slow.types(), ['dhcp.store-lost']);
  const asked = begin(gone);
  asked.go(1_000);
  asked.watch.noteRefused();
  assert.deepEqual(asked.types(), ['dhcp.store-lost']);
  const quick = begin(gone);
  quick.go(2_000, there);
  assert.deepEqual(quick.types(), []);
});

test('a connection that stands while questions get no answer is a loss, until 3 s pass without one', () => {
  const { watch, told, go, types } = begin();
  watch.noteExtended();
  assert.deepEqual([types(), watch.isThere(), told[0]?.data['why']], [['dhcp.store-lost'], false, 'redis does not answer questions']);
  go(2_999);
  watch.noteExtended();
  go(2_999);
  assert.deepEqual(types(), ['dhcp.store-lost']);
  go(1);
  assert.deepEqual([types().at(-1), told.at(-1)?.data['extended'], watch.isThere()], ['dhcp.store-regained', 2, true]);
});
