import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as get from './getters.ts';
import { type DhcpMessage, makeMessage, type MessageType } from './messages.ts';
import { bsdpFailedReply, bsdpImageBytes, bsdpImageId, bsdpProposal, bsdpRequest, bsdpSelectReply, bsdpSystem, decodeBsdpImages } from './options/bsdp.ts';
import { clientFqdn, encodeFqdn } from './options/fqdn.ts';
import { ipxeFeatures } from './options/ipxe.ts';
import { clientArch, clientUuid, clientUuidNetworkOrder, networkInterface, pxeSubOptions, pxeVendorOptions, type PxeVendorOptions } from './options/pxe.ts';
import { relayInfo } from './options/relay.ts';
import { OptionMap } from './option-map.ts';

const withHex = (code: number, digits: string): DhcpMessage =>
  makeMessage({ options: new OptionMap().setHex(code, digits.replaceAll(' ', '')) });

type Row = readonly [name: string, read: (m: DhcpMessage) => unknown, code: number, hex: string, expected: unknown];

const uuidHex = '00 33221100 5544 7766 8899 aabbccddeeff';
const good: readonly Row[] = [
  ['message type', get.messageType, 53, '08', 8 satisfies MessageType],
  ['requested address', get.requestedAddress, 50, 'c0a80001', '192.168.0.1'],
  ['server id', get.serverId, 54, 'ffffffff', '255.255.255.255'],
  ['lease for ever', get.leaseSeconds, 51, 'ffffffff', 0xffffffff],
  ['maximum size', get.maxMessageSize, 57, '05dc', 1500],
  ['host name with NUL', get.hostName, 12, '6162 0000', 'ab'],
  ['host name in UTF-8', get.hostName, 12, 'c3a9', 'é'],
  ['host name in Latin-1', get.hostName, 12, 'e9', 'é'],
  ['domain name', get.domainName, 15, '61', 'a'],
  ['user class of RFC 3004', get.userClass, 77, '01 61 02 6263', ['a', 'bc']],
  ['user class, raw', get.userClass, 77, '69505845', ['iPXE']],
  ['user class with an empty class is taken raw', get.userClass, 77, '00', ['\0']],
  ['tftp servers', get.tftpServers, 150, '0a000001 0a000002', ['10.0.0.1', '10.0.0.2']],
  ['subnet selection', get.subnetSelection, 118, '0a000000', '10.0.0.0'],
  ['auto-configure', get.autoConfigure, 116, '01', true],
  ['do not auto-configure', get.autoConfigure, 116, '00', false],
  ['rapid commit', get.rapidCommit, 80, '', true],
  ['domain search', get.domainSearch, 119, '0161 00 0162 c000', ['a', 'b.a']],
  ['on-link route', get.routes, 121, '18 0a0000 00000000', [{ destination: '10.0.0.0/24', router: '0.0.0.0' }]],
  ['route with host bits', get.routes, 121, '09 0aff 0a000001', [{ destination: '10.128.0.0/9', router: '10.0.0.1' }]],
  ['architectures', clientArch, 93, '0007 0009', [7, 9]],
  ['network interface', networkInterface, 94, '010310', { type: 1, major: 3, minor: 16 }],
  ['uuid as dmidecode shows it', clientUuid, 97, uuidHex, '00112233-4455-6677-8899-aabbccddeeff'],
  ['uuid in byte order', clientUuidNetworkOrder, 97, uuidHex, '33221100-5544-7766-8899-aabbccddeeff'],
  ['fqdn in ASCII', clientFqdn, 81, '01 00 00 612e62', { flags: 1, name: 'a.b', qualified: false }],
  ['fqdn in ASCII with dot', clientFqdn, 81, '01 00 00 612e622e', { flags: 1, name: 'a.b', qualified: true }],
  ['fqdn in wire form, partial', clientFqdn, 81, '04 00 00 0161', { flags: 4, name: 'a', qualified: false }],
  ['fqdn that asks for a name', clientFqdn, 81, '05 00 00', { flags: 5, name: '', qualified: false }],
];

