import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootFile, decode, encodeReply, messageType, MessageType, pxeVendorOptions, replyLimit, vendorClass, type DhcpMessage } from '@ironbus/wire';
import { goldenMessage } from '../testing/goldens.ts';
import { sampleMac, sampleMessage, sampleNetwork, samplePolicy } from '../testing/samples.ts';
import { classify } from './client.ts';
import { decideProxy, type ProxyMove, type ProxyPort, type ProxyQuestion } from './proxy.ts';

const network = sampleNetwork({ mode: 'proxy' });
const entries = [{ text: 'Local disk', boots: 'local-disk' }, { text: 'Ironbus', boots: 'ipxe' }, { text: 'GRUB', boots: 'grub' }];
const withMenu = sampleNetwork({ mode: 'proxy', bootMenu: { prompt: 'F8', timeoutSeconds: 5, entries } });
const ask = (message: DhcpMessage, port: ProxyPort, changes: Partial<ProxyQuestion> = {}): ProxyQuestion => ({
  message, port, client: classify(message), mac: sampleMac, network, policy: undefined, policiesHeard: true,
  source: { address: message.ciaddr, port: port === 4011 ? 4011 : 68 }, ports: { server: 67, client: 68 }, ...changes,
});
const hex = (text: string): string => Buffer.from(text).toString('hex');
const biosRom = (type: number = MessageType.discover, ciaddr = '0.0.0.0'): DhcpMessage =>
  sampleMessage({ type, ciaddr, options: { 60: hex('PXEClient:Arch:00000:UNDI:002001'), 93: '0000', 94: '010201', 97: `00${'ab'.repeat(16)}` } });
const atPort4011 = (golden: string): DhcpMessage => {
  const message = goldenMessage(golden);
  message.ciaddr = '10.77.0.145';
  message.options.setU8(53, MessageType.request).delete(43);
  return message;
};

/** The answer as its client reads it. */
function answered(move: ProxyMove, question: DhcpMessage): { move: ProxyMove & { do: 'answer' }; message: DhcpMessage } {
  assert.ok(move.do === 'answer', JSON.stringify(move));
  const decoded = decode(encodeReply(move.answer, { maxBytes: replyLimit(question) }).bytes);
  assert.ok(decoded.ok);
  return { move, message: decoded.message };
}
const decided = (message: DhcpMessage, port: ProxyPort, changes: Partial<ProxyQuestion> = {}) => answered(decideProxy(ask(message, port, changes)), message);
const hexOf = (message: DhcpMessage, code: number): string | undefined => {
  const value = message.options.get(code);
  return value && Buffer.from(value).toString('hex');
};

type Offered = { file: string | undefined; siaddr: string; vendor: string; option43: string | undefined; rule: string };
const ofServer = { siaddr: '10.77.0.1', vendor: 'PXEClient', option43: undefined, file: undefined };
const script = { ...ofServer, file: 'http://10.77.0.1:5248/boot/52-54-00-77-00-01/script.ipxe', rule: 'ipxe-script' };
const piMenu = `060103 0914 0000 11 ${hex('Raspberry Pi Boot')} 0a0400 ${hex('PXE')} ff`.replaceAll(' ', '');
const ipxes = ['ipxe-rom-virtio-discover', 'ipxe-rom-e1000-discover', 'undionly-discover', 'ipxe-efi-discover', 'snponly-efi-discover'];
const url = 'http://10.77.0.1:5248/loaders/snponly.efi';
const offers: [name: string, message: DhcpMessage, expected: Offered][] = [
  ['BIOS PXE ROM', biosRom(), { ...ofServer, file: 'undionly.kpxe', option43: '060108ff', rule: 'bios-undionly' }],
  ['OVMF PXE', goldenMessage('ovmf-x64-pxe-discover'), { ...ofServer, rule: 'uefi-x64-snponly' }],
  ['AAVMF PXE', goldenMessage('aavmf-arm64-pxe-discover'), { ...ofServer, rule: 'uefi-arm64-ipxe' }],
  ['OVMF HTTP boot', goldenMessage('ovmf-x64-http-discover'), { ...ofServer, file: url, siaddr: '0.0.0.0', vendor: 'HTTPClient', rule: 'http-x64-snponly' }],
  ...ipxes.map((golden): [string, DhcpMessage, Offered] => [golden, goldenMessage(golden), script]),
  ['Raspberry Pi 4', goldenMessage('raspberry-pi4-discover'), { ...ofServer, option43: piMenu, rule: 'raspberry-pi' }],
];
for (const [name, question, expected] of offers) {
  test(`proxy offer: ${name}`, () => {
    const { move, message } = decided(question, 67);
    const { file, siaddr, vendor, option43, rule } = expected;
    const header = [messageType(message), message.yiaddr, message.ciaddr, message.xid, message.broadcast];
    assert.deepEqual(header, [MessageType.offer, '0.0.0.0', '0.0.0.0', question.xid, true]);
    assert.deepEqual([bootFile(message), message.siaddr, vendorClass(message), hexOf(message, 43), move.rule], [file, siaddr, vendor, option43, rule]);
    assert.deepEqual([message.options.address(54), move.from, move.to], ['10.77.0.1', 67, { address: '255.255.255.255', port: 68, how: 'broadcast' }]);
    assert.deepEqual([1, 3, 6, 12, 15, 28, 51, 58, 59, 175].filter((code) => message.options.has(code)), [], 'nothing that is the other server’s to give');
    if (vendor === 'PXEClient') assert.equal(hexOf(message, 97), hexOf(question, 97));
  });
}

