/** What NATS lost comes back from the records: at the start, and while the api runs. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBus } from '@ironbus/bus';
import { bmcBucket, networksBucket, racksBucket } from '@ironbus/contracts';
import { generateRackKey, open } from '@ironbus/runtime';
import { waitFor } from '@ironbus/testkit';
import { errorOf, fakeLifecycle, makeNode, silent, startRegion, untilShown, type Fake, type Region } from '../testing/region.ts';

let region: Region;
let lifecycle: Fake;
const token = `ibjoin_${'t'.repeat(32)}`;
const rack = generateRackKey();
const power = { type: 'ipmi', address: '10.0.0.9', username: 'admin', password: 'hunter2' };

before(async () => {
  region = await startRegion({ env: { API_JOIN_TOKEN: token, API_NETWORKS: JSON.stringify([{ id: 'lan1', interface: 'eth9', cidr: '10.99.0.0/24', serverAddress: '10.99.0.1' }]) } });
  await region.startApi();
  lifecycle = await fakeLifecycle(region.nats);
  assert.equal((await region.call('POST', '/api/v1/racks/join', { key: null, body: { token, rack: 'rack1', publicKey: rack.publicKey } })).status, 200);
  await lifecycle.tell(makeNode({ id: 'k7x2mp' }));
  await untilShown(region, 'k7x2mp', () => true);
  assert.equal((await region.call('PATCH', '/api/v1/machines/k7x2mp', { body: { power } })).status, 200);
});
after(async () => {
  await lifecycle[Symbol.asyncDispose]();
  await region.stop();
});

test('an entry that was deleted by hand is back after a restart, as it was', async () => {
  await using byHand = openBus({ servers: region.nats.url, origin: { service: 'api', rack: 'rack1', instance: 'hand' }, log: silent });
  await byHand.whenReady();
  const before = (await waitFor(() => byHand.kv(networksBucket).get('lan1'))).value;
  await waitFor(() => byHand.kv(racksBucket).get('rack1'));
  await region.stopApi();
  await byHand.kv(networksBucket).delete('lan1');
  await byHand.kv(racksBucket).delete('rack1');
  await byHand.kv(bmcBucket).delete('k7x2mp');

  await region.startApi();
  assert.deepEqual((await waitFor(() => byHand.kv(networksBucket).get('lan1'))).value, before);
  assert.equal((await waitFor(() => byHand.kv(racksBucket).get('rack1'))).value.publicKey, rack.publicKey);
  const { sealed } = (await waitFor(() => byHand.kv(bmcBucket).get('k7x2mp'))).value;
  assert.equal((open(rack.privateKeyPem, 'bmc/k7x2mp', sealed) as { password: string }).password, power.password);

  await byHand.kv(networksBucket).delete('lan1');
  assert.deepEqual((await waitFor(() => byHand.kv(networksBucket).get('lan1'))).value, before, 'also without a restart');
});

test('a network that a person removed stays removed', async () => {
  assert.equal((await region.call('DELETE', '/api/v1/networks/lan1')).status, 204);
  const kv = lifecycle.bus.kv(networksBucket);
  await waitFor(async () => await kv.get('lan1') === undefined);
  await region.stopApi();
  await region.startApi({ API_NETWORKS: '[]' });
  assert.equal(await kv.get('lan1'), undefined);
});

test('an address that is no URL gets our error shape', async () => {
  const answer = await region.call('GET', '/api/v1/machines/%ZZ');
  assert.deepEqual([answer.status, errorOf(answer).code], [400, 'REQUEST_INVALID']);
});
