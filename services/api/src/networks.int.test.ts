/** Networks with what a rack says of them: leases, status, probes; and what a person may not take away. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBus, react, type Bus } from '@ironbus/bus';
import {
  dhcpProbed, dhcpServersBucket, leaseDeclined, leaseExpired, leaseGranted, leaseReleased, leaseRenewed, networkProbeRequested,
  type DhcpServer, type Event, type Ipv4, type Mac,
} from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import type { Lease } from './core/leases.ts';
import type { NetworkStatus } from './core/network-status.ts';
import { errorOf, fakeLifecycle, makeNode, silent, startRegion, untilShown, type Fake, type Region } from './testing/region.ts';

let region: Region;
let lifecycle: Fake;
let dhcp: Bus;
before(async () => {
  region = await startRegion({ env: { API_PROBE_SECONDS: '1' } });
  await region.startApi();
  lifecycle = await fakeLifecycle(region.nats);
  dhcp = openBus({ servers: region.nats.url, origin: { service: 'dhcp', rack: 'rack1', instance: 'a' }, log: silent });
  await dhcp.whenReady();
});
after(async () => {
  await Promise.all([lifecycle[Symbol.asyncDispose](), dhcp.close()]);
  await region.stop();
});

const lan = {
  id: 'lan1', interface: 'eth1', cidr: '10.77.0.0/24', serverAddress: '10.77.0.1', mode: 'authoritative', domain: 'example.org', dnsServers: ['10.77.0.1'],
  dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.200' }],
};
const mac = (n: number): Mac => `52:54:00:77:00:${String(n).padStart(2, '0')}` as Mac;
const minutes = (n: number): string => new Date(Date.now() + n * 60_000).toISOString();

type Told = { sequence: number; address?: string; n?: number; network?: string; hostname?: string };
const data = ({ sequence, address = '10.77.0.150', n = 1, network = 'lan1', hostname }: Told) =>
  ({ mac: mac(n), address: address as Ipv4, network, leaseSeconds: 3600, sequence, ...(hostname !== undefined && { hostname }) });
const key = (n = 1): string => mac(n).replaceAll(':', '');
const granted = (told: Told, expiresAt = minutes(60)) => dhcp.publish(leaseGranted, { key: key(told.n), data: { ...data(told), expiresAt, client: 'ipxe' } });
const renewed = (told: Told, expiresAt = minutes(90)) => dhcp.publish(leaseRenewed, { key: key(told.n), data: { ...data(told), expiresAt, client: 'plain' } });

const leases = async (query = ''): Promise<Lease[]> => (await region.call('GET', `/api/v1/leases${query}`)).body as unknown as Lease[];
const untilLeases = (is: (found: Lease[]) => boolean, query = ''): Promise<Lease[]> =>
  waitFor(async () => { const found = await leases(query); return is(found) && found; });
let marks = 0;
/** Facts of one MAC are applied in order, so once this one shows, those before it were applied too. */
async function settle(): Promise<void> {
  const mark = { sequence: marks += 1, address: '10.99.0.9', network: 'elsewhere' };
  await granted(mark);
  await untilLeases((found) => found.length === 1, '?network=elsewhere');
  await dhcp.publish(leaseReleased, { key: key(), data: data({ ...mark, sequence: marks += 1 }) });
  await untilLeases((found) => found.length === 0, '?network=elsewhere');
}