const wrong: readonly Row[] = [
  ['message type 0', get.messageType, 53, '00', undefined],
  ['message type of 2 bytes', get.messageType, 53, '0101', undefined],
  ['address of 5 bytes', get.requestedAddress, 50, '0a00000101', undefined],
  ['lease of 1 byte', get.leaseSeconds, 51, '09', undefined],
  ['maximum size under 576', get.maxMessageSize, 57, '0100', undefined],
  ['empty parameter list', get.parameterList, 55, '', undefined],
  ['host name of NULs', get.hostName, 12, '0000', undefined],
  ['client id of one byte', get.clientId, 61, '01', undefined],
  ['empty user class', get.userClass, 77, '', undefined],
  ['tftp servers of 6 bytes', get.tftpServers, 150, '0a0000010a00', undefined],
  ['auto-configure 2', get.autoConfigure, 116, '02', undefined],
  ['rapid commit with a value', get.rapidCommit, 80, '01', false],
  ['search list with a pointer to itself', get.domainSearch, 119, 'c000', undefined],
  ['search list with a forward pointer', get.domainSearch, 119, 'c002 016100', undefined],
  ['search list cut in a label', get.domainSearch, 119, '0561', undefined],
  ['search list with a label type 0x40', get.domainSearch, 119, '40 00', undefined],
  ['route of width 33', get.routes, 121, '21 0a0000000a 0a000001', undefined],
  ['route cut', get.routes, 121, '08 0a 0a0000', undefined],
  ['architecture of 3 bytes', clientArch, 93, '000700', undefined],
  ['uuid of 16 bytes', clientUuid, 97, '00'.repeat(16), undefined],
  ['uuid of type 1', clientUuid, 97, `01${'00'.repeat(16)}`, undefined],
  ['fqdn of 2 bytes', clientFqdn, 81, '0000', undefined],
  ['relay sub-option over the end', relayInfo, 82, '01 05 61', undefined],
  ['iPXE sub-option over the end', ipxeFeatures, 175, '10', undefined],
];

describe('dhcp getters', () => {
  for (const [name, read, code, digits, expected] of good) it(name, () => assert.deepEqual(read(withHex(code, digits)), expected));
});

describe('dhcp getters: wrong lengths and values are no value', () => {
  for (const [name, read, code, digits, expected] of wrong) it(name, () => assert.deepEqual(read(withHex(code, digits)), expected));
});

describe('dhcp getters: boot', () => {
  it('options 66 and 67 win over the header, which fills in', () => {
    const m = makeMessage({ sname: 'header-host', file: 'header-file' });
    assert.deepEqual([get.tftpServerName(m), get.bootFile(m)], ['header-host', 'header-file']);
    m.options.setText(66, 'h').setText(67, 'f');
    assert.deepEqual([get.tftpServerName(m), get.bootFile(m)], ['h', 'f']);
  });
  it('no key without hardware address and option 61', () => assert.equal(get.clientKey(makeMessage({ htype: 32 })), undefined));
});

