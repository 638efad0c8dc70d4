import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageType, type DhcpMessage } from '@ironbus/wire';
import type { BootPolicy, Mac } from '@ironbus/contracts';
import { goldenMessage } from '../testing/goldens.ts';
import { address, sampleMac, sampleMessage, sampleNetwork, samplePolicy } from '../testing/samples.ts';
import { decide, namesUs, serverIdFor, type Move } from './decide.ts';
import { PolicyIndex } from './policy-index.ts';
import { makePool } from './pool.ts';

const otherMac = '52:54:00:77:00:02' as Mac;
const poolOf = (network: object = {}, policies: BootPolicy[] = []) => {
  const index = new PolicyIndex();
  for (const policy of policies) index.set(policy.mac, policy);
  return makePool(sampleNetwork(network), index);
};
const kept = { reservations: [{ mac: sampleMac, address: '10.77.0.20' }, { mac: otherMac, address: '10.77.0.150' }] };
const { request, decline, release, inform } = MessageType;
const confirm = (state: string, of: string, allowed = true): Move => ({ do: 'confirm', state, address: address(of), allowed } as Move);

const rows: [name: string, message: DhcpMessage, move: Move, network?: object][] = [
  ['a DISCOVER', sampleMessage(), { do: 'offer', wanted: undefined }],
  ['a DISCOVER that wishes', sampleMessage({ requested: '10.77.0.120' }), { do: 'offer', wanted: address('10.77.0.120') }],
  ['a wish outside the range', sampleMessage({ requested: '10.77.0.9' }), { do: 'offer', wanted: undefined }],
  ['a wish for what is kept for another', sampleMessage({ requested: '10.77.0.150' }), { do: 'offer', wanted: undefined }, kept],
  ['selecting us', sampleMessage({ type: request, requested: '10.77.0.120', server: '10.77.0.1' }), confirm('selecting', '10.77.0.120')],
  ['selecting another server', sampleMessage({ type: request, requested: '10.77.0.120', server: '10.77.0.2' }), { do: 'ignore', reason: 'other-server' }],
  ['selecting what is kept for another', sampleMessage({ type: request, requested: '10.77.0.150', server: '10.77.0.1' }), confirm('selecting', '10.77.0.150', false), kept],
  ['its reservation outside the range', sampleMessage({ type: request, requested: '10.77.0.20', server: '10.77.0.1' }), confirm('selecting', '10.77.0.20'), kept],
  ['init-reboot', sampleMessage({ type: request, requested: '10.77.0.120' }), confirm('init-reboot', '10.77.0.120')],
  ['init-reboot from another network', sampleMessage({ type: request, requested: '192.168.1.4' }), { do: 'nak', reason: 'wrong-network' }],
  ['renewing', sampleMessage({ type: request, ciaddr: '10.77.0.120' }), confirm('extending', '10.77.0.120')],
  ['renewing elsewhere', sampleMessage({ type: request, ciaddr: '192.168.1.4' }), { do: 'nak', reason: 'wrong-network' }],
  ['a REQUEST for nothing', sampleMessage({ type: request }), { do: 'ignore', reason: 'no-address' }],
  ['a DECLINE', sampleMessage({ type: decline, requested: '10.77.0.120', server: '10.77.0.1' }), { do: 'decline', address: address('10.77.0.120') }],
  ["a DECLINE of another's offer", sampleMessage({ type: decline, requested: '10.77.0.120', server: '10.77.0.2' }), { do: 'ignore', reason: 'other-server' }],
  ['a RELEASE', sampleMessage({ type: release, ciaddr: '10.77.0.120', server: '10.77.0.1' }), { do: 'release', address: address('10.77.0.120') }],
  ['a RELEASE without an address', sampleMessage({ type: release }), { do: 'ignore', reason: 'no-address' }],
  ['an INFORM', sampleMessage({ type: inform, ciaddr: '10.77.0.5' }), { do: 'inform', address: address('10.77.0.5') }],
  ['BOOTP with a reservation', sampleMessage({ type: 0 }), confirm('bootp', '10.77.0.20'), kept],
  ['BOOTP without one', sampleMessage({ type: 0 }), { do: 'ignore', reason: 'bootp-without-reservation' }],
  ["a server's message", sampleMessage({ type: MessageType.offer }), { do: 'ignore', reason: 'message-type' }],
  ['a reply', { ...sampleMessage(), op: 2 }, { do: 'ignore', reason: 'not-a-request' }],
  ['a message type unheard of', sampleMessage({ type: 0, options: { 53: 'fe' } }), { do: 'ignore', reason: 'message-type' }],
  ['the REQUEST of the QEMU ROM', goldenMessage('ipxe-rom-virtio-request'), confirm('selecting', '10.77.0.130')],
  ['the DISCOVER of OVMF', goldenMessage('ovmf-x64-pxe-discover'), { do: 'offer', wanted: undefined }],
];

for (const [name, message, move, network] of rows) {
  test(`decide: ${name}`, () => assert.deepEqual(decide({ message, mac: sampleMac, pool: poolOf(network), serverAddress: '10.77.0.1' }), move));
}

test("a policy's address is the machine's, unless the network reserves it", () => {
  const policy = samplePolicy({ reservedAddress: '10.77.0.130' });
  const pool = poolOf({}, [policy]);
  assert.deepEqual([pool.reservedFor(sampleMac), pool.allows(sampleMac, '10.77.0.130'), pool.allows(otherMac, '10.77.0.130')], ['10.77.0.130', true, false]);
  assert.deepEqual(pool.keptInRanges(), ['10.77.0.130']);
  const reserved = poolOf({ reservations: [{ mac: otherMac, address: '10.77.0.130' }] }, [policy]);
  assert.deepEqual([reserved.reservedFor(sampleMac), reserved.reservedFor(otherMac)], [undefined, '10.77.0.130']);
  assert.equal(poolOf({}, [samplePolicy({ reservedAddress: '10.99.0.1' })]).reservedFor(sampleMac), undefined, 'an address of another network');
});

test('a relay may put another server id into answers (RFC 5107)', () => {
  const relayed = sampleMessage({ type: request, giaddr: '10.77.1.1', server: '10.77.1.1', requested: '10.77.0.120', options: { 82: '0b040a4d0101' } });
  assert.equal(serverIdFor(relayed, '10.77.0.1'), '10.77.1.1');
  assert.ok(namesUs({ message: relayed, serverAddress: '10.77.0.1' }));
  assert.equal(serverIdFor(sampleMessage({ options: { 82: '0b040a4d0101' } }), '10.77.0.1'), '10.77.0.1', 'only from a relay');
});

test('each address of the host identifies the server (RFC 2131 §4.1)', () => {
  const message = sampleMessage({ type: request, server: '192.0.2.9', requested: '10.77.0.120' });
  assert.ok(namesUs({ message, serverAddress: '10.77.0.1', own: new Set(['10.77.0.1', '192.0.2.9']) }));
  assert.ok(!namesUs({ message, serverAddress: '10.77.0.1' }));
});