test('a network is completed, and shown on its wire', async () => {
  const made = await region.call('POST', '/api/v1/networks', { body: lan });
  assert.deepEqual([made.status, made.body['fabric'], made.body['vlan'], made.body['managed'], made.body['probeAddresses']],
    [201, 'fabric-0', { vid: 0 }, true, true]);
  const second = await region.call('POST', '/api/v1/networks',
    { body: { id: 'lan2', interface: 'eth1.20', cidr: '10.78.0.0/24', serverAddress: '10.78.0.1', vlan: { vid: 20, name: 'blue' } } });
  assert.deepEqual([second.status, second.body['fabric']], [201, 'fabric-0']);
  const fabrics = (await region.call('GET', '/api/v1/fabrics')).body as unknown as {
    id: string; vlans: { vid: number; name: string | null; networks: { id: string }[] }[] }[];
  assert.deepEqual(fabrics.map(({ id, vlans }) => [id, vlans.map(({ vid, name, networks }) => [vid, name, networks.map((network) => network.id)])]),
    [['fabric-0', [[0, null, ['lan1']], [20, 'blue', ['lan2']]]]]);
});

test('what makes no sense is refused, what is misspelt too, wherever it is', async () => {
  const refuse = async (changes: object): Promise<string> =>
    { const answer = await region.call('POST', '/api/v1/networks',
    { body: { ...lan, id: 'lan3', ...changes } }); return `${answer.status} ${errorOf(answer).code} ${errorOf(answer).message}`; };
  assert.match(await refuse({ cidr: '10.79.0.0/24', serverAddress: '10.79.0.1', dynamicRanges: [], mode: 'shadow' }),
    /422 NETWORK_INVALID lan3\/mode: shadow beside network lan1/);
  assert.match(await refuse({ options: [{ code: 121, type: 'hex', value: '00' }] }), /lan3\/options\/0: option 121 can not be set here: set staticRoutes/);
  assert.match(await refuse({ reservations: [{ mac: mac(1), address: '10.77.0.9', hostnme: 'x' }] }),
    /422 REQUEST_INVALID .*\/body\/reservations\/0 .*hostnme/);
});

test('leases: granted, renewed, given back; in any order the newest sequence counts', async () => {
  await granted({ sequence: 1, hostname: 'web1' });
  const [first] = await untilLeases((found) => found.length === 1);
  assert.deepEqual({ ...first, expiresAt: '' }, {
    mac: mac(1), address: '10.77.0.150', network: 'lan1', rack: 'rack1', hostname: 'web1', domainName: 'web1.example.org', expiresAt: '', state: 'active',
      client: 'ipxe', sequence: 1, node: null,
  });
  await renewed({ sequence: 3, hostname: 'web1' });
  await untilLeases(([lease]) => lease?.sequence === 3);
  await granted({ sequence: 2, address: '10.77.0.151' });
  await dhcp.publish(leaseReleased, { key: key(), data: data({ sequence: 1 }) });
  await settle();
  assert.deepEqual((await leases()).map(({ address, sequence, client }) => [address, sequence, client]), [['10.77.0.150', 3, 'plain']]);
  await dhcp.publish(leaseReleased, { key: key(), data: data({ sequence: 5 }) });
  await untilLeases((found) => found.length === 0);
  await renewed({ sequence: 4 });
  await settle();
  assert.deepEqual(await leases(), [], 'what was given back stays so');
  await granted({ sequence: 6 });
  await untilLeases(([lease]) => lease?.sequence === 6);
  await dhcp.publish(leaseExpired, { key: key(), data: data({ sequence: 7 }) });
  await untilLeases((found) => found.length === 0);
});

test('leases: a declined address is shown until somebody holds it; a lease that ran out says so', async () => {
  await granted({ sequence: 8 });
  await untilLeases((found) => found.length === 1);
  await dhcp.publish(leaseDeclined, { key: key(), data: { ...data({ sequence: 9 }), quarantinedUntil: minutes(10) } });
  await untilLeases(([lease]) => lease?.state === 'declined');
  await granted({ sequence: 10, address: '10.77.0.152' });
  await untilLeases((found) => found.map(({ address, state }) => `${address} ${state}`).join() === '10.77.0.150 declined,10.77.0.152 active');
  await granted({ sequence: 1, n: 2 });
  await untilLeases((found) => found.map(({ address, state }) => `${address} ${state}`).join() === '10.77.0.150 active,10.77.0.152 active');
  await granted({ sequence: 1, n: 3, address: '10.77.0.153' }, minutes(-1));
  await untilLeases(([lease]) => lease?.state === 'expired', `?mac=${mac(3)}`);
});