describe('dhcp vendor options', () => {
  it('PXE menu, servers, prompt and item come back as written', () => {
    const pxe: PxeVendorOptions = {
      discoveryControl: 8, discoveryMulticast: '224.0.1.2',
      bootServers: [{ type: 1, addresses: ['10.0.0.1', '10.0.0.2'] }, { type: 0x8000, addresses: [] }],
      bootMenu: [{ type: 0, text: 'Local boot' }, { type: 1, text: 'Installer' }],
      menuPrompt: { seconds: 10, text: 'Press F8' }, bootItem: { type: 1, layer: 0x8000 },
    };
    for (const end of [true, false]) {
      const m = makeMessage({ options: new OptionMap().setEncapsulated(43, pxeSubOptions(pxe), end) });
      assert.deepEqual(pxeVendorOptions(m), pxe);
    }
  });
  it('PXE sub-options of wrong length are left out', () => {
    assert.deepEqual(pxeVendorOptions(withHex(43, '06 00 07 01 e0 08 02 0001 09 03 000005 0a 00 47 01 00')), {});
  });
  it('raw vendor bytes that are no sub-options stay raw', () => {
    const m = withHex(43, '01ff');
    assert.deepEqual([get.vendorOptions(m), [...(m.options.get(43) ?? [])]], [undefined, [1, 255]]);
  });
  it('BSDP image ids, lists and SELECT replies', () => {
    assert.equal(bsdpImageId({ kind: 1, install: true, index: 137 }), 0x81000089);
    assert.deepEqual(decodeBsdpImages(Buffer.from('010000890161', 'hex')), [{ id: 0x01000089, name: 'a' }]);
    assert.equal(decodeBsdpImages(Buffer.from('0100008905', 'hex')), undefined);
    assert.deepEqual(bsdpSelectReply(0x81000089).map((sub) => [sub.code, ...sub.value]), [[1, 2], [8, 0x81, 0, 0, 0x89]]);
  });
  it('BSDP is read from BSDP clients alone', () => {
    assert.equal(bsdpRequest(withHex(43, '010101')), undefined);
    const m = withHex(43, '010103');
    m.options.setText(60, 'AAPLBSDPC/i386/Mac');
    assert.equal(bsdpRequest(m), undefined);
  });
});

describe('bsdp, what a server needs', () => {
  it('option 60 taken apart', () => {
    const system = (text: string): unknown => bsdpSystem(withHex(60, Buffer.from(text).toString('hex')));
    assert.deepEqual(system('AAPLBSDPC/i386/MacBookPro11,1'), { architecture: 'i386', model: 'MacBookPro11,1' });
    assert.deepEqual([system('AAPLBSDPC'), system('AAPLBSDPCX/i386/x'), bsdpSystem(makeMessage({}))], [{ architecture: '', model: '' }, undefined, undefined]);
  });
  it('the proposal in an OFFER and the refusal of a SELECT', () => {
    assert.deepEqual(bsdpProposal(0x81000089), [{ code: 8, value: Uint8Array.of(0x81, 0, 0, 0x89) }]);
    assert.deepEqual(bsdpFailedReply(), [{ code: 1, value: Uint8Array.of(3) }]);
    assert.deepEqual([bsdpImageBytes({ id: 1, name: 'é' }), bsdpImageBytes({ id: 1, name: 'a'.repeat(300) })], [7, 260]);
  });
});

describe('dhcp option map', () => {
  it('keeps order when a value is replaced, and forgets what is deleted', () => {
    const options = new OptionMap().setU8(1, 1).setU8(2, 2).setU8(3, 3).setU8(1, 9);
    assert.deepEqual([options.delete(2), options.delete(2), [...options.codes()], options.u8(1), options.size], [true, false, [1, 3], 9, 2]);
  });
  it('an empty list or text removes the option', () => {
    const options = new OptionMap().setAddresses(3, ['10.0.0.1']).setText(12, 'a').setAddresses(3, []).setText(12, '');
    assert.equal(options.size, 0);
  });
  it('writes and reads every type', () => {
    const options = new OptionMap().setU16(57, 1500).setU32(51, 0xfffffffe).setAddresses(6, ['1.2.3.4', '5.6.7.8']).setText(12, 'hé');
    assert.deepEqual([options.u16(57), options.u32(51), options.addresses(6), options.text(12)], [1500, 0xfffffffe, ['1.2.3.4', '5.6.7.8'], 'hé']);
  });
  it('fqdn replies: wire, partial, ASCII and empty', () => {
    const hex = (...args: Parameters<typeof encodeFqdn>): string => Buffer.from(encodeFqdn(...args)).toString('hex');
    assert.deepEqual([
      hex({ flags: 4, name: 'a', qualified: true }), hex({ flags: 4, name: 'a', qualified: false }),
      hex({ flags: 0, name: 'a', qualified: true }), hex({ flags: 4, name: '', qualified: false }),
    ], ['04ffff016100', '04ffff0161', '00ffff612e', '04ffff']);
  });
});
