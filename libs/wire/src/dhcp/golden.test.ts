import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readGolden, readGoldens } from '../goldens.ts';
import { encode } from './encode.ts';
import { bootFile, clientKey, hardwareMac, maxMessageSize, messageType, requestedAddress, routes, serverId, userClass, vendorClass } from './getters.ts';
import { type DhcpMessage, makeMessage } from './messages.ts';
import { bsdpListReply, bsdpRequest } from './options/bsdp.ts';
import { clientFqdn, encodeFqdn } from './options/fqdn.ts';
import { ipxeFeatures, noProxyDhcp } from './options/ipxe.ts';
import { clientArch, clientUuid, isRaspberryPi, pxeSubOptions, pxeVendorOptions, raspberryPiBoot, raspberryPiVendorOptions } from './options/pxe.ts';
import { relayInfo } from './options/relay.ts';
import { decodeOk, optionsOf } from './testing.ts';

const golden = (name: string): Buffer => readGolden('dhcp', name);
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/** What a server looks at, for one row of the table. */
function summary(m: DhcpMessage): Record<string, unknown> {
  return {
    type: messageType(m), mac: hardwareMac(m), broadcast: m.broadcast, arch: clientArch(m), vendor: vendorClass(m), user: userClass(m),
    uuid: clientUuid(m), size: maxMessageSize(m), order: [...m.options.codes()].join(' '),
  };
}

const uuid2 = '22222222-2222-3333-4444-555555555555';
const zeros = '00000000-0000-0000-0000-000000000000';
const ipxeOrder = '53 57 93 94 60 77 55 175 61 97';
const edkOrder = '53 57 55 97 94 93 60';
const biosUndi = 'PXEClient:Arch:00000:UNDI:002001';

const clients: ReadonlyArray<[name: string, expected: Record<string, unknown>]> = [
  ['ipxe-rom-virtio-discover', { type: 1, mac: '52:54:00:77:00:01', broadcast: false, arch: [0], vendor: biosUndi, user: ['iPXE'], uuid: zeros, size: 1472, order: ipxeOrder }],
  ['ipxe-rom-virtio-request', { type: 3, mac: '52:54:00:77:00:01', broadcast: false, arch: [0], vendor: biosUndi, user: ['iPXE'], uuid: zeros, size: 1472, order: `${ipxeOrder} 54 50` }],
  ['ipxe-rom-e1000-discover', { type: 1, mac: '52:54:00:77:00:05', broadcast: false, arch: [0], vendor: biosUndi, user: ['iPXE'], uuid: zeros, size: 1472, order: ipxeOrder }],
  ['undionly-discover', { type: 1, mac: '52:54:00:77:00:02', broadcast: true, arch: [0], vendor: biosUndi, user: ['iPXE'], uuid: '11111111-2222-3333-4444-555555555555', size: 1472, order: ipxeOrder }],
  ['ovmf-x64-pxe-discover', { type: 1, mac: '52:54:00:77:00:10', broadcast: true, arch: [7], vendor: 'PXEClient:Arch:00007:UNDI:003000', user: undefined, uuid: uuid2, size: 1472, order: edkOrder }],
  ['ovmf-x64-pxe-request', { type: 3, mac: '52:54:00:77:00:10', broadcast: true, arch: [7], vendor: 'PXEClient:Arch:00007:UNDI:003000', user: undefined, uuid: uuid2, size: 65280, order: '53 54 50 57 55 97 94 93 60' }],
  ['ovmf-x64-http-discover', { type: 1, mac: '52:54:00:77:00:13', broadcast: true, arch: [16], vendor: 'HTTPClient:Arch:00016:UNDI:003000', user: undefined, uuid: uuid2, size: 1472, order: edkOrder }],
  ['ipxe-efi-discover', { type: 1, mac: '52:54:00:77:00:10', broadcast: false, arch: [7], vendor: 'PXEClient:Arch:00007:UNDI:003010', user: ['iPXE'], uuid: uuid2, size: 1472, order: ipxeOrder }],
  ['snponly-efi-discover', { type: 1, mac: '52:54:00:77:00:11', broadcast: false, arch: [7], vendor: 'PXEClient:Arch:00007:UNDI:003010', user: ['iPXE'], uuid: uuid2, size: 1472, order: ipxeOrder }],
  ['aavmf-arm64-pxe-discover', { type: 1, mac: '52:54:00:77:00:60', broadcast: true, arch: [11], vendor: 'PXEClient:Arch:00011:UNDI:003000', user: undefined, uuid: zeros, size: 1472, order: edkOrder }],
  ['udhcpc-discover', { type: 1, mac: '52:54:00:77:00:03', broadcast: false, arch: undefined, vendor: 'udhcp 1.35.0', user: undefined, uuid: undefined, size: 576, order: '53 57 55 60 61' }],
  ['udhcpc-request', { type: 3, mac: '52:54:00:77:00:12', broadcast: false, arch: undefined, vendor: 'udhcp 1.35.0', user: undefined, uuid: undefined, size: 576, order: '53 50 54 57 55 60 61' }],
  ['rfc3004-user-class', { type: 1, mac: '00:05:3c:04:8d:59', broadcast: false, arch: undefined, vendor: 'abc', user: ['iPXE', 'warehouse'], uuid: undefined, size: undefined, order: '53 77 60' }],
  ['bootp-request', { type: undefined, mac: '00:05:3c:04:8d:59', broadcast: false, arch: undefined, vendor: undefined, user: undefined, uuid: undefined, size: undefined, order: '' }],
  ['ipoib-discover', { type: 1, mac: undefined, broadcast: true, arch: undefined, vendor: undefined, user: undefined, uuid: undefined, size: undefined, order: '53 61 55' }],
  ['raspberry-pi3-discover', { type: 1, mac: 'b8:27:eb:28:f6:6d', broadcast: false, arch: [0], vendor: biosUndi, user: undefined, uuid: '44444444-4444-4444-4444-444444444444', size: undefined, order: '53 55 93 94 97 60' }],
  ['raspberry-pi4-discover', { type: 1, mac: 'dc:a6:32:01:02:03', broadcast: false, arch: [0], vendor: biosUndi, user: undefined, uuid: '34695052-4111-00c0-3201-020310000001', size: undefined, order: '53 55 93 94 97 60' }],
];

