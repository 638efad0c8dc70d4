/** Packets that nobody should send: through everything that is pure, and over UDP at a running service. `npm run bench -- dhcp-fuzz` sends 10 million. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runBetweenNamespaces } from './testing/flood-namespaces.ts';
import { readFrames } from './testing/fuzz-frames.ts';
import { fuzz } from './testing/fuzz-run.ts';

const packets = 200_000;

test(`${packets} fuzzed packets through decode, decision and answer`, (t) => {
  const seed = Number(process.env['FUZZ_SEED'] ?? '20261121');
  const { failures, outcomes, heapStartMb, heapEndMb } = fuzz({ packets, seed });
  t.diagnostic(JSON.stringify({ seed, outcomes, heapStartMb, heapEndMb }));
  assert.deepEqual(failures, []);
  // Every way out was taken: the fuzzer still reaches what it is for.
  const all = ['ack', 'bootp', 'decline', 'ignore', 'inform', 'malformed', 'nak', 'no-client', 'no-network', 'offer', 'release', 'too-long'];
  assert.deepEqual(Object.keys(outcomes).sort(), all);
  assert.ok(heapEndMb < heapStartMb + 5, `the heap went from ${heapStartMb} to ${heapEndMb} MB`);
});

test('100,000 frames of raw sockets, valid and broken', () => {
  const understood = readFrames(100_000, 20261121);
  assert.ok(understood > 10_000 && understood < 90_000, `${understood} were read as something`);
});

test('a fuzzer at a running service, with a good client beside it', (t) => runBetweenNamespaces(t, 'fuzz.netns.ts'));
