import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Envelope, Mac, Network, Node } from '@ironbus/contracts';
import { changeOf, isOver, showLeases, stateOf, type LeaseRecord } from './leases.ts';

const at = Date.parse('2026-11-21T10:00:00.000Z');
const iso = (seconds: number): string => new Date(at + seconds * 1000).toISOString();
const lease = { mac: '52:54:00:77:00:01', address: '10.77.0.100', network: 'lan1', leaseSeconds: 3600, sequence: 7, hostname: 'web1' };
const fact = (type: string, more: object): Envelope =>
  ({ type, source: '/racks/rack1/dhcp/a', time: iso(0), data: { ...lease, ...more } } as unknown as Envelope);

const facts: [type: string, more: object, lease: object | null, quarantine: object | null, memorySeconds: number][] = [
  ['lease.granted', { expiresAt: iso(3600), client: 'ipxe' }, { endsAt: iso(3600), client: 'ipxe', declined: false }, null, 7200],
  ['lease.renewed', { expiresAt: iso(60), client: 'plain' }, { endsAt: iso(60), client: 'plain', declined: false }, null, 3660],
  ['lease.released', {}, null, null, 3600], ['lease.expired', {}, null, null, 3600],
  ['lease.declined', { quarantinedUntil: iso(600) }, null, { endsAt: iso(600), client: null, declined: true }, 3600],
];
for (const [type, more, expected, quarantine, memorySeconds] of facts) {
  test(`${type} as a change`, () => {
    const base = { rack: 'rack1', network: 'lan1', mac: lease.mac, address: lease.address, hostname: 'web1', sequence: 7 };
    assert.deepEqual(changeOf(fact(type, more)), {
      key: 'rack1/lan1/52:54:00:77:00:01', quarantineKey: 'rack1/lan1/10.77.0.100', sequence: 7, atMs: at, memoryUntilMs: at + memorySeconds * 1000,
      lease: expected === null ? null : { ...base, ...expected }, quarantine: quarantine === null ? null : { ...base, ...quarantine },
    });
  });
}

test('another fact is none', () => assert.equal(changeOf(fact('lease.offered', {})), undefined));

const record = (changes: object = {}): LeaseRecord =>
  ({ rack: 'rack1', network: 'lan1', mac: lease.mac, address: lease.address, hostname: 'web1', client: 'plain', endsAt: iso(60), sequence: 7, declined: false,
  ...changes } as LeaseRecord);

const states: [name: string, record: LeaseRecord, state: string, over: boolean][] = [
  ['running', record(), 'active', false], ['run out', record({ endsAt: iso(-1) }), 'expired', false],
    ['run out for a day', record({ endsAt: iso(-86_400) }), 'expired', true],
  ['declined', record({ declined: true }), 'declined', false], ['declined, quarantine over', record({ declined: true, endsAt: iso(0) }), 'declined', true],
];
for (const [name, one, state, over] of states) test(`a lease: ${name}`, () => assert.deepEqual([stateOf(one, at), isOver(one, at)], [state, over]));

test('shown with domain name and node, filtered, in the order of addresses', () => {
  const records = [record({ address: '10.77.0.100' }), record({ address: '10.77.0.20', mac: '52:54:00:77:00:02' as Mac, hostname: null }),
    record({ network: 'lan2', address: '10.78.0.9' })];
  const world = { networks: [{ id: 'lan1', domain: 'example.org' }, { id: 'lan2', domain: null }] as Network[],
    nodes: [{ id: 'k7x2mp', macs: ['52:54:00:77:00:01'] }] as unknown as Node[], nowMs: at };
  const shown = showLeases(records, {}, world);
  assert.deepEqual(shown.map(({ address, domainName, node, state }) => [address, domainName, node, state]), [
    ['10.77.0.20', null, null, 'active'], ['10.77.0.100', 'web1.example.org', 'k7x2mp', 'active'], ['10.78.0.9', null, 'k7x2mp', 'active'],
  ]);
  assert.deepEqual(showLeases(records, { network: 'lan2' }, world).map(({ address }) => address), ['10.78.0.9']);
  assert.deepEqual(showLeases(records, { mac: '52:54:00:77:00:02' }, world).map(({ address }) => address), ['10.77.0.20']);
  assert.deepEqual(showLeases(records, { address: '10.77.0.100' }, world).map(({ address }) => address), ['10.77.0.100']);
});
