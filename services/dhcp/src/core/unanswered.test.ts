import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac } from '@ironbus/contracts';
import fc from 'fast-check';
import { address } from '../testing/samples.ts';
import type { Asked, Duty, Replica } from './replica-duty.ts';
import { takeTurn, Unanswered } from './unanswered.ts';

const mac = '52:54:00:77:00:01' as Mac;
const one = (changes: { asked?: Asked; xid?: number; atMs?: number; mac?: Mac } = {}) => ({ mac, asked: 'discover' as Asked, xid: 1, atMs: 0, ...changes });

const rows: [name: string, left: ReturnType<typeof one>[], then: ReturnType<typeof one>, before: number][] = [
  ['nothing', [], one(), 0],
  ['the same xid again', [one()], one({ atMs: 1_000 }), 1],
  ['another xid', [one()], one({ xid: 2, atMs: 1_000 }), 1],
  ['the same try by a second relay', [one()], one({ atMs: 150 }), 0],
  ['a second try by a second relay', [one(), one({ atMs: 4_000 })], one({ atMs: 4_003 }), 1],
  ['another xid at once', [one()], one({ xid: 2, atMs: 10 }), 1],
  ['64 s later', [one(), one({ atMs: 64_000 })], one({ atMs: 128_000 }), 2],
  ['long ago', [one()], one({ atMs: 90_001 }), 0],
  ['long ago, then begun anew', [one(), one({ atMs: 4_000 }), one({ atMs: 200_000 })], one({ atMs: 204_000 }), 1],
  ['a clock set back between', [one({ atMs: 3_600_000 })], one({ atMs: 1_000 }), 1],
  ['another question', [one()], one({ asked: 'reboot', atMs: 1_000 }), 0],
  ['another client', [one()], one({ mac: '52:54:00:77:00:02' as Mac, atMs: 1_000 }), 0],
];
for (const [name, left, then, before] of rows) {
  test(`unanswered: ${name}`, () => {
    const tries = new Unanswered();
    for (const asked of left) tries.leave(asked);
    assert.equal(tries.before(then), before);
  });
}

test('a flood of clients pushes out the oldest and no more', () => {
  const tries = new Unanswered(3);
  const macs = ['01', '02', '03', '04', '05'].map((last) => `52:54:00:77:00:${last}` as Mac);
  for (const each of macs) tries.leave(one({ mac: each }));
  assert.equal(tries.size, 3);
  assert.deepEqual(macs.map((each) => tries.before(one({ mac: each, xid: 9 }))), [0, 0, 1, 1, 1]);
});

const replica = (host: number): Replica => ({ serverAddress: address(`10.77.0.${host}`), state: 'authoritative', storeReady: true });
/** Replicas on one wire, each with its own memory, that all believe each other alive; `dead` ones say nothing. */
function wire(hosts: readonly number[], dead: ReadonlySet<number>) {
  const replicas = hosts.map((host) => ({ host, tries: new Unanswered() }));
  return (asked: Asked, who: Mac, atMs: number, named?: string): number[] => replicas.filter(({ host, tries }) => {
    const siblings = hosts.filter((other) => other !== host).map((other) => ({ ...replica(other), live: true }));
    const answer: Duty = takeTurn(tries, { asked, mac: who, xid: 7, atMs, secs: 0, ipxe: false, named, unicast: false, self: replica(host), siblings });
    return answer === 'answer' && !dead.has(host);
  }).map(({ host }) => host);
}
const anyMac = fc.integer({ min: 0, max: 2 ** 46 - 1 }).map((n) => (n.toString(16).padStart(12, '0').match(/../g) ?? []).join(':') as Mac);

test('with one of two replicas just killed every client is answered at its second try, with one of three too, with two of three at its third', () => {
  fc.assert(fc.property(anyMac, fc.constantFrom<Asked[]>('discover', 'reboot', 'extend', 'inform', 'bootp'), fc.constantFrom([[2, 3], [3]], [[2, 3, 4], [4]], [[2, 3, 4], [2, 4]]), (who, asked, [hosts = [], dead = []]) => {
    const say = wire(hosts, new Set(dead));
    const answers = [0, 4_000, 12_000].slice(0, dead.length + 1).map((atMs) => say(asked, who, atMs).length);
    assert.ok(answers.some((count) => count > 0), `answers ${answers}`);
  }), { numRuns: 1_000 });
});

test('a selection under the relay’s id is not an answer yet: it waits its turn like a DISCOVER', () => {
  const tries = new Unanswered();
  const select = (atMs: number): Duty => takeTurn(tries, {
    asked: 'select', mac, xid: 7, atMs, secs: 0, ipxe: false, named: '10.9.0.1', shared: '10.9.0.1', unicast: false,
    self: replica(2), siblings: [{ ...replica(3), live: true }, { ...replica(4), live: true }],
  });
  // This MAC's order is 3 or 4 first, 2 last.
  assert.deepEqual([0, 4_000, 8_000].map(select), [{ wait: 'other-replica' }, { wait: 'other-replica' }, 'answer']);
});

test('a client that took the sibling’s offer is the sibling’s again at its next boot', () => {
  const say = wire([2, 3], new Set());
  const [first] = say('discover', mac, 0);
  assert.deepEqual(say('select', mac, 10, `10.77.0.${first}`), [first]);
  assert.deepEqual(say('discover', mac, 30_000), [first]);
  assert.deepEqual(say('discover', mac, 34_000).length, 2, 'and both answer one that asks twice');
});
