import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac } from '@ironbus/contracts';
import { bsdpRequest, decode, decodeBsdpImages, encode, findSubOption, MessageType, vendorOptions, type DhcpMessage } from '@ironbus/wire';
import { goldenBytes, goldenMessage } from '../testing/goldens.ts';
import { sampleNetwork } from '../testing/samples.ts';
import { decideBsdp, type BsdpMove, type BsdpQuestion } from './bsdp.ts';
import type { BsdpBootImage } from './bsdp-images.ts';
import { classify } from './client.ts';

const network = sampleNetwork({ cidr: '10.0.0.0/24', serverAddress: '10.0.0.1', baseUrl: 'http://10.0.0.1:5248' });
const images: BsdpBootImage[] = [
  { id: 0x81000089, name: 'Install', booter: 'nbi/install/booter', rootPath: 'http://10.0.0.1/nbi/install.dmg' },
  { id: 0x0100008a, name: 'Debian Linux', booter: 'mactel64.efi' },
];
const ask = (message: DhcpMessage, changes: Partial<BsdpQuestion> = {}): BsdpQuestion => ({
  message, client: classify(message), mac: '00:1b:63:84:45:e6' as Mac, network, policy: undefined, policiesHeard: true,
  bsdpImages: images, ports: { server: 67, client: 68 }, ...changes,
});
const list = (): DhcpMessage => goldenMessage('bsdp-list-inform');
const select = (): DhcpMessage => goldenMessage('bsdp-select-inform');
const answered = (move: BsdpMove): BsdpMove & { do: 'answer' } => {
  assert.ok(move.do === 'answer', JSON.stringify(move));
  return move;
};
const withSubs = (message: DhcpMessage, hex: string): DhcpMessage => {
  message.options.setHex(43, hex.replaceAll(' ', ''));
  return message;
};

test('LIST is answered byte for byte as the golden has it, to the reply port', () => {
  const { answer, to, rule } = answered(decideBsdp(ask(list())));
  const golden = goldenBytes('bsdp-list-ack');
  assert.equal(Buffer.from(encode(answer, { minBytes: golden.length })).toString('hex'), golden.toString('hex'));
  assert.deepEqual([rule, to], ['bsdp-list', { address: '10.0.0.20', port: 993, how: 'client' }]);
});

test('SELECT is answered byte for byte as the golden has it: file, server and root path', () => {
  const { answer, to, rule } = answered(decideBsdp(ask(select())));
  const golden = goldenBytes('bsdp-select-ack');
  assert.equal(Buffer.from(encode(answer, { minBytes: golden.length })).toString('hex'), golden.toString('hex'));
  assert.deepEqual([rule, to.port, answer.yiaddr], ['bsdp-select', 993, '0.0.0.0']);
});

test('SELECT without an image takes the default one; of an image that is gone it fails', () => {
  const chosen = answered(decideBsdp(ask(withSubs(select(), '010102 05020303 0304 0a000001'))));
  assert.equal(chosen.answer.file, 'nbi/install/booter');
  const gone = answered(decideBsdp(ask(withSubs(select(), '010102 0804810000ff 0304 0a000001'))));
  assert.deepEqual([gone.rule, gone.answer.file, Buffer.from(gone.answer.options.get(43) ?? []).toString('hex')], ['bsdp-failed', '', '010103']);
});

test("without a reply port the answer goes to the client's DHCP port, whichever that is", () => {
  const move = answered(decideBsdp(ask(withSubs(list(), '010101 02020101'), { ports: { server: 6767, client: 6768 } })));
  assert.deepEqual(move.to, { address: '10.0.0.20', port: 6768, how: 'client' });
});

test('our own loader is what a Mac may boot where nobody said otherwise', () => {
  const { answer } = answered(decideBsdp({ ...ask(list()), bsdpImages: undefined }));
  const found = decodeBsdpImages(findSubOption(vendorOptions(answer), 9) ?? new Uint8Array(0));
  assert.deepEqual(found, [{ id: 0x8100115c, name: 'Ironbus' }]);
  const chosen = answered(decideBsdp({ ...ask(withSubs(select(), '010102 08048100115c')), bsdpImages: undefined }));
  assert.deepEqual([chosen.answer.file, chosen.answer.siaddr, chosen.answer.options.has(17)], ['ipxe.efi', '10.0.0.1', false]);
});

test('more images than fit are left out whole', () => {
  const many = Array.from({ length: 20 }, (_, index) => ({ id: 0x81000100 + index, name: `image number ${index}`, booter: 'x' }));
  const { answer } = answered(decideBsdp(ask(list(), { bsdpImages: many })));
  const decoded = decode(encode(answer));
  assert.ok(decoded.ok);
  const found = decodeBsdpImages(findSubOption(vendorOptions(decoded.message), 9) ?? new Uint8Array(0)) ?? [];
  assert.deepEqual([found.length, found[0]?.id], [13, 0x81000100]);
});

const ignored: [name: string, question: () => BsdpQuestion, reason: string, rule?: string][] = [
  ['no images', () => ask(list(), { bsdpImages: [] }), 'no-boot', 'bsdp-no-images'],
  ['none for its processor', () => ask(list(), { bsdpImages: [{ id: 1, name: 'PowerPC', booter: 'x', architectures: ['ppc'] }] }), 'no-boot', 'bsdp-no-images'],
  ['a network that ignores strangers', () => ask(list(), { network: { ...network, unknownMachines: 'ignore' } }), 'no-boot', 'unknown-machine-ignored'],
  ['policies not heard yet', () => ask(list(), { policiesHeard: false }), 'no-boot', 'policies-not-heard'],
  ['another server was selected', () => ask(withSubs(select(), '010102 0804 81000089 0304 0a000002')), 'other-server'],
  ['a port that anybody may open', () => ask(withSubs(list(), '010101 05020400')), 'bsdp-reply-port'],
  ['a version to come', () => ask(withSubs(list(), '010101 02020200')), 'bsdp-version'],
  ['no BSDP in it', () => ask(withSubs(list(), '010109')), 'bsdp-malformed'],
  ['not an INFORM', () => { const message = list(); message.options.setU8(53, MessageType.discover); return ask(message); }, 'bsdp-malformed'],
  ['no address', () => { const message = list(); message.ciaddr = '0.0.0.0'; return ask(message); }, 'no-address'],
];
for (const [name, question, reason, rule] of ignored) {
  test(`BSDP silent: ${name}`, () => assert.deepEqual(decideBsdp(question()), { do: 'ignore', reason, ...(rule !== undefined && { rule }) }));
}

test('the goldens are what they say', () => assert.deepEqual([bsdpRequest(list())?.kind, bsdpRequest(select())?.kind], ['list', 'select']));