test('leases: filtered by network, MAC in any spelling, and address; known machines by name', async () => {
  await lifecycle.tell(makeNode({ id: 'holder', macs: [mac(2)], hostname: 'holder' }));
  await untilShown(region, 'holder', () => true);
  assert.deepEqual((await leases('?mac=52-54-00-77-00-02')).map(({ address, node }) => [address, node]), [['10.77.0.150', 'holder']]);
  assert.equal((await leases('?address=10.77.0.152')).length, 1);
  assert.equal((await leases('?network=lan2')).length, 0);
  assert.equal((await region.call('GET', '/api/v1/leases?mac=nonsense')).status, 422);
  assert.equal((await region.call('GET', '/api/v1/leases?address=10.0.0')).status, 422);
});

test('a rack that lost its Redis counts from one again, and is believed once the old lease is long over', async () => {
  await granted({ sequence: 900, n: 4, address: '10.77.0.154' }, minutes(60));
  await untilLeases((found) => found.length === 1, `?mac=${mac(4)}`);
  const later = new Date(Date.now() + 3 * 3_600_000);
  await dhcp.publish(leaseGranted, { key: key(4), time: later,
    data: { ...data({ sequence: 1, n: 4, address: '10.77.0.155' }), expiresAt: new Date(later.getTime() + 60_000).toISOString(), client: 'plain' } });
  await untilLeases(([lease]) => lease?.address === '10.77.0.155', `?mac=${mac(4)}`);
  await dhcp.publish(leaseReleased, { key: key(4), time: later, data: data({ sequence: 2, n: 4, address: '10.77.0.155' }) });
  await untilLeases((found) => found.length === 0, `?mac=${mac(4)}`);
});

test('a network keeps the addresses that are in use: removed or shrunk only by force', async () => {
  const removed = await region.call('DELETE', '/api/v1/networks/lan1');
  assert.deepEqual([removed.status, errorOf(removed).code], [409, 'NETWORK_IN_USE']);
  assert.match(errorOf(removed).message, /removing it would take away 2 addresses that are in use: 10\.77\.0\.150 \(leased by 52:54:00:77:00:02 until .*\), 10\.77\.0\.152 .*\?force=true/);
  const shrunk = { ...lan, dynamicRanges: [{ from: '10.77.0.151', to: '10.77.0.200' }] };
  const change = (body: object, query = '') => region.call('PUT', `/api/v1/networks/lan1${query}`, { body });
  assert.match(errorOf(await change(shrunk)).message, /this change would take away an address that is in use: 10\.77\.0\.150/);
  assert.equal((await change({ ...lan, dynamicRanges: [{ from: '10.77.0.150', to: '10.77.0.152' }] })).status, 200);
  await lifecycle.tell(makeNode({ id: 'kept1', macs: [mac(7)], hostname: 'kept', status: 'Deployed', reservedAddress: '10.77.0.30' as never }));
  await untilShown(region, 'kept1', () => true);
  assert.match(errorOf(await change({ ...lan, reservedRanges: [{ from: '10.77.0.20', to: '10.77.0.40' }] })).message, /10\.77\.0\.30 \(kept, Deployed\)/);
  assert.equal((await change(shrunk, '?force=true')).status, 200);
  assert.equal((await change(shrunk, '?force=yes')).status, 422);
  assert.equal((await region.call('DELETE', '/api/v1/networks/lan1?force=true')).status, 204);
  assert.equal((await region.call('POST', '/api/v1/networks', { body: lan })).status, 201);
});

const replica = (instance: string, state: string, changes: object = {}): DhcpServer => ({
  rack: 'rack1', instance, startedAt: minutes(-60), at: minutes(0), storeReady: true,
  networks: [{ network: 'lan1', serverAddress: '10.77.0.1', state, why: null, others: [] }], ...changes,
} as unknown as DhcpServer);

