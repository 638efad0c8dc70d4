import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bootFile, clientFqdn, decode, domainSearch, encodeReply, MessageType, messageType, replyLimit, routes, serverId, type DhcpMessage,
} from '@ironbus/wire';
import { goldenMessage } from '../testing/goldens.ts';
import { sampleMac, sampleMessage, sampleNetwork } from '../testing/samples.ts';
import { chooseBoot } from './boot.ts';
import { classify } from './client.ts';
import { ack, bootReply, informAck, nak, offer, type Facts } from './reply.ts';
import { bootServerReplyTo, replyTo } from './reply-to.ts';

const network = sampleNetwork({ mtu: 9000, ntpServers: ['10.77.0.3'] });
const factsFor = (question: DhcpMessage): Facts => ({
  network, serverId: '10.77.0.1', hostname: 'node1',
  boot: chooseBoot({ client: classify(question), mac: sampleMac, network, policy: undefined, policiesHeard: true }),
});
const onTheWire = (question: DhcpMessage, answer: DhcpMessage): DhcpMessage => {
  const decoded = decode(encodeReply(answer, { maxBytes: replyLimit(question) }).bytes);
  assert.ok(decoded.ok);
  return decoded.message;
};
const lease = { address: '10.77.0.120', seconds: 3600 };
const hexOf = (message: DhcpMessage, code: number): string | undefined => {
  const value = message.options.get(code);
  return value && Buffer.from(value).toString('hex');
};

test('an OFFER has lease, T1 and T2, mask, router and name servers, and what was asked for', () => {
  const question = sampleMessage({ options: { 55: '0c1a2a', 61: '01525400770001' } });
  const answer = onTheWire(question, offer(question, factsFor(question), lease));
  assert.deepEqual([messageType(answer), answer.yiaddr, serverId(answer), answer.xid], [MessageType.offer, '10.77.0.120', '10.77.0.1', 0x1234]);
  assert.deepEqual([51, 58, 59].map((code) => answer.options.u32(code)), [3600, 1800, 3150]);
  assert.deepEqual([1, 3, 6, 42].map((code) => answer.options.address(code)), ['255.255.255.0', '10.77.0.254', '10.77.0.1', '10.77.0.3']);
  assert.deepEqual([answer.options.text(12), answer.options.u16(26), answer.options.has(28)], ['node1', 9000, false]);
  assert.equal(Buffer.from(answer.options.get(61) ?? []).toString('hex'), '01525400770001', 'RFC 6842');
  assert.deepEqual([answer.file, answer.siaddr, answer.options.has(67), answer.options.has(60)], ['', '0.0.0.0', false, false]);
});

const boots: [golden: string, file: string, siaddr: string, vendor: string | undefined, noProxy: boolean][] = [
  ['ovmf-x64-pxe-discover', 'snponly.efi', '10.77.0.1', undefined, false],
  ['ovmf-x64-http-discover', 'http://10.77.0.1:5248/loaders/snponly.efi', '0.0.0.0', 'HTTPClient', false],
  ['ipxe-rom-virtio-discover', 'http://10.77.0.1:5248/boot/52-54-00-77-00-01/script.ipxe', '10.77.0.1', undefined, true],
  ['aavmf-arm64-pxe-discover', 'ipxe-arm64.efi', '10.77.0.1', undefined, false],
];
for (const [golden, file, siaddr, vendor, noProxy] of boots) {
  test(`boot fields for ${golden} are in header and options`, () => {
    const question = goldenMessage(golden);
    const answer = onTheWire(question, offer(question, factsFor(question), lease));
    assert.deepEqual([answer.file, bootFile(answer), answer.siaddr, answer.options.text(60)], [file, file, siaddr, vendor]);
    assert.equal(answer.options.has(175), noProxy);
    assert.equal(answer.options.text(66), siaddr === '0.0.0.0' ? undefined : siaddr);
  });
}

