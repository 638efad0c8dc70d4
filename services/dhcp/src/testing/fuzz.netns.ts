/** Run by fuzz.int.test.ts inside the server's namespace: a fuzzer at the service's door, and a machine that wants an address all the while. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wire } from './flood-namespaces.ts';
import { startClients, startSender } from './flood-programs.ts';
import { startFloodRack } from './flood-rack.ts';
import { sampleNetwork } from './samples.ts';

const good = '52:54:00:66:00:01';
const rate = { perSecond: 2_000, seconds: 4 };
const rounds = 3;
/** What the heap may swing by between two rounds of the same traffic, garbage that was not collected yet included. */
const swingMb = 25;

test('the service under fuzzed packets: alive, its memory flat, a good client undisturbed', async (t) => {
  await using rack = await startFloodRack();
  await rack.putNetwork(sampleNetwork({ interface: wire.server, leaseSeconds: 600, probeAddresses: false }));
  const [before] = await startClients([good], 20).result;
  assert.deepEqual([before?.granted, before?.failed], [20, 0], 'without a fuzzer');

  const client = startClients([good], 'forever');
  const memory: number[] = [];
  let sent = 0;
  for (let round = 0; round < rounds; round += 1) {
    sent += (await startSender('fuzz', { ...rate, seed: 100 + round }).result).sent;
    memory.push(rack.pssMb());
  }
  client.stop();
  const [after] = await client.result;
  const failures = await rack.metric('dhcp_failures_total');
  t.diagnostic(JSON.stringify({ sent, received: await rack.metric('dhcp_packets_received_total'), failures, after, memory }));
  assert.ok(rack.alive());
  assert.equal(failures, 0);
  assert.ok(after !== undefined && after.granted > 0);
  assert.equal(after.failed, 0);
  assert.deepEqual(after.addresses, before?.addresses, 'one machine, one address');
  const [first = 0, ...others] = memory;
  assert.ok(others.every((mb) => mb < first + swingMb), `PSS in MB after each round: ${memory.join(', ')}`);
});
