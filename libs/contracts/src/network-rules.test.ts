import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Network } from './network.ts';
import { validateNetworks } from './network-rules.ts';

const lan = (changes: object = {}): Network => ({
  id: 'lan1', rack: 'rack1', interface: 'eth0', cidr: '10.77.0.0/24', mode: 'authoritative', serverAddress: '10.77.0.1', baseUrl: 'http://10.77.0.1:5248',
  relayed: false, dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.199' }], reservations: [], gateway: '10.77.0.254', dnsServers: ['10.77.0.1'],
  ntpServers: [], domain: null, leaseSeconds: 3600, mtu: null, unknownMachines: 'enlist', afterEnlist: 'poweroff', ...changes,
} as unknown as Network);
const mac = (n: number): string => `52:54:00:77:00:0${n}`;

const rows: [name: string, networks: Network[], expected: string[]][] = [
  ['a good network', [lan()], []],
  ['not a prefix', [lan({ cidr: '10.77.0.0/33' })], ['error /cidr']],
  ['host bits', [lan({ cidr: '10.77.0.5/24' })], ['error /cidr']],
  ['server outside', [lan({ serverAddress: '10.78.0.1' })], ['error /serverAddress']],
  ['server outside, by relay', [lan({ serverAddress: '10.78.0.1', relayed: true })], []],
  ['gateway outside', [lan({ gateway: '10.78.0.1' })], ['error /gateway']],
  ['gateway is the broadcast address', [lan({ gateway: '10.77.0.255' })], ['error /gateway']],
  ['no gateway', [lan({ gateway: null })], []],
  ['range backwards', [lan({ dynamicRanges: [{ from: '10.77.0.20', to: '10.77.0.10' }] })], ['error /dynamicRanges/0']],
  ['range outside', [lan({ dynamicRanges: [{ from: '10.77.0.200', to: '10.77.1.10' }] })], ['error /dynamicRanges/0']],
  ['ranges overlap', [lan({ dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.120' }, { from: '10.77.0.120', to: '10.77.0.130' }] })], ['error /dynamicRanges/1']],
  ['server inside the range', [lan({ dynamicRanges: [{ from: '10.77.0.1', to: '10.77.0.9' }] })], ['error /dynamicRanges/0']],
  ['gateway inside the range', [lan({ gateway: '10.77.0.150' })], ['error /dynamicRanges/0']],
  ['reservation inside the range is allowed', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.150' }] })], []],
  ['MAC reserved twice', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.20' }, { mac: mac(1), address: '10.77.0.21' }] })], ['error /reservations/1']],
  ['address reserved twice', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.20' }, { mac: mac(2), address: '10.77.0.20' }] })], ['error /reservations/1']],
  ['reservation outside', [lan({ reservations: [{ mac: mac(1), address: '10.79.0.20' }] })], ['error /reservations/0']],
  ['reservation of the gateway', [lan({ reservations: [{ mac: mac(1), address: '10.77.0.254' }] })], ['error /reservations/0']],
  ['nothing to give', [lan({ dynamicRanges: [] })], ['warning /dynamicRanges']],
  ['nothing to give, but off', [lan({ dynamicRanges: [], mode: 'off' })], []],
  ['no DNS', [lan({ dnsServers: [] })], ['warning /dnsServers']],
  ['lease too short', [lan({ leaseSeconds: 5 })], ['error /leaseSeconds']],
  ['one inside the other', [lan(), lan({ id: 'lan2', cidr: '10.77.0.0/16' })], ['error /cidr']],
  ['the same on one rack', [lan(), lan({ id: 'lan2' })], ['error /cidr']],
  ['the same on two racks, ranges apart', [lan(), lan({ id: 'lan2', rack: 'rack2', dynamicRanges: [{ from: '10.77.0.10', to: '10.77.0.20' }] })], []],
  ['the same on two racks, one range', [lan(), lan({ id: 'lan2', rack: 'rack2' })], ['error /dynamicRanges/0']],
  ['neighbours', [lan(), lan({ id: 'lan2', cidr: '10.77.1.0/24', serverAddress: '10.77.1.1', gateway: null, dynamicRanges: [{ from: '10.77.1.5', to: '10.77.1.9' }] })], []],
  ['a /31', [lan({ cidr: '10.77.0.0/31', serverAddress: '10.77.0.0', gateway: null, dynamicRanges: [{ from: '10.77.0.1', to: '10.77.0.1' }] })], []],
];

for (const [name, networks, expected] of rows) {
  test(`networks: ${name}`, () => {
    assert.deepEqual(validateNetworks(networks).map(({ severity, path }) => `${severity} ${path}`), expected);
  });
}

test('a message names the offender and the way out', () => {
  const [problem] = validateNetworks([lan({ gateway: '10.77.0.150' })]);
  assert.equal(problem?.message, 'the gateway 10.77.0.150 is inside the range 10.77.0.100 - 10.77.0.199: it would be given to a machine; split the range around it');
});
