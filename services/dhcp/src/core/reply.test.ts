import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootFile, decode, encodeReply, MessageType, messageType, replyLimit, serverId, type DhcpMessage } from '@ironbus/wire';
import { goldenMessage } from '../testing/goldens.ts';
import { sampleMac, sampleMessage, sampleNetwork } from '../testing/samples.ts';
import { chooseBoot } from './boot.ts';
import { classify } from './client.ts';
import { ack, bootReply, informAck, nak, offer, type Facts } from './reply.ts';
import { replyTo } from './reply-to.ts';

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
