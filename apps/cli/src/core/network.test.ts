import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Network } from '@ironbus/contracts';
import { createVerdict, refusalOf } from './becoming.ts';
import { describeNetwork, describeStatus, fabricRows, networkRow, serverText, type NetworkStatus } from './network.ts';

const other = { serverId: '10.77.0.254', from: '10.77.0.254', mac: null, offered: '10.77.0.77', bootFile: 'pxelinux.0', seenAt: '2026-11-21T10:00:00.000Z' };
const status = (state: string, at = '2026-11-21T10:00:00.000Z', changes: object = {}): NetworkStatus => ({
  network: 'lan1', mode: 'authoritative', state, why: null, warnings: [],
  servers: [{ rack: 'rack1', instance: 'a', at, stale: false, storeReady: true, state, why: null, others: state === 'refused' ? [other] : [] }], ...changes,
} as unknown as NetworkStatus);
const at = (second: number): string => `2026-11-21T10:00:${String(second).padStart(2, '0')}.000Z`;

const ways: [name: string, before: NetworkStatus | undefined, seen: NetworkStatus[], ends: string][] = [
  ['a new network becomes so', undefined, [status('unserved'), status('unknown'), status('probing'), status('authoritative')], '---y'],
  ['a new network is refused', undefined, [status('probing'), status('refused')], '-n'],
  ['it was so before', status('authoritative'), [status('authoritative')], 'y'],
  ['it was listened to before', status('shadow'), [status('shadow'), status('probing'), status('refused')], '--n'],
  ['a refusal from before the change is no answer', status('refused', at(1)),
    [status('refused', at(1)), status('refused', at(1)), status('probing', at(2)), status('authoritative', at(3))], '---y'],
  ['a refusal renewed twice is', status('refused', at(1)), [status('refused', at(1)), status('refused', at(2)), status('refused', at(3))], '--n'],
  ['no device', undefined, [status('no-device')], 'n'],
];
for (const [name, before, seen, ends] of ways) {
  test(`becoming authoritative: ${name}`, () => {
    const verdict = createVerdict(before);
    assert.equal(seen.map(verdict).map((outcome) => (outcome.settled ? (outcome.ok ? 'y' : 'n') : '-')).join(''), ends);
  });
}

test('a refusal names the servers and three ways out', () => {
  const said = refusalOf(status('refused')) ?? '';
  for (const words of ['10.77.0.254 (offers 10.77.0.77, boot file pxelinux.0)', 'Switch it off', '"mode": "proxy"',
    '"force": true']) assert.ok(said.includes(words), words);
  assert.match(refusalOf(status('no-device', at(1), { why: 'eth9 is not there' })) ?? '', /eth9 is not there/);
  for (const state of ['authoritative', 'probing', 'unserved', 'unknown']) assert.equal(refusalOf(status(state)), undefined);
  assert.equal(serverText({ ...other, serverId: null, offered: null, bootFile: null } as never), '10.77.0.254');
});

test('a status as a page: what it is, who says so, who else is there, notes', () => {
  const page = describeStatus(status('refused', at(1), { why: 'because', warnings: [{ path: '/mtu', message: 'odd' }] }));
  assert.match(page, /^state: +refused$/m);
  assert.match(page, /^other servers: +10\.77\.0\.254 \(offers/m);
  assert.match(page, /^note: +\/mtu odd$/m);
  assert.match(page, /^a +refused +2026/m);
  assert.doesNotMatch(describeStatus(status('unserved', at(1), { servers: [] })), /LAST HEARD/);
});

const network = {
  id: 'lan1', rack: 'rack1', interface: 'eth1', cidr: '10.77.0.0/24', mode: 'off', serverAddress: '10.77.0.1',
    dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.200' }], unknownMachines: 'enlist',
  fabric: 'fabric-0', vlan: { vid: 20, name: 'blue' },
    reservations: [{ mac: '52:54:00:77:00:01', address: '10.77.0.5', hostname: 'web1', options: [{ code: 100, type: 'text', value: 'UTC0', always: true }] }],
  reservedRanges: [{ from: '10.77.0.2', to: '10.77.0.9', comment: 'printers' }], staticRoutes: [{ destination: '10.0.0.0/8', gateway: '10.77.0.2' }],
    options: [], dnsServers: ['10.77.0.1', '9.9.9.9'], ntpServers: [], mtu: null, bootMenu: null,
} as unknown as Network;

test('a network as a page and as a row', () => {
  const page = describeNetwork(network);
  for (const line of [/^vlan: +20 \(blue\)$/m, /^dynamicRanges: +10\.77\.0\.100-10\.77\.0\.200$/m, /^reservedRanges: +10\.77\.0\.2-10\.77\.0\.9 \(printers\)$/m,
    /^staticRoutes: +10\.0\.0\.0\/8 via 10\.77\.0\.2$/m,
    /^reservations: +52:54:00:77:00:01 10\.77\.0\.5 web1 100=text:UTC0 always$/m, /^dnsServers: +10\.77\.0\.1, 9\.9\.9\.9$/m, /^mtu: +-$/m]) assert.match(page,
      line);
  assert.deepEqual(networkRow(network).slice(-2), ['fabric-0', '20 (blue)']);
});

test('fabrics as rows', () => {
  const member = { id: 'lan1', cidr: '10.77.0.0/24', mode: 'off' as const, rack: 'rack1' as never, interface: 'eth1', relayed: true, managed: false };
  assert.deepEqual(fabricRows([{ id: 'fabric-0', vlans: [{ vid: 0, name: null, networks: [member] }] }]),
    [['fabric-0', 'untagged', 'lan1', '10.77.0.0/24', 'off', 'rack1', 'eth1 (relayed)', 'no']]);
});