test('a BIOS ROM hears PXEClient and discovery control 8, and its UUID: it waits for no ProxyDHCP', () => {
  const question = sampleMessage({ options: { 60: Buffer.from('PXEClient:Arch:00000:UNDI:002001').toString('hex'), 93: '0000', 97: `00${'ab'.repeat(16)}` } });
  const answer = onTheWire(question, offer(question, factsFor(question), lease));
  assert.deepEqual([answer.file, answer.siaddr, answer.options.text(60)], ['undionly.kpxe', '10.77.0.1', 'PXEClient']);
  assert.deepEqual([hexOf(answer, 43), hexOf(answer, 97)], ['060108ff', `00${'ab'.repeat(16)}`]);
});

test('what dnsmasq told an iPXE ROM in the lab and what we tell it are the same where both speak', () => {
  const question = goldenMessage('ipxe-rom-virtio-request');
  const theirs = goldenMessage('ipxe-rom-virtio-ack');
  const ours = onTheWire(question, ack(question, factsFor(question), { address: theirs.yiaddr, seconds: 3600 }));
  for (const code of [51, 53, 54, 1, 3, 58, 59]) assert.equal(hexOf(ours, code), hexOf(theirs, code), `option ${code}`);
  assert.deepEqual([ours.xid, ours.yiaddr, ours.siaddr, ours.broadcast], [theirs.xid, theirs.yiaddr, theirs.siaddr, theirs.broadcast]);
  assert.equal(hexOf(theirs, 175)?.replace(/ff$/, ''), hexOf(ours, 175));
});

test('the OFFER to a Raspberry Pi has what its documentation shows: options 43, 60, 97 and siaddr; and option 66', () => {
  const question = goldenMessage('raspberry-pi3-discover');
  const answer = onTheWire(question, offer(question, factsFor(question), lease));
  assert.match(Buffer.from(answer.options.get(43) ?? []).toString('latin1'), /Raspberry Pi Boot {3}/);
  assert.deepEqual([answer.siaddr, answer.options.text(66), answer.options.text(60)], ['10.77.0.1', '10.77.0.1', 'PXEClient']);
  assert.equal(hexOf(answer, 97), `00${'44'.repeat(16)}`);
  assert.deepEqual([answer.file, answer.yiaddr], ['', '10.77.0.120']);
});

test('an ONIE switch gets the installer that its reservation names, by option 114', () => {
  const question = sampleMessage({ options: { 60: Buffer.from('onie_vendor:x86_64-accton_as7712_32x-r0').toString('hex'), 55: '0172' } });
  const hostOptions = [{ code: 114, type: 'text' as const, value: 'http://10.77.0.1:5248/onie/sonic.bin' }];
  const answer = onTheWire(question, offer(question, { ...factsFor(question), hostOptions }, lease));
  assert.deepEqual([answer.options.text(114), answer.options.has(67)], ['http://10.77.0.1:5248/onie/sonic.bin', false]);
});

const routed = sampleNetwork({ staticRoutes: [{ destination: '10.8.0.0/16', gateway: '10.77.0.9' }], searchDomains: ['lab.example', 'example.com'] });
const answerTo = (asked: string | undefined, changes: Partial<Facts> = {}): DhcpMessage => {
  const question = sampleMessage({ options: asked === undefined ? {} : { 55: asked } });
  return onTheWire(question, offer(question, { ...factsFor(question), network: routed, ...changes }, lease));
};

test('routes and search list to those who ask; the router to all', () => {
  const both = answerTo('79037706');
  assert.deepEqual(routes(both)?.map(({ destination, router }) => `${destination} ${router}`), ['0.0.0.0/0 10.77.0.254', '10.8.0.0/16 10.77.0.9']);
  assert.deepEqual([domainSearch(both), both.options.address(3)], [['lab.example', 'example.com'], '10.77.0.254']);
  const none = answerTo('0103');
  assert.deepEqual([none.options.has(121), none.options.has(249), none.options.has(119), none.options.address(3)], [false, false, false, '10.77.0.254']);
  const windows = answerTo('01f903');
  assert.deepEqual([windows.options.has(121), windows.options.has(249)], [false, true]);
  assert.deepEqual([answerTo('79f9').options.has(249), answerTo(undefined).options.has(121)], [false, false]);
});