const atServer: [name: string, message: DhcpMessage, file: string, option43: string | undefined][] = [
  ['OVMF', atPort4011('ovmf-x64-pxe-request'), 'snponly.efi', undefined],
  ['AAVMF', atPort4011('aavmf-arm64-pxe-discover'), 'ipxe-arm64.efi', undefined],
  ['BIOS PXE ROM', biosRom(MessageType.request, '10.77.0.145'), 'undionly.kpxe', '060108ff'],
  ['by INFORM', biosRom(MessageType.inform, '10.77.0.145'), 'undionly.kpxe', '060108ff'],
  ['iPXE', atPort4011('ipxe-efi-discover'), 'http://10.77.0.1:5248/boot/52-54-00-77-00-01/script.ipxe', undefined],
];
for (const [name, question, file, option43] of atServer) {
  test(`port 4011: the whole boot answer to ${name}`, () => {
    const { move, message } = decided(question, 4011);
    assert.deepEqual([messageType(message), message.yiaddr, message.ciaddr, message.siaddr], [MessageType.ack, '0.0.0.0', '10.77.0.145', '10.77.0.1']);
    assert.deepEqual([bootFile(message), vendorClass(message), hexOf(message, 43), hexOf(message, 97)], [file, 'PXEClient', option43, hexOf(question, 97)]);
    assert.deepEqual([move.from, move.to], [4011, { address: '10.77.0.145', port: 4011, how: 'client' }]);
  });
}

test('port 4011: the answer goes to the port the request came from; without ciaddr to the address as well', () => {
  const question = biosRom(MessageType.request);
  const { move } = decided(question, 4011, { source: { address: '10.77.0.150', port: 68 } });
  assert.deepEqual(move.to, { address: '10.77.0.150', port: 68, how: 'client' });
});

test('a menu: in the OFFER to a BIOS ROM, at port 4011 to UEFI, nowhere to iPXE', () => {
  const menuIn = (message: DhcpMessage) => pxeVendorOptions(message)?.bootMenu?.map(({ text }) => text);
  const texts = ['Local disk', 'Ironbus', 'GRUB'];
  const bios = decided(biosRom(), 67, { network: withMenu });
  assert.deepEqual([menuIn(bios.message), bootFile(bios.message), bios.move.rule], [texts, undefined, 'boot-menu']);
  const uefiOffer = decided(goldenMessage('ovmf-x64-pxe-discover'), 67, { network: withMenu }).message;
  assert.deepEqual([uefiOffer.options.has(43), vendorClass(uefiOffer)], [false, 'PXEClient']);
  const uefiAck = decided(atPort4011('ovmf-x64-pxe-request'), 4011, { network: withMenu }).message;
  assert.deepEqual([menuIn(uefiAck), bootFile(uefiAck), vendorClass(uefiAck)], [texts, undefined, 'PXEClient']);
  assert.equal(decided(goldenMessage('ipxe-efi-discover'), 67, { network: withMenu }).message.options.has(43), false);
});

const item = (type: string, layer = '0000', golden = 'edk2-boot-server-request'): DhcpMessage => {
  const message = goldenMessage(golden);
  message.options.setHex(43, `4704${type}${layer}ff`);
  return message;
};
test('an item of the menu: its loader, and the item as it came; in authoritative mode too', () => {
  for (const mode of ['proxy', 'authoritative'] as const) {
    const { move, message } = decided(goldenMessage('edk2-boot-server-request'), 4011, { network: { ...withMenu, mode } });
    assert.deepEqual([bootFile(message), message.siaddr, move.rule, hexOf(message, 43)], ['snponly.efi', '10.77.0.1', 'menu-ipxe', '470480010000ff']);
  }
  const grub = decided(item('8002', '0001'), 4011, { network: withMenu });
  assert.deepEqual([bootFile(grub.message), grub.move.rule, hexOf(grub.message, 43)], ['shimx64.efi', 'menu-grub', '470480020001ff']);
  const policy = samplePolicy({ answer: 'agent' });
  assert.equal(decided(item('8001'), 4011, { network: withMenu, policy }).move.rule, 'menu-ipxe', 'enlisted while the menu stood there');
});

