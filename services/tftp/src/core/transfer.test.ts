import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { begin, blockCount, isLeft, largestWindow, onAck, onTimeout, patienceMs, type Stepped } from './transfer.ts';

const start = (totalBlocks: number, windowBlocks = 1, oack = false): Stepped => begin({ totalBlocks, windowBlocks, oack });

test('a file of whole blocks ends with an empty block', () => {
  assert.equal(blockCount(1024, 512), 3);
  assert.equal(blockCount(1023, 512), 2);
  assert.equal(blockCount(0, 512), 1);
});

test('lock-step: each ACK brings the next block, the last one completes', () => {
  const first = start(2);
  assert.deepEqual(first.action, { do: 'send-blocks', from: 1, to: 1 });
  const second = onAck(first.state, 1);
  assert.deepEqual(second.action, { do: 'send-blocks', from: 2, to: 2 });
  assert.deepEqual(onAck(second.state, 2).action, { do: 'complete' });
});

test('OACK first: data follows its ACK 0 only', () => {
  const opened = start(3, 1, true);
  assert.deepEqual(opened.action, { do: 'send-oack' });
  assert.deepEqual(onAck(opened.state, 1).action, { do: 'wait' });
  assert.deepEqual(onAck(opened.state, 0).action, { do: 'send-blocks', from: 1, to: 1 });
});

test('sorcerer’s apprentice: a duplicate ACK in lock-step sends nothing', () => {
  const second = onAck(start(5).state, 1);
  assert.deepEqual(onAck(second.state, 1).action, { do: 'wait' });
});

test('a lost block in a window: the client acknowledges what it has, the rest is sent again', () => {
  const { state } = start(10, 4);
  assert.deepEqual(onAck(state, 2).action, { do: 'send-blocks', from: 3, to: 6 });
});

test('the first block of a window lost: one repetition for any number of duplicates', () => {
  const { state } = onAck(start(10, 4).state, 4);
  const again = onAck(state, 4);
  assert.deepEqual(again.action, { do: 'send-blocks', from: 5, to: 8 });
  assert.deepEqual(onAck(again.state, 4).action, { do: 'wait' });
});

test('an ACK of what was never sent is ignored', () => {
  assert.deepEqual(onAck(start(10, 4).state, 9).action, { do: 'wait' });
});

test('an ACK from long ago is no ACK of the future, whatever the window', () => {
  for (const windowBlocks of [2, 16, largestWindow]) {
    const { state } = onAck(onAck(start(200_000, windowBlocks).state, windowBlocks).state, windowBlocks + 1);
    for (let behind = 1; behind <= windowBlocks; behind++) assert.deepEqual(onAck(state, (state.acked - behind) & 0xffff), { state, action: { do: 'wait' } });
  }
});

test('block numbers wrap to 0 after 65,535', () => {
  let stepped = start(70_000);
  for (let block = 1; block < 65_536; block++) stepped = onAck(stepped.state, block & 0xffff);
  assert.deepEqual(stepped.action, { do: 'send-blocks', from: 65_536, to: 65_536 });
  assert.deepEqual(onAck(stepped.state, 0).action, { do: 'send-blocks', from: 65_537, to: 65_537 });
});

test('a client that went away: the window is sent again, then given up', () => {
  let stepped = start(3, 2);
  for (let tries = 0; tries < 3; tries++) {
    stepped = onTimeout(stepped.state, 3);
    assert.deepEqual(stepped.action, { do: 'send-blocks', from: 1, to: 2 });
  }
  assert.deepEqual(onTimeout(stepped.state, 3).action, { do: 'fail', reason: 'client-gone' });
});

test('a client has left its transfer when it was there and fell silent', () => {
  const opened = start(3, 1, true).state;
  const going = onAck(opened, 0).state;
  const silent = onTimeout(going, 3).state;
  assert.deepEqual([opened, onTimeout(opened, 3).state, going, silent, onAck(silent, 1).state].map(isLeft), [false, false, false, true, false]);
});

test('each repetition waits twice as long, at most eight times; progress starts anew', () => {
  let stepped = start(9, 2);
  const waits = Array.from({ length: 6 }, () => { const ms = patienceMs(stepped.state, 1000); stepped = onTimeout(stepped.state, 9); return ms; });
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 8000, 8000]);
  assert.equal(patienceMs(onAck(stepped.state, 1).state, 1000), 1000);
});

test('any loss, duplication and reordering of ACKs ends in a whole file', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 16 }), fc.infiniteStream(fc.integer({ min: 0, max: 9 })), (total, window, dice) => {
    const rolls = dice[Symbol.iterator]();
    const roll = (): number => rolls.next().value as number;
    const received = new Set<number>();
    let have = 0;
    let { state, action } = start(total, window);
    for (let turns = 0; action.do !== 'complete'; turns++) {
      assert.ok(turns < 100_000, 'no end in sight');
      if (action.do === 'send-blocks') {
        for (let block = action.from; block <= action.to; block++) {
          if (roll() === 0) continue;
          if (block === have + 1) { have = block; received.add(block); }
        }
      }
      ({ state, action } = roll() === 1 ? onTimeout(state, Number.POSITIVE_INFINITY) : onAck(state, have & 0xffff));
      if (roll() === 2 && action.do !== 'complete') ({ state, action } = onAck(state, have & 0xffff));
      if (action.do === 'wait') ({ state, action } = onTimeout(state, Number.POSITIVE_INFINITY));
    }
    assert.equal(received.size, total);
  }), { numRuns: 200 });
});
