import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifest as api } from '@ironbus/api';
import { ensureTopology, openBus, type Bus } from '@ironbus/bus';
import { manifest as dhcp } from '@ironbus/dhcp';
import { manifest as lifecycle } from '@ironbus/lifecycle';
import { manifest as power } from '@ironbus/power';
import { startNats, waitFor } from '@ironbus/testkit';
import { credsFile, newKeys, serverTrust, withUsers } from '../../../../deploy/compose/nats-identity.ts';
import {
  bindingsBucket, bmcBucket, buckets, catalog, natsPermissions, natsUser, networksBucket, nodeRemoved, parseMac, parseNodeId, powerObserved, type DataOf, type IpAddress, type ServiceName, type ValueOf,
} from '../index.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const topology = { catalog, buckets };
const observed: DataOf<typeof powerObserved> = { state: 'on', sequence: 1, action: 'on' };
const binding: ValueOf<typeof bindingsBucket> = { address: '10.0.0.9' as IpAddress, mac: parseMac('52:54:00:00:00:09')!, node: null, network: 'lan', bootId: 'b', how: 'leased', stage: 'os', at: new Date(0).toISOString() };

type Identity = { service: ServiceName; rack: string };

/** A server with the users of two racks. The bus uses the credentials of one identity and may claim to be another. */
async function rig(t: TestContext): Promise<(credentials: Identity, claimed?: Identity) => Bus> {
  const users = [api, dhcp, lifecycle, power].flatMap((manifest) => ['rack1', 'rack2'].map((rack) => ({ manifest, rack, name: natsUser(manifest.service, rack) })));
  const keys = withUsers(newKeys(1), users.map((user) => user.name));
  const nats = await startNats({ config: `max_control_line: 64KB\n${serverTrust(keys)}` });
  const folder = await mkdtemp(join(tmpdir(), 'ironbus-permissions-'));
  for (const { manifest, rack, name } of users) await writeFile(join(folder, `${name}.creds`), credsFile(keys, name, natsPermissions(manifest, rack)));
  const opened: Bus[] = [];
  t.after(async () => {
    await Promise.all(opened.map((bus) => bus.close()));
    await nats.stop();
    await rm(folder, { recursive: true });
  });
  return (credentials, claimed = credentials) => {
    const file = join(folder, `${natsUser(credentials.service, credentials.rack)}.creds`);
    const bus = openBus({ servers: nats.url, credsFile: file, origin: { ...claimed, instance: 'a' }, log: silent });
    opened.push(bus);
    return bus;
  };
}

const on = (rack: string, service: ServiceName): Identity => ({ service, rack });

test('with its own permissions alone a service does its work', async (t) => {
  const open = await rig(t);
  const region = open(on('rack1', 'api'));
  await ensureTopology(region, topology);
  const seen: string[] = [];
  await region.tail('*.*.*.*', (event) => { seen.push(event.type); }).whenLive();

  const leases = open(on('rack1', 'dhcp'));
  await ensureTopology(leases, topology);
  await leases.watch(networksBucket).whenSynced();
  assert.ok(await leases.kv(bindingsBucket).put('rack1.10.0.0.9', binding) > 0);
  assert.equal((await leases.kv(bindingsBucket).get('rack1.10.0.0.9'))?.value.mac, binding.mac);

  const switches = open(on('rack1', 'power'));
  await switches.watch(bmcBucket).whenSynced();
  const handled: string[] = [];
  open(on('rack1', 'lifecycle')).consume({ durable: 'lifecycle-advance-node', definitions: lifecycle.consumes[0]!.events, handler: (event) => { handled.push(event.type); } });
  await switches.publish(powerObserved, { key: 'k7x2mp', data: observed });
  await waitFor(() => handled.includes('power.observed') && seen.includes('power.observed'));
  const replayed: string[] = [];
  await region.history({ stream: 'FACTS' }, (event) => { replayed.push(event.type); }).caughtUp();
  assert.deepEqual(replayed, ['power.observed']);
});

test('nobody forges another rack, another service or another’s bucket', async (t) => {
  const open = await rig(t);
  await ensureTopology(open(on('rack1', 'api')), topology);
  const refused = { code: 'EVENT_FOREIGN', message: /permission/ };
  const claim = async (credentials: Identity, claimed: Identity): Promise<Bus> => {
    const bus = open(credentials, claimed);
    await bus.whenReady();
    return bus;
  };

  const otherRack = await claim(on('rack2', 'power'), on('rack1', 'power'));
  await assert.rejects(otherRack.publish(powerObserved, { key: 'k7x2mp', data: observed }), refused);
  const otherService = await claim(on('rack1', 'dhcp'), on('rack1', 'power'));
  await assert.rejects(otherService.publish(powerObserved, { key: 'k7x2mp', data: observed }), refused);
  const asRegion = await claim(on('rack1', 'power'), on('rack1', 'lifecycle'));
  await assert.rejects(asRegion.publish(nodeRemoved, { key: 'k7x2mp', data: { id: parseNodeId('k7x2mp')!, version: 1, macs: [] } }), refused);
  await assert.rejects((await claim(on('rack1', 'dhcp'), on('rack1', 'api'))).kv(networksBucket).delete('lan'), refused);
  await assert.rejects((await claim(on('rack2', 'dhcp'), on('rack1', 'dhcp'))).kv(bindingsBucket).delete('rack1.10.0.0.9'), refused);
});
