import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as net from './net.ts';

const seed = 20261121;
const ip = (text: string): number => net.parseIpv4(text) ?? assert.fail(text);
const cidr = (text: string): net.Ipv4Network => net.parseCidr(text) ?? assert.fail(text);

describe('ipv4', () => {
  it('reads dotted quads', () => {
    assert.deepEqual(['0.0.0.0', '10.0.0.1', '255.255.255.255'].map(net.parseIpv4), [0, 0x0a000001, 0xffffffff]);
  });
  for (const text of ['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1..2.3', '.1.2.3', '1.2.3.', ' 1.2.3.4', '1.2.3.4 ', '-1.2.3.4', 'a.b.c.d', '1.2.3.00']) {
    it(`refuses '${text}'`, () => assert.equal(net.isIpv4(text), false));
  }
  it(`round trip (seed ${seed})`, () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), (n) => assert.equal(net.parseIpv4(net.formatIpv4(n)), n)), { seed });
    fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(net.formatIpv4(ip(text)), text)), { seed });
  });
  it('masks and prefixes', () => {
    for (let prefix = 0; prefix <= 32; prefix++) assert.equal(net.prefixOf(net.maskOf(prefix)), prefix);
    assert.equal(net.formatIpv4(net.maskOf(20)), '255.255.240.0');
    assert.equal(net.prefixOf(ip('255.0.255.0')), undefined);
    assert.throws(() => net.maskOf(33), RangeError);
  });
  it('networks', () => {
    assert.equal(net.formatCidr(cidr('10.77.1.9/24')), '10.77.1.0/24');
    assert.deepEqual(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/08', '10.0.0/8', '10.0.0.0/'].map(net.parseCidr), Array(5).fill(undefined));
    assert.equal(net.formatIpv4(net.broadcastOf(cidr('192.168.128.0/17'))), '192.168.255.255');
    assert.deepEqual([net.contains(cidr('0.0.0.0/0'), ip('255.1.1.1')), net.contains(cidr('128.0.0.0/1'), ip('127.0.0.1'))], [true, false]);
  });
  it('hosts of a network', () => {
    const range = (text: string): string[] => Object.values(net.hostRange(cidr(text))).map(net.formatIpv4);
    assert.deepEqual([range('10.0.0.0/24'), range('10.0.0.0/31'), range('10.0.0.1/32')],
      [['10.0.0.1', '10.0.0.254'], ['10.0.0.0', '10.0.0.1'], ['10.0.0.1', '10.0.0.1']]);
  });
  it('order and ranges', () => {
    assert.deepEqual(['10.0.0.10', '9.0.0.1', '10.0.0.9', 'x'].sort(net.compareIpv4), ['x', '9.0.0.1', '10.0.0.9', '10.0.0.10']);
    const inRange = (address: string): boolean => net.inRange(address, '10.0.0.5', '10.0.0.7');
    assert.deepEqual(['10.0.0.4', '10.0.0.5', '10.0.0.7', '10.0.0.8', 'x'].map(inRange), [false, true, true, false, false]);
  });
});

describe('mac', () => {
  it('every form to every form', () => {
    const forms = { colon: '52:54:00:77:00:01', bare: '525400770001', dash: '52-54-00-77-00-01' };
    for (const from of Object.values(forms)) {
      for (const [form, to] of Object.entries(forms)) assert.equal(net.reformatMac(from.toUpperCase(), form as net.MacForm), to);
    }
  });
  for (const text of ['', '52:54:00:77:00', '52:54:00:77:00:0g', '52:54-00:77:00:01', '5254.0077.0001', '52:54:00:77:00:01:']) {
    it(`refuses '${text}'`, () => assert.equal(net.parseMac(text), undefined));
  }
  it('formats hardware addresses of any length', () => assert.deepEqual([net.formatMac(new Uint8Array()), net.formatMac(Uint8Array.of(1, 255))], ['', '01:ff']));
});