const relayed = (): DhcpMessage => { const message = biosRom(); message.giaddr = '10.77.1.1'; message.options.setHex(82, '0103657468'); return message; };
test('by a relay: to the relay, with its option 82', () => {
  const { move, message } = decided(relayed(), 67, { serverId: '10.77.1.1' });
  assert.deepEqual([move.to, hexOf(message, 82), message.options.address(54)], [{ address: '10.77.1.1', port: 67, how: 'relay' }, '0103657468', '10.77.1.1']);
});

test('a Mac is answered by BSDP, its DISCOVER is not', () => {
  const move = decideProxy(ask(goldenMessage('bsdp-list-inform'), 67));
  assert.ok(move.do === 'answer' && move.rule === 'bsdp-list' && move.from === 67 && move.to.port === 993);
  const discover = goldenMessage('bsdp-list-inform');
  discover.options.setU8(53, MessageType.discover);
  assert.deepEqual(decideProxy(ask(discover, 67)), { do: 'ignore', reason: 'message-type' });
});

const namesUs = sampleMessage({ type: MessageType.request, server: '10.77.0.1', options: { 60: hex('PXEClient'), 93: '0007' } });
const ofKind = (type: number): DhcpMessage => biosRom(type, '10.77.0.145');
const silence: [name: string, question: ProxyQuestion, reason: string, rule?: string][] = [
  ['a plain client', ask(goldenMessage('udhcpc-discover'), 67), 'not-a-boot-client'],
  ['a plain client at 4011', ask(goldenMessage('udhcpc-request'), 4011), 'not-a-boot-client'],
  ['an ONIE switch', ask(sampleMessage({ options: { 60: hex('onie_vendor:x86_64-a_b-r0') } }), 67), 'not-a-boot-client'],
  ['a REQUEST of firmware to the other server', ask(goldenMessage('ovmf-x64-pxe-request'), 67), 'request-to-other-server'],
  ['a REQUEST of iPXE to the other server', ask(goldenMessage('ipxe-rom-virtio-request'), 67), 'request-to-other-server'],
  ['a REQUEST that names us', ask(namesUs, 67), 'request-to-other-server'],
  ['an INFORM at 67', ask(ofKind(MessageType.inform), 67), 'message-type'],
  ['a DECLINE', ask(ofKind(MessageType.decline), 67), 'message-type'],
  ['a RELEASE', ask(ofKind(MessageType.release), 67), 'message-type'],
  ['a DISCOVER at 4011', ask(ofKind(MessageType.discover), 4011), 'message-type'],
  ['a BOOTP request of a boot client', ask(sampleMessage({ type: 0, options: { 60: hex('PXEClient'), 93: '0000' } }), 67), 'message-type'],
  ['another proxy’s answer', ask({ ...biosRom(), op: 2 }, 67), 'not-a-request'],
  ['a request from nowhere', ask(biosRom(MessageType.request), 4011), 'no-address'],
  ['an architecture without a loader', ask(sampleMessage({ options: { 60: hex('PXEClient'), 93: '001b' } }), 67), 'no-boot', 'no-loader'],
  ['an unknown machine that is ignored', ask(biosRom(), 67, { network: { ...network, unknownMachines: 'ignore' } }), 'no-boot', 'unknown-machine-ignored'],
  ['policies not heard', ask(biosRom(), 67, { policiesHeard: false }), 'no-boot', 'policies-not-heard'],
  ['an ignored machine at 4011', ask(item('8001'), 4011, { network: { ...withMenu, unknownMachines: 'ignore' } }), 'no-boot', 'unknown-machine-ignored'],
  ['an item that is not in the menu', ask(item('8007'), 4011, { network: withMenu }), 'menu-item'],
  ['the local disk is nobody’s file', ask(item('0000'), 4011, { network: withMenu }), 'menu-item'],
  ['an item without a menu', ask(item('8001'), 4011), 'menu-item'],
  ['an item with credentials', ask(item('8001', '8000'), 4011, { network: withMenu }), 'menu-security'],
];
for (const [name, question, reason, rule] of silence) {
  test(`proxy silent: ${name}`, () => assert.deepEqual(decideProxy(question), { do: 'ignore', reason, ...(rule !== undefined && { rule }) }));
}
