import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac } from '@ironbus/contracts';
import { MessageType } from '@ironbus/wire';
import fc from 'fast-check';
import { goldenMessage } from '../testing/goldens.ts';
import { address, sampleMessage } from '../testing/samples.ts';
import { askedBy, duty, turnOf, type Duty, type DutyQuestion, type Replica, type SiblingReplica } from './replica-duty.ts';

const a = '10.77.0.2';
const b = '10.77.0.3';
/** The order of `10.77.0.2` and `10.77.0.3` is fixed by the hash: this MAC is the first one's, the other the second's. */
const macOfA = '52:54:00:77:00:0b' as Mac;
const macOfB = '52:54:00:77:00:01' as Mac;

const replica = (serverAddress: string, changes: Partial<Replica> = {}): Replica => ({ serverAddress: address(serverAddress), state: 'authoritative', storeReady: true, ...changes });
const sibling = (serverAddress: string, changes: Partial<SiblingReplica> = {}): SiblingReplica => ({ ...replica(serverAddress), live: true, ...changes });
const ask = (changes: Partial<DutyQuestion> = {}): DutyQuestion => ({
  asked: 'discover', mac: macOfB, secs: 0, ipxe: false, unanswered: 0, named: undefined, unicast: false, self: replica(a), siblings: [sibling(b)], ...changes,
});
const leave: Duty = { wait: 'other-replica' };
const foreign: Duty = { wait: 'other-server' };

const rows: [name: string, question: Partial<DutyQuestion>, duty: Duty][] = [
  ['a client of ours', { mac: macOfA }, 'answer'],
  ['a client of the sibling', {}, leave],
  ['alone', { siblings: [] }, 'answer'],
  ['its second try', { unanswered: 1 }, 'answer'],
  ['its second try, by its own count', { secs: 4 }, 'answer'],
  ['a short wait', { secs: 3 }, leave],
  ['byte-swapped seconds, 1', { secs: 0x0100 }, leave],
  ['byte-swapped seconds, 4', { secs: 0x0400 }, 'answer'],
  ['iPXE’s first DISCOVER, which says 4', { ipxe: true, secs: 4 }, leave],
  ['iPXE’s second DISCOVER', { ipxe: true, secs: 8 }, 'answer'],
  ['iPXE’s third, with an offer', { ipxe: true, secs: 14 }, leave],
  ['the sibling is dead', { siblings: [sibling(b, { live: false })] }, 'answer'],
  ['the sibling has no store', { siblings: [sibling(b, { storeReady: false })] }, 'answer'],
  ['the sibling probes first', { siblings: [sibling(b, { state: 'probing' })] }, 'answer'],
  ['the sibling refuses', { siblings: [sibling(b, { state: 'refused' })] }, 'answer'],
  ['we have no store', { mac: macOfA, self: replica(a, { storeReady: false }) }, leave],
  ['we have no store, at the second try', { mac: macOfA, self: replica(a, { storeReady: false }), unanswered: 1 }, 'answer'],
  ['nobody has a store: ours', { mac: macOfA, self: replica(a, { storeReady: false }), siblings: [sibling(b, { storeReady: false })] }, 'answer'],
  ['nobody has a store: the sibling’s', { self: replica(a, { storeReady: false }), siblings: [sibling(b, { storeReady: false })] }, leave],
  ['two proxies need no store', { mac: macOfA, self: replica(a, { state: 'proxy', storeReady: false }), siblings: [sibling(b, { state: 'proxy' })] }, 'answer'],
  ['an entry with our own address does not count', { siblings: [sibling(a)] }, 'answer'],
  ['selecting us', { asked: 'select', named: a }, 'answer'],
  ['selecting us by another address of this host', { asked: 'select', named: '192.0.2.7', own: new Set([a, '192.0.2.7']) }, 'answer'],
  ['selecting the sibling', { asked: 'select', named: b, mac: macOfA }, leave],
  ['selecting the sibling, long ago', { asked: 'select', named: b, unanswered: 9, secs: 60 }, leave],
  ['selecting a dead sibling', { asked: 'select', named: b, siblings: [sibling(b, { live: false })] }, leave],
  ['selecting a stranger', { asked: 'select', named: '10.77.0.99' }, foreign],
  ['selecting a stranger, alone', { asked: 'select', named: '10.77.0.99', siblings: [] }, foreign],
  ['selecting the relay’s id, ours by hash', { asked: 'select', named: '10.9.0.1', shared: '10.9.0.1', mac: macOfA }, 'answer'],
  ['selecting the relay’s id, the sibling’s by hash', { asked: 'select', named: '10.9.0.1', shared: '10.9.0.1' }, leave],
  ['init-reboot of a client of the sibling', { asked: 'reboot' }, leave],
  ['init-reboot, second try', { asked: 'reboot', unanswered: 1 }, 'answer'],
  ['renewing by unicast', { asked: 'extend', unicast: true }, 'answer'],
  ['rebinding by broadcast', { asked: 'extend' }, leave],
  ['rebinding, after 4 s', { asked: 'extend', secs: 4 }, 'answer'],
  ['renewing or rebinding, who knows', { asked: 'extend', unicast: undefined }, 'answer'],
  ['INFORM', { asked: 'inform' }, leave],
  ['BOOTP', { asked: 'bootp' }, leave],
  ['BOOTP, third try', { asked: 'bootp', unanswered: 2 }, 'answer'],
  ['DECLINE to us', { asked: 'decline', named: a }, 'answer'],
  ['DECLINE to the sibling', { asked: 'decline', named: b }, leave],
  ['DECLINE to a dead sibling', { asked: 'decline', named: b, siblings: [sibling(b, { live: false })] }, 'answer'],
  ['RELEASE that names nobody', { asked: 'release' }, 'answer'],
  ['RELEASE to a stranger', { asked: 'release', named: '10.77.0.99' }, foreign],
];
for (const [name, question, expected] of rows) test(`duty: ${name}`, () => assert.deepEqual(duty(ask(question)), expected));