test("persons' options: to those who ask, to all where they say so; the host's win over the network's, both over what is computed", () => {
  const options = [
    { code: 44, type: 'ip' as const, value: '10.0.0.44' }, { code: 252, type: 'text' as const, value: 'http://wpad', always: true },
    { code: 42, type: 'ip' as const, value: '10.0.0.42' },
    { code: 6, type: 'ip' as const, value: '10.0.0.53' }, { code: 54, type: 'ip' as const, value: '6.6.6.6' },
  ];
  const withOptions = { network: sampleNetwork({ options, ntpServers: ['10.77.0.3'] }), hostOptions: [{ code: 44, type: 'ip' as const, value: '10.0.0.99' }] };
  const asked = answerTo('2c2a', withOptions);
  assert.deepEqual([44, 42, 6, 54].map((code) => asked.options.address(code)), ['10.0.0.99', '10.0.0.42', '10.0.0.53', '10.77.0.1' as string]);
  const other = answerTo('01', withOptions);
  assert.deepEqual([other.options.has(44), other.options.has(42)], [false, false]);
  assert.deepEqual([other.options.text(252), other.options.address(6)], ['http://wpad', '10.0.0.53']);
});

test('a boot answer wins over a person’s option of the same code; without one the option stands', () => {
  const named = { network: sampleNetwork({ options: [{ code: 67, type: 'text', value: 'phone.cfg' }] }) };
  assert.equal(answerTo('43', { ...named, boot: { rule: 'test', file: 'snponly.efi' } }).options.text(67), 'snponly.efi');
  const phone = answerTo('43', named);
  assert.deepEqual([phone.options.text(67), phone.file], ['phone.cfg', '']);
});

test('options come in the order of the list, after the protocol’s own and before the boot’s', () => {
  const question = sampleMessage({ options: { 55: '0f1c0603010c', 61: '01525400770001', 82: '0103657468' }, giaddr: '10.77.1.1' });
  const facts = { ...factsFor(question), boot: { rule: 'test', file: 'x.efi', nextServer: '10.77.0.1' } };
  assert.deepEqual([...onTheWire(question, offer(question, facts, lease)).options.codes()], [53, 54, 51, 58, 59, 15, 28, 6, 3, 1, 12, 66, 67, 61, 82]);
});

test('a lease for ever has no times of renewal; T1 and T2 are never above a lease', () => {
  const question = sampleMessage();
  const answer = onTheWire(question, ack(question, factsFor(question), { address: '10.77.0.120', seconds: 0xffffffff }));
  assert.deepEqual([51, 58, 59].map((code) => answer.options.u32(code)), [0xffffffff, undefined, undefined]);
  for (const seconds of [1, 2, 7, 60, 0xfffffffe]) {
    const { options } = ack(question, factsFor(question), { address: '10.77.0.120', seconds });
    const [t1 = -1, t2 = -1] = [options.u32(58), options.u32(59)];
    assert.ok(t1 <= t2 && t2 <= seconds && t1 >= 0, `${seconds}: ${t1} ${t2}`);
  }
});

test('option 81 is answered with the name that counts and no promise of an update; option 12 tells a name from us only', () => {
  const question = goldenMessage('rfc4702-fqdn');
  const answer = onTheWire(question, ack(question, factsFor(question), lease));
  assert.deepEqual(clientFqdn(answer), { flags: 4 | 8 | 2, name: 'node1.lab.example', qualified: true });
  assert.equal(answer.options.text(12), 'node1');
  const own = onTheWire(question, ack(question, { ...factsFor(question), hostname: undefined }, lease));
  assert.deepEqual([clientFqdn(own)?.name, own.options.has(12)], ['client.lab.example', false]);
  const followed = onTheWire(question, ack(question, { ...factsFor(question), dnsFollows: true }, lease));
  assert.equal(clientFqdn(followed)?.flags, 4 | 1);
});

test('a small client gets what matters most of a long answer', () => {
  const options = Array.from({ length: 30 }, (_, index) => ({ code: 190 + index, type: 'text' as const, value: 'x'.repeat(40), always: true }));
  const question = goldenMessage('udhcpc-discover');
  const answer = onTheWire(question, offer(question, { ...factsFor(question), network: sampleNetwork({ options }) }, lease));
  assert.deepEqual([53, 54, 51, 1, 3, 58, 59, 6].filter((code) => !answer.options.has(code)), []);
});

