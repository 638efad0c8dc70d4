import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FqdnFlag } from '@ironbus/wire';
import { goldenMessage } from '../testing/goldens.ts';
import { sampleMessage, sampleNetwork, samplePolicy } from '../testing/samples.ts';
import { fqdnReply, hostLabel, isDomain, nameFor, type NameQuestion } from './names.ts';

const hex = (text: string): string => Buffer.from(text).toString('hex');
const rows: [name: string, options: Record<number, string>, label: string | undefined][] = [
  ['a plain name', { 12: hex('Node-1') }, 'node-1'],
  ['a full name', { 12: hex('node1.lab.example') }, 'node1'],
  ['an underscore and a space', { 12: hex('my_pc 2') }, 'my-pc-2'],
  ['nothing usable', { 12: hex('___') }, undefined],
  ['no name', {}, undefined],
  ['63 at most', { 12: hex('a'.repeat(80)) }, 'a'.repeat(63)],
  ['no dash at an end', { 12: hex(`-${'a'.repeat(62)}-b`) }, 'a'.repeat(62)],
  ['an empty option 81 leaves option 12', { 12: hex('node1'), 81: '040000' }, 'node1'],
];
for (const [name, options, label] of rows) test(`host label: ${name}`, () => assert.equal(hostLabel(sampleMessage({ options })), label));
test('host label: option 81 wins', () => assert.equal(hostLabel(goldenMessage('rfc4702-fqdn')), 'client'));

const own = sampleMessage({ options: { 12: hex('laptop') } });
const ask = (changes: Partial<NameQuestion> = {}): NameQuestion => ({ message: own, network: sampleNetwork(), ...changes });
const webOne = { hostname: 'web1' };
const qualified = goldenMessage('rfc4702-fqdn');
const names: [name: string, question: NameQuestion, expected: unknown][] = [
  ['the reservation first', ask({ reservation: webOne, policy: samplePolicy() }), { label: 'web1', fqdn: 'web1.lab.example', from: 'reservation' }],
  ['then the node', ask({ reservation: {}, policy: samplePolicy() }), { label: 'node1', fqdn: 'node1.lab.example', from: 'node' }],
  ['then the client', ask(), { label: 'laptop', fqdn: 'laptop.lab.example', from: 'client' }],
  ['no domain', ask({ network: sampleNetwork({ domain: null }) }), { label: 'laptop', fqdn: null, from: 'client' }],
  ["the network's domain wins over the client's", ask({ message: qualified }), { label: 'client', fqdn: 'client.lab.example', from: 'client' }],
  ["the client's domain where the network has none", ask({ message: qualified, network: sampleNetwork({ domain: null }) }),
    { label: 'client', fqdn: 'client.example.com', from: 'client' }],
  ['a domain that can not be written', ask({ network: sampleNetwork({ domain: 'a..b' }) }), { label: 'laptop', fqdn: null, from: 'client' }],
  ['no name at all', ask({ message: sampleMessage() }), undefined],
];
for (const [name, question, expected] of names) test(`name: ${name}`, () => assert.deepEqual(nameFor(question), expected));

const { s, o, e, n } = FqdnFlag;
const name = { label: 'web1', fqdn: 'web1.lab.example' };
const flags: [name: string, sent: number, dnsFollows: boolean, answered: number][] = [
  ['the client updates, nobody else does', e, false, e | n],
  ['the client asks for an update, nobody does it', e | s, false, e | n | o],
  ['the client wants none', e | n, false, e | n],
  ['a DNS follows and the client asked for it', e | s, true, e | s],
  ['a DNS follows, the client wanted to update itself', e, true, e | s | o],
  ['a DNS follows, the client wants none', e | n, true, e | n],
  ['the old ASCII form stays', s, false, n | o],
];
for (const [what, sent, dnsFollows, answered] of flags) {
  test(`fqdn flags: ${what}`, () => {
    const message = sampleMessage({ options: { 81: `${sent.toString(16).padStart(2, '0')}0000` } });
    assert.deepEqual(fqdnReply(message, name, dnsFollows), { flags: answered, name: 'web1.lab.example', qualified: (sent & e) !== 0 });
  });
}
test('fqdn: only in answer to option 81, and only with a name', () => {
  assert.equal(fqdnReply(own, name, false), undefined);
  assert.equal(fqdnReply(goldenMessage('rfc4702-fqdn'), undefined, false), undefined);
  assert.deepEqual(fqdnReply(goldenMessage('rfc4702-fqdn'), { label: 'web1', fqdn: null }, false), { flags: e | n | o, name: 'web1', qualified: false });
});

test('what can be written as a domain name', () => {
  assert.deepEqual(['a', 'a.b.', 'x'.repeat(63)].map(isDomain), [true, true, true]);
  assert.deepEqual(['', '.', 'a..b', 'x'.repeat(64), 'ab.'.repeat(90)].map(isDomain), Array(5).fill(false));
});
