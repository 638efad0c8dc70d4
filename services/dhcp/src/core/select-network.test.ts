import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageType, type DhcpMessage } from '@ironbus/wire';
import { goldenMessage } from '../testing/goldens.ts';
import { sampleMessage, sampleNetwork } from '../testing/samples.ts';
import { selectNetwork } from './select-network.ts';

const networks = [
  sampleNetwork(),
  sampleNetwork({ id: 'empty', interface: 'eth1', cidr: '10.80.0.0/24', dynamicRanges: [] }),
  sampleNetwork({ id: 'far', cidr: '10.77.1.0/24', relayed: true }),
  sampleNetwork({ id: 'linked', cidr: '10.77.2.0/24', relayed: true }),
  sampleNetwork({ id: 'off', interface: 'eth2', cidr: '10.79.0.0/24', mode: 'off' }),
  sampleNetwork({ id: 'shared', interface: 'eth1', cidr: '10.81.0.0/24', dynamicRanges: [{ from: '10.81.0.5', to: '10.81.0.9' }] }),
  sampleNetwork({ id: 'tagged', cidr: '10.90.0.0/24', relayed: true, fabric: 'dc', vlan: { vid: 7 } }),
  sampleNetwork({ id: 'second', cidr: '10.91.0.0/24', relayed: true, fabric: 'dc', vlan: { vid: 7 } }),
  sampleNetwork({ id: 'other', cidr: '10.92.0.0/24', relayed: true, fabric: 'dc', vlan: { vid: 8 } }),
];
const { request } = MessageType;

const rows: [name: string, message: DhcpMessage, device: string, expected: string][] = [
  ['by device', sampleMessage(), 'eth0', 'lan1'],
  ['by giaddr', sampleMessage({ giaddr: '10.77.1.1' }), 'eth0', 'far'],
  ['a relay on the network itself', sampleMessage({ giaddr: '10.77.0.254' }), 'eth0', 'lan1'],
  ['by link selection (RFC 3527)', sampleMessage({ giaddr: '10.77.0.254', options: { 82: '05040a4d0100' } }), 'eth0', 'far'],
  ['link selection without a relay is nothing', sampleMessage({ options: { 82: '05040a4d0100' } }), 'eth0', 'lan1'],
  ['a relay nobody knows', sampleMessage({ giaddr: '172.16.0.1' }), 'eth0', 'unknown-relay'],
  ['a device without a network', sampleMessage(), 'eth9', 'no-network'],
  ['a network that is off', sampleMessage(), 'eth2', 'no-network'],
  ['a relayed client renews by unicast', sampleMessage({ type: request, ciaddr: '10.77.1.20' }), 'eth0', 'far'],
  ['a client that moved here keeps the device', sampleMessage({ type: request, ciaddr: '192.168.0.9' }), 'eth0', 'lan1'],
  ['a shared wire: the one with addresses to give', sampleMessage(), 'eth1', 'shared empty'],
  ['a shared wire: the one whose address it wants', sampleMessage({ requested: '10.80.0.7' }), 'eth1', 'empty shared'],
  ['a shared wire: the one it names (RFC 3011)', sampleMessage({ options: { 118: '0a500000' } }), 'eth1', 'empty shared'],
  ['the relayed DISCOVER of the RFC 3046 golden', goldenMessage('rfc3046-relayed-discover'), 'eth0', 'linked'],
  ['a shared wire behind a relay', sampleMessage({ giaddr: '10.90.0.1' }), 'eth0', 'tagged second'],
];

for (const [name, message, device, expected] of rows) {
  test(`network: ${name}`, () => {
    const choice = selectNetwork(message, device, networks);
    assert.equal(choice.ok ? choice.networks.map(({ id }) => id).join(' ') : choice.reason, expected);
  });
}