test('a file too long for the header is in option 67 alone', () => {
  const question = goldenMessage('ipxe-rom-virtio-discover');
  const file = `http://10.77.0.1:5248/${'a'.repeat(200)}`;
  const answer = onTheWire(question, offer(question, { ...factsFor(question), boot: { rule: 'test', file } }, lease));
  assert.deepEqual([answer.file, answer.options.text(67)], ['', file]);
});

test('option 82 comes back as it was, last', () => {
  const question = goldenMessage('rfc3046-relayed-discover');
  const answer = onTheWire(question, offer(question, factsFor(question), lease));
  assert.deepEqual(answer.options.get(82), question.options.get(82));
  assert.equal([...answer.options.codes()].at(-1), 82);
  assert.equal(answer.giaddr, question.giaddr);
});

test('a NAK has no address and no options of the network; by a relay it asks for a broadcast', () => {
  const question = sampleMessage({ type: MessageType.request, requested: '192.168.1.1' });
  const answer = nak(question, '10.77.0.1', 'wrong-network');
  assert.deepEqual([answer.yiaddr, answer.siaddr, [...answer.options.codes()]], ['0.0.0.0', '0.0.0.0', [53, 54, 56]]);
  assert.equal(nak(sampleMessage({ giaddr: '10.77.1.1' }), '10.77.0.1', 'x').broadcast, true);
});

test('the answer to an INFORM has no lease', () => {
  const question = sampleMessage({ type: MessageType.inform, ciaddr: '10.77.0.5' });
  const answer = informAck(question, factsFor(question));
  assert.deepEqual([messageType(answer), answer.yiaddr, answer.ciaddr, answer.options.has(51)], [MessageType.ack, '0.0.0.0', '10.77.0.5', false]);
});

test('a BOOTREPLY has no DHCP options', () => {
  const question = goldenMessage('bootp-request');
  const answer = onTheWire(question, bootReply(question, factsFor(question), '10.77.0.20'));
  assert.deepEqual([answer.op, answer.yiaddr, [51, 53, 54, 58].some((code) => answer.options.has(code))], [2, '10.77.0.20', false]);
});

const ports = { server: 67, client: 68 };
const broadcast = { address: '255.255.255.255', port: 68, how: 'broadcast' };
const destinations: [name: string, question: DhcpMessage, kind: 'ack' | 'nak', to: object][] = [
  ['a relay', sampleMessage({ giaddr: '10.77.1.1' }), 'ack', { address: '10.77.1.1', port: 67, how: 'relay' }],
  ['a relay, NAK', sampleMessage({ giaddr: '10.77.1.1', ciaddr: '10.77.1.9' }), 'nak', { address: '10.77.1.1', port: 67, how: 'relay' }],
  ['no relay, NAK', sampleMessage({ ciaddr: '10.77.0.9' }), 'nak', broadcast],
  ['a client with an address', sampleMessage({ ciaddr: '10.77.0.9' }), 'ack', { address: '10.77.0.9', port: 68, how: 'client' }],
  ['the broadcast flag', sampleMessage({ broadcast: true }), 'ack', broadcast],
  ['no address, no flag', sampleMessage(), 'ack', broadcast],
  ['an INFORM by a relay', sampleMessage({ type: MessageType.inform, giaddr: '10.77.1.1', ciaddr: '10.77.1.9' }), 'ack', { address: '10.77.1.9', port: 68, how: 'client' }],
];
for (const [name, question, kind, to] of destinations) {
  test(`reply to: ${name}`, () => {
    const answer = kind === 'nak' ? nak(question, '10.77.0.1', 'x') : ack(question, factsFor(question), lease);
    assert.deepEqual(replyTo(question, answer, ports), to);
  });
}

test('reply to: a boot server request goes back to its own port', () => {
  const from = { address: '10.77.0.50', port: 4011 };
  assert.deepEqual(bootServerReplyTo(sampleMessage({ ciaddr: '10.77.0.9' }), from), { address: '10.77.0.9', port: 4011, how: 'client' });
  assert.deepEqual(bootServerReplyTo(sampleMessage(), from), { address: '10.77.0.50', port: 4011, how: 'client' });
  assert.equal(bootServerReplyTo(sampleMessage(), { address: '0.0.0.0', port: 68 }), undefined);
});
