/** Run by flood.int.test.ts inside the server's namespace: a starvation attack, and machines that are known and want to boot meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { wire } from './flood-namespaces.ts';
import { startClients, startSender } from './flood-programs.ts';
import { startFloodRack } from './flood-rack.ts';
import { sampleNetwork, samplePolicy } from './samples.ts';

const leased = '52:54:00:66:00:01';
const reserved = '52:54:00:66:00:02';
const withPolicy = '52:54:00:66:00:03' as Mac;
const late = '52:54:00:66:00:04' as Mac;
const flood = { perSecond: Number(process.env['FLOOD_RATE'] ?? '5000'), seconds: 10, seed: 1 };

test('a flood of unknown MACs: known machines boot, the pool keeps addresses for them, what was dropped is counted', async (t) => {
  await using rack = await startFloodRack();
  await rack.putNetwork(sampleNetwork({ interface: wire.server, probeAddresses: false, reservations: [{ mac: reserved, address: '10.77.0.20' }] }));
  await rack.putPolicy(samplePolicy({ mac: withPolicy, node: 'fl3', hostname: 'fl3' }));
  await rack.putPolicy(samplePolicy({ mac: late, node: 'fl4', hostname: 'fl4' }));
  const [first] = await startClients([leased], 1).result;
  assert.equal(first?.granted, 1, 'before the flood');

  const sender = startSender('discover', flood);
  await waitFor(async () => await rack.metric('dhcp_packets_received_total') > flood.perSecond, { what: 'the flood' });
  const booting = await startClients([leased, reserved, withPolicy], 3).result;
  const { sent } = await sender.result;
  const counted = {
    received: await rack.metric('dhcp_packets_received_total'), limited: await rack.metric('dhcp_limited_total{limit="device"}'),
    exhausted: await rack.metric('dhcp_ignored_total{reason="pool-exhausted"}'), overload: await rack.metric('dhcp_ignored_total{reason="overload"}'),
  };
  t.diagnostic(JSON.stringify({ sent, ...counted, booting, pssMb: rack.pssMb() }));
  assert.deepEqual(booting.map(({ granted, failed }) => [granted, failed]), Array(3).fill([3, 0]));
  assert.deepEqual(booting.map(({ addresses }) => addresses).slice(0, 2), [first?.addresses, ['10.77.0.20']]);

  const [afterwards] = await startClients([late], 1).result;
  assert.equal(afterwards?.granted, 1, 'a known machine that comes after the flood');
  const told = await waitFor(async () => {
    const limited = await rack.metric('dhcp_limited_total{limit="device"}');
    const dropped = rack.limited.map(({ data }) => data as { device: string; limit: string; of: string; dropped: number });
    return dropped.reduce((sum, each) => sum + each.dropped, 0) === limited ? dropped : undefined;
  }, { what: 'every drop to be in an event', timeoutMs: 20_000 });
  assert.ok(counted.limited > 0);
  assert.deepEqual(new Set(told.map(({ device, limit, of }) => `${device} ${limit} ${of}`)), new Set([`${wire.server} device ${wire.server}`]));
  assert.ok(told.length <= 4, `${told.length} events`);
});