const { discover, request, decline, release, inform, offer } = MessageType;
const askedRows: [name: string, message: ReturnType<typeof sampleMessage>, asked: ReturnType<typeof askedBy>][] = [
  ['DISCOVER', sampleMessage({ type: discover }), 'discover'],
  ['REQUEST with option 54', sampleMessage({ type: request, server: a, requested: '10.77.0.120' }), 'select'],
  ['REQUEST with ciaddr and option 54', sampleMessage({ type: request, server: a, ciaddr: '10.77.0.120' }), 'select'],
  ['REQUEST with option 50', sampleMessage({ type: request, requested: '10.77.0.120' }), 'reboot'],
  ['REQUEST with ciaddr', sampleMessage({ type: request, ciaddr: '10.77.0.120' }), 'extend'],
  ['DECLINE', sampleMessage({ type: decline, server: a }), 'decline'],
  ['RELEASE', sampleMessage({ type: release, server: a }), 'release'],
  ['INFORM', sampleMessage({ type: inform, ciaddr: '10.77.0.120' }), 'inform'],
  ['BOOTP', sampleMessage({ type: 0 }), 'bootp'],
  ['a server’s message type', sampleMessage({ type: offer }), undefined],
  ['a message type of two bytes', sampleMessage({ type: 0, options: { 53: '0101' } }), undefined],
  ['EDK2’s DISCOVER', goldenMessage('ovmf-x64-pxe-discover'), 'discover'],
];
for (const [name, message, expected] of askedRows) test(`asked: ${name}`, () => assert.equal(askedBy(message), expected));

test('iPXE’s own packet says 4 at the first try', () => assert.equal(goldenMessage('snponly-efi-discover').secs, 4));

