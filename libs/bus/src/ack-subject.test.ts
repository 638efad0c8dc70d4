import { test } from 'node:test';
import assert from 'node:assert/strict';
import { parseAckSubject } from './ack-subject.ts';

const read = { deliveries: 2, streamSequence: 17, consumerSequence: 19, timestampNanos: '1763700000000000001', pending: 3 };

test('the short form', () => assert.deepEqual(parseAckSubject('$JS.ACK.FACTS.lifecycle-x.2.17.19.1763700000000000001.3'), read));
test('the form with domain and account', () => {
  assert.deepEqual(parseAckSubject('$JS.ACK.rack1.ACCHASH.FACTS.lifecycle-x.2.17.19.1763700000000000001.3.token'), read);
  assert.deepEqual(parseAckSubject('$JS.ACK._.ACCHASH.FACTS.lifecycle-x.2.17.19.1763700000000000001.3'), read);
});
test('anything else is undefined', () => {
  for (const text of [undefined, '', '_INBOX.x', '$JS.ACK.a.b', '$JS.ACK.FACTS.c.x.17.19.1.3', '$JS.ACK.FACTS.c.1.17.19.1']) assert.equal(parseAckSubject(text), undefined);
});
