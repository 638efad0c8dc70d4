/** Floods: the limits' memory under millions of made-up MACs, and a starvation attack on a running service. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultLimits, Limits } from './core/limits.ts';
import { runBetweenNamespaces } from './testing/flood-namespaces.ts';
import { heapMb } from './testing/fuzz-run.ts';

test('10 million made-up MACs leave the limits as large as they were', (t) => {
  const limits = new Limits({ ...defaultLimits, seed: 1 });
  const byte = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));
  const send = (n: number): boolean => {
    const mac = `02:66:${byte[n >>> 24]}:${byte[(n >>> 16) & 255]}:${byte[(n >>> 8) & 255]}:${byte[n & 255]}`;
    const relayed = n % 2 === 0;
    // A server at a hundred thousand packets a second, some of them from made-up ports of made-up relays.
    const from = { giaddr: relayed ? `10.${n % 200}.0.1` : '0.0.0.0', circuit: relayed ? mac : undefined };
    return limits.admit({ device: 'eth0', mac, known: n % 8 === 0, ...from, bytes: 342 }, n / 100) === 'ok';
  };
  for (let n = 0; n < 100_000; n += 1) send(n);
  const startMb = heapMb();
  let admitted = 0;
  for (let n = 100_000; n < 10_000_000; n += 1) if (send(n)) admitted += 1;
  const endMb = heapMb();
  t.diagnostic(JSON.stringify({ admitted, startMb, endMb }));
  assert.ok(admitted > 1_000_000 && admitted < 3_000_000, `${admitted} admitted: every known one, few others`);
  assert.ok(endMb < startMb + 1, `the heap went from ${startMb} to ${endMb} MB`);
});

test('a flood of unknown MACs does not keep known machines from booting', (t) => runBetweenNamespaces(t, 'flood.netns.ts'));
