import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkInterfaces } from 'node:os';
import { sampleNetwork } from '../testing/samples.ts';
import { ownAddresses, serverAddressOn, type DeviceAddresses } from './server-address.ts';

const four = (...addresses: string[]) => addresses.map((address) => ({ address, family: 'IPv4' }));
const six = { address: 'fe80::1', family: 'IPv6' };
const far = { relayed: true, cidr: '10.99.0.0/24' };

const rows: [name: string, network: object, devices: DeviceAddresses, address: string | RegExp, how?: string][] = [
  ['the network’s own', {}, { eth0: [six, ...four('10.77.0.9', '10.77.0.1')] }, '10.77.0.1', 'set'],
  ['a replica’s own', {}, { eth0: four('192.0.2.4', '10.77.0.2', '10.77.0.3') }, '10.77.0.2', 'own'],
  ['under a label', {}, { 'eth0:1': four('10.77.0.2') }, '10.77.0.2', 'own'],
  ['not of a device that begins alike', {}, { eth01: four('10.77.0.2') }, /^eth0 has no address inside 10\.77\.0\.0\/24, eth01 has: set the interface of network lan1 to eth01$/],
  ['the network’s, but on another device', {}, { eth0: four('192.0.2.4'), br0: four('10.77.0.1') }, /br0 has: set the interface of network lan1 to br0$/],
  ['outside the network', {}, { eth0: four('192.0.2.4') }, /^eth0 has 192\.0\.2\.4, none of it inside 10\.77\.0\.0\/24: give it an address of 10\.77\.0\.0\/24 \(ip addr add <address>\/24 dev eth0\)/],
  ['IPv6 alone', {}, { eth0: [six] }, /^eth0 is down, missing or has no IPv4 address: give it/],
  ['nothing at all', {}, {}, /^eth0 is down, missing or has no IPv4 address/],
  ['behind a relay, the network’s own', { ...far, serverAddress: '192.0.2.1' }, { eth0: four('192.0.2.4', '192.0.2.1') }, '192.0.2.1', 'set'],
  ['behind a relay, the network’s own on loopback', { ...far, serverAddress: '203.0.113.1' }, { lo: four('127.0.0.1', '203.0.113.1'), eth0: four('192.0.2.4') }, '203.0.113.1', 'set'],
  ['behind a relay, where this host is not', { ...far, serverAddress: '192.0.2.1' }, { eth0: four('192.0.2.4') }, '192.0.2.4', 'reached'],
  ['behind a relay, and on the network too', { ...far, serverAddress: '192.0.2.1' }, { eth0: four('192.0.2.4', '10.99.0.4') }, '10.99.0.4', 'own'],
  ['behind a relay, no address', far, { eth0: [six] }, /^eth0 has no IPv4 address that relays and clients of 10\.99\.0\.0\/24 could reach/],
];
for (const [name, network, devices, expected, how] of rows) {
  test(`server address: ${name}`, () => {
    const found = serverAddressOn(sampleNetwork(network), devices);
    if (typeof expected === 'string') return assert.deepEqual(found, { ok: true, address: expected, how });
    assert.ok(!found.ok);
    assert.equal(found.state, 'no-device');
    assert.match(found.why, expected);
  });
}

test('takes what node gives', () => {
  const devices = networkInterfaces();
  assert.equal(ownAddresses(devices).has('127.0.0.1'), true);
  const loopback = Object.keys(devices).find((name) => devices[name]?.some(({ address }) => address === '127.0.0.1'));
  const found = serverAddressOn(sampleNetwork({ interface: loopback, cidr: '127.0.0.0/8' }), devices);
  assert.equal(found.ok && found.address, '127.0.0.1');
});
