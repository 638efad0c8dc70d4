import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac } from '@ironbus/contracts';
import { Repeats, type Asking } from './repeats.ts';

const mac = '02:00:00:00:00:01' as Mac;
const discover = 1;
const bytesOf = (xid: number, secs: number, tail = 'options'): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(240), Buffer.from(tail)]);
  bytes.writeUInt32BE(xid, 4);
  bytes.writeUInt16BE(secs, 8);
  return bytes;
};
const asking = (xid: number, secs = 0, device = 'eth0', tail?: string): Asking => ({ mac, type: discover, bytes: bytesOf(xid, secs, tail), device, port: 67 });

test('a repetition, whatever its secs, is left alone while the first is under way', () => {
  const repeats = new Repeats<string>();
  assert.deepEqual([repeats.begin(asking(1), 0), repeats.begin(asking(1, 4), 100)], [{ is: 'new' }, { is: 'under-way' }]);
});

test('after the answer it gets the same again, for three seconds', () => {
  const repeats = new Repeats<string>();
  const first = asking(1);
  repeats.begin(first, 0);
  repeats.end(first, 'offer', 1_000);
  assert.deepEqual([repeats.begin(asking(1, 2), 3_900), repeats.begin(asking(1, 4), 4_001)], [{ is: 'answered', answer: 'offer' }, { is: 'new' }]);
});

const others: [what: string, other: Asking][] = [
  ['another exchange', asking(2)], ['another device', asking(1, 0, 'eth1')], ['other options', asking(1, 0, 'eth0', 'another')], ['one more byte', asking(1, 0, 'eth0', 'options.')],
];
for (const [what, other] of others) {
  test(`${what} is another question, and the end of the one before is not its own`, () => {
    const repeats = new Repeats<string>();
    const first = asking(1);
    repeats.begin(first, 0);
    assert.equal(repeats.begin(other, 0).is, 'new');
    repeats.end(first, 'offer', 10);
    assert.equal(repeats.begin({ ...other }, 10).is, 'under-way');
    repeats.end(other, 'mine', 20);
    assert.deepEqual(repeats.begin({ ...other }, 30), { is: 'answered', answer: 'mine' });
  });
}

test('what was not answered, or whose address was given back, is new again', () => {
  const repeats = new Repeats<string>();
  const [first, second] = [asking(1), asking(1)];
  repeats.begin(first, 0);
  repeats.end(first, undefined, 10);
  assert.equal(repeats.begin(second, 20).is, 'new');
  repeats.end(second, 'offer', 30);
  repeats.forget(mac);
  assert.equal(repeats.begin(asking(1), 40).is, 'new');
});

test('a flood of questions costs a bounded memory, oldest first', () => {
  const repeats = new Repeats<number>();
  const one = (n: number): Asking => ({ ...asking(n), mac: `m${n}` as Mac });
  for (let n = 0; n < 6_000; n += 1) {
    const asked = one(n);
    repeats.begin(asked, n / 10);
    repeats.end(asked, n, n / 10);
  }
  assert.deepEqual([repeats.begin(one(1_900), 600), repeats.begin(one(5_999), 600)], [{ is: 'new' }, { is: 'answered', answer: 5_999 }]);
});
