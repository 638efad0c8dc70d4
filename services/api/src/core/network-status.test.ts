import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DhcpServer, Network } from '@ironbus/contracts';
import { fabricsOf } from './fabrics.ts';
import { statusOf } from './network-status.ts';

const nowMs = Date.parse('2026-11-21T10:00:00.000Z');
const network = { id: 'lan1', rack: 'rack1', mode: 'authoritative' } as Network;
const other = { serverId: '10.77.0.254', from: '10.77.0.254', mac: null, offered: '10.77.0.77', bootFile: null, seenAt: '2026-11-21T09:59:58.000Z' };
const replica = (instance: string, state: string | null, changes: object = {}): DhcpServer => ({
  rack: 'rack1', instance, startedAt: '2026-11-21T09:00:00.000Z', at: '2026-11-21T09:59:50.000Z', storeReady: true,
  networks: state === null ? [] : [{ network: 'lan1', serverAddress: '10.77.0.1', state, why: state === 'refused' ? '10.77.0.254 answers there' : null,
    others: state === 'refused' ? [other] : [] }], ...changes,
} as unknown as DhcpServer);

const rows: [name: string, servers: DhcpServer[], state: string, why: RegExp | null][] = [
  ['nobody was ever heard', [], 'unserved', /start one there/],
  ['one serves', [replica('a', 'authoritative')], 'authoritative', null],
  ['one of another rack', [replica('a', 'authoritative', { rack: 'rack2' })], 'unserved', /start one there/],
  ['one is dead', [replica('a', 'authoritative', { at: '2026-11-21T09:59:44.999Z' })], 'unserved', /silent for more than 15 s \(a since/],
  ['one is dead, one serves', [replica('a', 'refused', { at: '2026-11-21T09:00:00.000Z' }), replica('b', 'authoritative')], 'authoritative', null],
  ['one refuses, one serves', [replica('a', 'authoritative'), replica('b', 'refused')], 'refused', /10\.77\.0\.254 answers there/],
  ['one has not heard of it', [replica('a', 'authoritative'), replica('b', null)], 'unknown', null],
  ['one is looking', [replica('a', 'probing'), replica('b', 'authoritative')], 'probing', null],
];
for (const [name, servers, state, why] of rows) {
  test(`status: ${name}`, () => {
    const status = statusOf(network, servers, { nowMs, problems: [] });
    assert.equal(status.state, state);
    if (why === null) assert.equal(status.why, null);
    else assert.match(status.why ?? '', why);
  });
}

test('status: replicas by name with what they saw, and what the rules find odd', () => {
  const problems = [{ network: 'lan1', severity: 'warning', path: '/mtu', message: 'odd' },
    { network: 'lan2', severity: 'warning', path: '/mtu', message: 'not mine' }] as const;
  const { servers, warnings } = statusOf(network, [replica('b', 'refused'), replica('a', 'refused', { storeReady: false, at: '2026-11-21T09:00:00.000Z' })],
    { nowMs, problems });
  assert.deepEqual(servers.map(({ instance, stale, storeReady, others }) => [instance, stale, storeReady, others.length]),
    [['a', true, false, 1], ['b', false, true, 1]]);
  assert.deepEqual(warnings, [{ path: '/mtu', message: 'odd' }]);
});

test('fabrics: by number, VLANs by id with their name, networks by id; what names none is fabric-0, untagged', () => {
  const on = (id: string, changes: object): Network =>
    ({ id, cidr: '10.0.0.0/8', mode: 'off', rack: 'rack1', interface: 'eth0', relayed: false, ...changes }) as unknown as Network;
  const fabrics = fabricsOf([on('c', { fabric: 'fabric-10' }), on('b', { vlan: { vid: 20, name: 'blue' }, managed: false }), on('z', { vlan: { vid: 3 } }),
    on('a', { vlan: { vid: 20 } }), on('d', { fabric: 'fabric-2' })]);
  assert.deepEqual(fabrics.map(({ id, vlans }) =>
    [id, ...vlans.map(({ vid, name, networks }) => `${vid} ${name} ${networks.map((network) => `${network.id}${network.managed ? '' : '!'}`).join(',')}`)]), [
    ['fabric-0', '3 null z', '20 blue a,b!'], ['fabric-2', '0 null d'], ['fabric-10', '0 null c'],
  ]);
});