describe('dhcp golden decode: clients', () => {
  for (const [name, expected] of clients) {
    it(name, () => assert.deepEqual(summary(decodeOk(golden(name))), expected));
  }
});

describe('dhcp golden decode: single features', () => {
  it('the iPXE ROM announces its features, its version and its network card', () => {
    const { features, version, pciId } = ipxeFeatures(decodeOk(golden('ipxe-rom-virtio-discover'))) ?? { features: [] };
    assert.deepEqual(features, ['dns', 'elf', 'http', 'iscsi', 'menu', 'multiboot', 'nfs', 'pxeExt', 'pxe', 'tftp', 'bzimage', 'aoe']);
    assert.deepEqual([version, pciId], ['1.0.0', '1af4:1000']);
  });
  it('a REQUEST names server and address', () => {
    const m = decodeOk(golden('ipxe-rom-virtio-request'));
    assert.deepEqual([serverId(m), requestedAddress(m)], ['10.77.0.1', '10.77.0.130']);
  });
  it('the boot file comes from option 67, without its NUL, or from the header', () => {
    assert.equal(bootFile(decodeOk(golden('ovmf-x64-http-offer'))), 'http://10.77.0.1/ipxe.efi');
    assert.equal(bootFile(decodeOk(golden('dnsmasq-ack-file-field'))), 'shimx64.efi');
  });
  it('overload: options continue in file, then sname (RFC 3396 §5)', () => {
    const m = decodeOk(golden('rfc2132-overload'));
    assert.deepEqual([m.sname, m.file, bootFile(m), serverId(m)], ['', '', 'boot/loader.efi', '10.0.0.1']);
  });
  it('a split option is joined in order', () => {
    assert.equal(bootFile(decodeOk(golden('rfc3396-split'))), `http://10.0.0.1/${'a'.repeat(239)}${'b'.repeat(45)}`);
  });
  it('routes of every width of RFC 3442', () => {
    const found = routes(decodeOk(golden('rfc3442-routes')));
    assert.deepEqual(found?.map((route) => route.destination), [
      '0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/24', '10.17.0.0/16', '10.27.129.0/24', '10.229.0.128/25', '10.198.122.47/32',
    ]);
    assert.deepEqual(found?.map((route) => route.router).slice(5), ['10.0.0.6', '0.0.0.0']);
  });
  it('relay agent information with link selection and server id override', () => {
    const m = decodeOk(golden('rfc3046-relayed-discover'));
    const info = relayInfo(m);
    assert.deepEqual([m.giaddr, m.hops, info?.linkSelection, info?.serverIdOverride], ['10.77.1.1', 1, '10.77.2.0', '10.77.1.1']);
    assert.equal(Buffer.from(info?.circuitId ?? []).toString(), 'ge-0/0/12');
    assert.deepEqual(info?.subOptions.map((sub) => sub.code), [1, 2, 5, 11, 200]);
  });
  it('client fqdn in wire form', () => {
    assert.deepEqual(clientFqdn(decodeOk(golden('rfc4702-fqdn'))), { flags: 5, name: 'client.example.com', qualified: true });
  });
  it('BSDP LIST and SELECT', () => {
    assert.deepEqual(bsdpRequest(decodeOk(golden('bsdp-list-inform'))), { kind: 'list', version: 0x0101, replyPort: 993, maxMessageSize: 8192 });
    const select = bsdpRequest(decodeOk(golden('bsdp-select-inform')));
    assert.deepEqual([select?.kind, select?.selectedImage, Buffer.from(select?.serverId ?? []).toString('hex')], ['select', 0x81000089, '0a000001']);
  });
  it('a machine without hardware address is keyed by option 61', () => {
    assert.equal(clientKey(decodeOk(golden('ipoib-discover'))), 'id/ff0000000100030020e41d2d0300123456');
    assert.equal(clientKey(decodeOk(golden('udhcpc-discover'))), '1/525400770003');
  });
  it('a Raspberry Pi is told from a PXE BIOS', () => {
    assert.equal(isRaspberryPi(decodeOk(golden('raspberry-pi4-discover'))), true);
    assert.equal(isRaspberryPi(decodeOk(golden('undionly-discover'))), false);
    assert.deepEqual(pxeVendorOptions(decodeOk(golden('raspberry-pi-offer'))), raspberryPiVendorOptions);
  });
  it('the ROM of the first Pi 3 is told from the EEPROM of a Pi 4, and from no Pi', () => {
    const boots = ['raspberry-pi3-discover', 'raspberry-pi4-discover', 'undionly-discover'].map((name) => raspberryPiBoot(decodeOk(golden(name))));
    assert.deepEqual(boots, [{ code: 'rom', constantUuid: true }, { code: 'eeprom', constantUuid: false }, undefined]);
  });
  it('EDK2 asks a boot server for an item of the menu', () => {
    const m = decodeOk(golden('edk2-boot-server-request'));
    assert.deepEqual([m.ciaddr, pxeVendorOptions(m)?.bootItem], ['10.77.0.120', { type: 0x8001, layer: 0 }]);
  });
});