const anyMac = fc.integer({ min: 0, max: 2 ** 46 - 1 }).map((n) => (n.toString(16).padStart(12, '0').match(/../g) ?? []).join(':') as Mac);
/** Two to five addresses of one subnet, which differ in little. */
const anyAddresses = fc.uniqueArray(fc.integer({ min: 1, max: 254 }), { minLength: 2, maxLength: 5 }).map((hosts) => hosts.map((host) => `10.77.0.${host}`));
const hashed = fc.constantFrom<DutyQuestion['asked'][]>('discover', 'reboot', 'extend', 'inform', 'bootp');
const seen = (addresses: readonly string[], self: string, changes: Partial<DutyQuestion> = {}): DutyQuestion =>
  ask({ self: replica(self), siblings: addresses.filter((one) => one !== self).map((one) => sibling(one)), ...changes });

test('exactly one of the live replicas answers a first try, whatever is asked', () => {
  fc.assert(fc.property(anyMac, anyAddresses, hashed, fc.integer({ min: 0, max: 3 }), (mac, addresses, asked, secs) => {
    const answering = addresses.filter((self) => duty(seen(addresses, self, { mac, asked, secs })) === 'answer');
    assert.equal(answering.length, 1);
  }), { numRuns: 2_000 });
});

test('each retry wakes one more replica: with n believed alive and dead, the try n + 1 is answered, also by a client that counts nothing', () => {
  fc.assert(fc.property(anyMac, anyAddresses, hashed, fc.nat(), (mac, addresses, asked, seed) => {
    const survivor = addresses[seed % addresses.length] ?? a;
    const tries = addresses.map((_, unanswered) => duty(seen(addresses, survivor, { mac, asked, unanswered })));
    const first = tries.indexOf('answer');
    assert.ok(first >= 0 && first < addresses.length);
    assert.ok(tries.slice(first).every((one) => one === 'answer'), 'once it answers it goes on');
    assert.equal(first, turnOf(seen(addresses, survivor, { mac })));
  }), { numRuns: 2_000 });
});

test('a replica that goes moves its own clients only, one that comes takes from each', () => {
  fc.assert(fc.property(anyMac, anyAddresses, fc.nat(), (mac, addresses, seed) => {
    const gone = addresses[seed % addresses.length] ?? a;
    const left = addresses.filter((one) => one !== gone);
    const firstOf = (among: readonly string[]): string | undefined => among.find((self) => turnOf(seen(among, self, { mac })) === 0);
    const before = firstOf(addresses);
    if (before !== gone) assert.equal(firstOf(left), before);
  }), { numRuns: 2_000 });
});

test('a live replica with a store is never kept from a first try by those without', () => {
  const states = fc.array(fc.record({ live: fc.boolean(), storeReady: fc.boolean(), state: fc.constantFrom<Replica['state'][]>('authoritative', 'probing', 'refused', 'shadow', 'no-device') }), { minLength: 5, maxLength: 5 });
  fc.assert(fc.property(anyMac, anyAddresses, states, (mac, addresses, changes) => {
    const all = addresses.map((one, index) => sibling(one, changes[index]));
    const able = all.filter(({ live, storeReady, state }) => live && storeReady && state === 'authoritative');
    const answering = able.filter((self) => duty(ask({ mac, self, siblings: all.filter((other) => other !== self) })) === 'answer');
    assert.equal(answering.length, able.length === 0 ? 0 : 1);
  }), { numRuns: 2_000 });
});

test('neighbouring MACs are shared out evenly between neighbouring addresses', () => {
  const macs = Array.from({ length: 4_096 }, (_, n) => `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}` as Mac);
  for (const addresses of [[a, b], ['10.0.0.1', '10.0.0.2', '10.0.0.3'], ['192.168.1.10', '192.168.1.11', '192.168.1.12', '192.168.1.13']]) {
    for (const self of addresses) {
      const share = macs.filter((mac) => turnOf(seen(addresses, self, { mac })) === 0).length * addresses.length / macs.length;
      assert.ok(share > 0.9 && share < 1.1, `${self} of ${addresses.length} gets ${share} of its share`);
    }
  }
});