test('status: what the replicas say of the network, those that are silent marked', async () => {
  const status = async (): Promise<NetworkStatus> => (await region.call('GET', '/api/v1/networks/lan1/status')).body as unknown as NetworkStatus;
  assert.equal((await status()).state, 'unserved');
  const kv = dhcp.kv(dhcpServersBucket);
  await kv.put('rack1.old', replica('old', 'refused', { at: minutes(-1) }));
  await kv.put('rack1.a', replica('a', 'authoritative'));
  const found = await waitFor(async () => { const now = await status(); return now.servers.length === 2 && now; });
  assert.deepEqual([found.state, found.servers.map(({ instance, stale, state }) => [instance, stale, state])],
    ['authoritative', [['a', false, 'authoritative'], ['old', true, 'refused']]]);
  const refused = { network: 'lan1', serverAddress: '10.77.0.1', state: 'refused', why: '10.77.0.254 answers there',
    others: [{ serverId: '10.77.0.254', from: '10.77.0.254', mac: null, offered: null, bootFile: null, seenAt: minutes(0) }] };
  await kv.put('rack1.b', replica('b', 'refused', { networks: [refused] }));
  const worse = await waitFor(async () => { const now = await status(); return now.state === 'refused' && now; });
  assert.deepEqual([worse.why, worse.servers[1]?.others.length], ['10.77.0.254 answers there', 1]);
  assert.equal(errorOf(await region.call('GET', '/api/v1/networks/none/status')).code, 'NETWORK_UNKNOWN');
});

test('probe: what the rack found, or 202 where it says nothing', async () => {
  const open = await region.call('POST', '/api/v1/networks/lan1/probe');
  assert.equal(open.status, 202);
  assert.match(String(open.body['operation']), /^[0-9a-f-]{36}$/);
  const server = { serverId: '10.77.0.254' as Ipv4, from: '10.77.0.254' as Ipv4, mac: mac(9), offered: '10.77.0.77' as Ipv4, bootFile: 'pxelinux.0' };
  const asked: Event[] = [];
  const rack = dhcp.tail(`${networkProbeRequested.type}.>`, async (event) => {
    asked.push(event);
    await dhcp.publish(dhcpProbed, react(event, dhcpProbed, { key: 'lan1', data: { network: 'lan1', device: 'eth1', servers: [server], failure: null } }));
  });
  await rack.whenLive();
  const answer = await region.call('POST', '/api/v1/networks/lan1/probe');
  assert.deepEqual([answer.status, answer.body], [200, { network: 'lan1', device: 'eth1', servers: [server], failure: null }]);
  assert.deepEqual(asked.map((event) => event.data), [{ network: 'lan1', rack: 'rack1' }]);
  await rack.stop();
});

test('foreign settings: for each product by its name, with the addresses of the network', async () => {
  for (const server of ['dnsmasq', 'isc', 'kea', 'unifi', 'edgeos', 'pfsense', 'opnsense', 'mikrotik']) {
    const { status, body } = await region.call('GET', `/api/v1/networks/lan1/foreign-settings?server=${server}`);
    assert.deepEqual([status, body['server'], body['network']], [200, server, 'lan1']);
    assert.ok(server === 'unifi' || String(body['settings']).includes('http://10.77.0.1:5248/boot/'), server);
  }
  assert.match(errorOf(await region.call('GET', '/api/v1/networks/lan1/foreign-settings?server=windows')).message, /server/);
  assert.equal((await region.call('GET', '/api/v1/networks/lan1/foreign-settings')).status, 422);
});

test('a restart keeps the leases', async () => {
  const shown = await leases();
  assert.ok(shown.length > 0);
  await region.stopApi();
  await region.startApi();
  assert.deepEqual(await leases(), shown);
});