/** Goldens that no canonical encoder would write again, each with the reason. */
const notCanonical: ReadonlyMap<string, string> = new Map([
  ['rfc2132-overload', 'fits without overload'], ['rfc3396-split', 'pieces apart'], ['rfc3397-search', 'split below 255 bytes'],
  ['rfc3004-user-class', 'pads between options'],
]);

describe('dhcp golden encode', () => {
  for (const { name, bytes } of readGoldens('dhcp').filter((g) => !notCanonical.has(g.name))) {
    it(`${name} is written byte for byte`, () => {
      const again = encode(decodeOk(bytes), { minBytes: bytes.length });
      assert.equal(Buffer.from(again).toString('hex'), bytes.toString('hex'));
    });
  }

  it('the ACK to an iPXE ROM, built from scratch', () => {
    const m = makeMessage({ op: 2, xid: 0x7bdf8b19, secs: 10, yiaddr: '10.77.0.130', siaddr: '10.77.0.1', chaddr: hex('525400770001') });
    m.options.setU8(53, 5).setAddress(54, '10.77.0.1').setU32(51, 3600).setText(67, 'http://10.77.0.1/boot.ipxe\0').setU32(58, 1800).setU32(59, 3150)
      .setAddress(1, '255.255.255.0').setAddress(28, '10.77.0.255').setAddresses(3, ['10.77.0.254']).setEncapsulated(175, [noProxyDhcp], true);
    assert.equal(Buffer.from(encode(m)).toString('hex'), golden('ipxe-rom-virtio-ack').toString('hex'));
  });
  it('the offer to a Raspberry Pi, built from scratch', () => {
    const m = makeMessage({ op: 2, xid: 0x3903f326, yiaddr: '10.0.0.10', siaddr: '10.0.0.1', chaddr: hex('dca632010203') });
    m.options.setU8(53, 2).setAddress(54, '10.0.0.1').setText(60, 'PXEClient').setEncapsulated(43, pxeSubOptions(raspberryPiVendorOptions), true);
    assert.equal(Buffer.from(encode(m)).toString('hex'), golden('raspberry-pi-offer').toString('hex'));
  });
  it('the ACK to BSDP LIST, built from scratch', () => {
    const m = makeMessage({ op: 2, xid: 0x3903f326, ciaddr: '10.0.0.20', siaddr: '10.0.0.1', chaddr: hex('001b638445e6') });
    const list = bsdpListReply({ priority: 0x8000, defaultImage: 0x81000089, images: [{ id: 0x81000089, name: 'Install' }, { id: 0x0100008a, name: 'Debian Linux' }] });
    m.options.setU8(53, 5).setAddress(54, '10.0.0.1').setText(60, 'AAPLBSDPC').setEncapsulated(43, list);
    assert.equal(Buffer.from(encode(m)).toString('hex'), golden('bsdp-list-ack').toString('hex'));
  });
  it('routes, search list and fqdn values, built from scratch', () => {
    const value = (name: string, code: number): string => Buffer.from(decodeOk(golden(name)).options.get(code) ?? []).toString('hex');
    const found = routes(decodeOk(golden('rfc3442-routes'))) ?? [];
    const options = optionsOf().setRoutes(found).setDomains(['eng.apple.com', 'marketing.apple.com']);
    assert.equal(Buffer.from(options.get(121) ?? []).toString('hex'), value('rfc3442-routes', 121));
    assert.equal(Buffer.from(options.get(119) ?? []).toString('hex'), value('rfc3397-search', 119));
    const reply = encodeFqdn({ flags: 5, name: 'client.example.com', qualified: true });
    assert.equal(Buffer.from(reply).toString('hex'), value('rfc4702-fqdn', 81).replace(/^050000/, '05ffff'));
  });
});
