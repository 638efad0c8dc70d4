import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Network } from '@ironbus/contracts';
import { makeNode } from '../testing/region.ts';
import type { LeaseRecord } from './leases.ts';
import { useMessage, usesLost } from './network-use.ts';

const nowMs = Date.parse('2026-11-21T10:00:00.000Z');
const lan = (changes: object = {}): Network => ({
  id: 'lan1', rack: 'rack1', cidr: '10.77.0.0/24', serverAddress: '10.77.0.1', gateway: '10.77.0.254',
    dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.199' }], reservations: [], ...changes,
} as unknown as Network);
const mac = '52:54:00:77:00:01';
const lease = (changes: object = {}): LeaseRecord =>
  ({ rack: 'rack1', network: 'lan1', mac, address: '10.77.0.150', hostname: null, client: 'plain', endsAt: '2026-11-21T11:00:00.000Z', sequence: 1,
  declined: false, ...changes } as LeaseRecord);
const node = (changes: object = {}) => makeNode({ hostname: 'web1', status: 'Deployed', reservedAddress: '10.77.0.30' as never, ...changes });

type World = { leases?: LeaseRecord[]; nodes?: ReturnType<typeof node>[] };
const rows: [name: string, world: World, after: Network | null, lost: string[]][] = [
  ['removed, nothing in use', {}, null, []],
  ['removed with a lease', { leases: [lease()] }, null, ['10.77.0.150']],
  ['removed with a lease that ran out', { leases: [lease({ endsAt: '2026-11-21T09:59:59.000Z' })] }, null, []],
  ['removed with a declined address', { leases: [lease({ declined: true })] }, null, []],
  ['removed with a lease of another network', { leases: [lease({ network: 'lan2' })] }, null, []],
  ['removed with a lease of another rack', { leases: [lease({ rack: 'rack2' })] }, null, []],
  ['removed with a machine that keeps an address', { nodes: [node()] }, null, ['10.77.0.30']],
  ['removed with a machine that keeps one elsewhere', { nodes: [node({ reservedAddress: '10.99.0.30' })] }, null, []],
  ['removed with a deployed machine', { nodes: [node({ reservedAddress: null, addresses: ['10.77.0.31', 'fe80::1'], deployment: {} })] }, null, ['10.77.0.31']],
  ['removed with a machine that is not deployed', { nodes: [node({ reservedAddress: null, addresses: ['10.77.0.31'] })] }, null, []],
  ['nothing about addresses changed', { leases: [lease()], nodes: [node()] }, lan({ domain: 'x.org', mode: 'shadow' }), []],
  ['range shrunk beside the lease', { leases: [lease()] }, lan({ dynamicRanges: [{ from: '10.77.0.140', to: '10.77.0.199' }] }), []],
  ['range shrunk over the lease', { leases: [lease()] }, lan({ dynamicRanges: [{ from: '10.77.0.160', to: '10.77.0.199' }] }), ['10.77.0.150']],
  ['range shrunk, but reserved for it', { leases: [lease()] }, lan({ dynamicRanges: [], reservations: [{ mac, address: '10.77.0.150' }] }), []],
  ['range shrunk, but its machine keeps it', { leases: [lease()], nodes: [node({ macs: [mac], reservedAddress: '10.77.0.150' })] }, lan({ dynamicRanges: [] }),
    []],
  ['reserved for another', { leases: [lease()] }, lan({ reservations: [{ mac: '52:54:00:77:00:09', address: '10.77.0.150' }] }), ['10.77.0.150']],
  ['its reservation removed', { leases: [lease({ address: '10.77.0.20' })] }, lan(), []],
  ['prefix smaller', { leases: [lease()], nodes: [node()] }, lan({ cidr: '10.77.0.0/26', gateway: null, dynamicRanges: [] }), ['10.77.0.150']],
  ['prefix elsewhere', { leases: [lease()], nodes: [node()] }, lan({ cidr: '10.78.0.0/24' }), ['10.77.0.30', '10.77.0.150']],
  ['a reserved range over a kept address', { nodes: [node()] }, lan({ reservedRanges: [{ from: '10.77.0.20', to: '10.77.0.40' }] }), ['10.77.0.30']],
  ['unmanaged: a reserved range around it', { nodes: [node()] }, lan({ managed: false, reservedRanges: [{ from: '10.77.0.20', to: '10.77.0.40' }] }), []],
  ['the gateway moves onto it', { nodes: [node()] }, lan({ gateway: '10.77.0.30' }), ['10.77.0.30']],
  ['another rack', { leases: [lease()], nodes: [node()] }, lan({ rack: 'rack2' }), ['10.77.0.150']],
];
for (const [name, { leases = [], nodes = [] }, after, lost] of rows) {
  test(`in use: ${name}`, () => assert.deepEqual(usesLost(lan(), after, { leases, nodes, nowMs }).map(({ address }) => address), lost));
}

test('a reservation that goes takes its lease along', () => {
  const before = lan({ reservations: [{ mac, address: '10.77.0.20' }] });
  assert.deepEqual(usesLost(before, lan(), { leases: [lease({ address: '10.77.0.20' })], nodes: [], nowMs }).map(({ address }) => address), ['10.77.0.20']);
});

test('the message names machines and leases, some of many, and the ways out', () => {
  const leases = Array.from({ length: 8 }, (_, n) => lease({ address: `10.77.0.${150 + n}`, mac: `52:54:00:77:01:0${n}` }));
  const uses = usesLost(lan(), null, { leases, nodes: [node()], nowMs });
  assert.equal(uses.length, 9);
  const message = useMessage(lan(), null, uses);
  assert.match(message, /^network lan1: removing it would take away 9 addresses that are in use: 10\.77\.0\.30 \(web1, Deployed\), 10\.77\.0\.150 \(leased by 52:54:00:77:01:00 until 2026-11-21T11:00:00\.000Z\), .* and 4 more; release .*\?force=true/);
  assert.match(useMessage(lan(), lan(), uses.slice(0, 1)), /this change would take away an address that is in use: 10\.77\.0\.30/);
});
