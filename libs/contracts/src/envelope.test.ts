import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { catalog, IronbusError, leaseOffered, makeEvent, nodeTransitioned, parseMac, reactionId, readEvent, subjectOf, type DataOf, type EventDefinition, type Ipv4, type Origin } from './index.ts';

const dhcp: Origin = { service: 'dhcp', rack: 'rack1', instance: 'a' };
const data: DataOf<typeof leaseOffered> = { mac: parseMac('525400770001')!, address: '10.77.0.100' as Ipv4, network: 'pxe', leaseSeconds: 60, client: 'pxe-bios', rule: 'bios-firmware' };
const offered = makeEvent(leaseOffered, dhcp, { key: '525400770001', data });

test('an event is a CloudEvent with the rack in its source and subject', () => {
  assert.equal(offered.specversion, '1.0');
  assert.equal(offered.source, '/racks/rack1/dhcp/a');
  assert.equal(subjectOf(offered), 'lease.offered.rack1.525400770001');
  assert.deepEqual(readEvent([leaseOffered], structuredClone(offered)), { ok: true, event: offered });
});

test('region services publish under region', () => {
  const lifecycle: Origin = { service: 'lifecycle', rack: 'rack1', instance: 'a' };
  const refused = catalog.find((event) => event.type === 'node.request-refused') as EventDefinition;
  assert.equal(subjectOf(makeEvent(refused, lifecycle, { key: 'k7x2mp', data: { request: 'x', code: 'NODE_STATE', message: 'no' } })), 'node.request-refused.region.k7x2mp');
});

test('a foreign type is refused at publish, naming the owner', () => {
  assert.throws(() => makeEvent(nodeTransitioned, dhcp, { key: 'n', data: {} as never }), (error) => error instanceof IronbusError && error.code === 'EVENT_FOREIGN' && /lifecycle/.test(error.message));
});

test('invalid data is refused at publish, naming every violation', () => {
  const wrong = { ...data, mac: 'not-a-mac', leaseSeconds: -1 } as unknown as typeof data;
  assert.throws(() => makeEvent(leaseOffered, dhcp, { key: '525400770001', data: wrong }), (error) => error instanceof IronbusError && error.code === 'EVENT_INVALID' && /\/data\/mac/.test(error.message) && /\/data\/leaseSeconds/.test(error.message));
});

test('a key that would break the subject is refused', () => {
  for (const key of ['a.b', 'A', '', 'x>']) assert.throws(() => makeEvent(leaseOffered, dhcp, { key, data }), /EVENT_INVALID|subject/);
});

test('at consume: another service’s source is refused', () => {
  const read = readEvent([leaseOffered], { ...offered, source: '/racks/rack1/tftp/a' });
  assert.equal(read.ok, false);
  assert.match(JSON.stringify(read), /belongs to dhcp/);
});

test('a reader tolerates fields newer than itself', () => {
  assert.equal(readEvent([leaseOffered], { ...offered, newer: 1, data: { ...data, newer: 2 } }).ok, true);
});

test('readEvent never throws', () => {
  fc.assert(fc.property(fc.anything(), (value) => { readEvent(catalog, value); }), { numRuns: 500 });
  fc.assert(fc.property(fc.constantFrom(...Object.keys(offered)), fc.anything(), (field, value) => { readEvent(catalog, { ...offered, [field]: value }); }), { numRuns: 500 });
});

test('a redelivered cause makes the same ids, other causes and ordinals other ones', () => {
  assert.equal(reactionId('a', 'node.updated', 1), reactionId('a', 'node.updated', 1));
  assert.equal(new Set([reactionId('a', 't'), reactionId('b', 't'), reactionId('a', 'u'), reactionId('a', 't', 1)]).size, 4);
});
