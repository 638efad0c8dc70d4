/** Run by replicas.int.test.ts inside the namespace of NATS and Redis: two replicas, many clients, and deaths. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test, type TestContext } from 'node:test';
import { waitFor } from '@ironbus/testkit';
import type { LoadEvent } from './replicas-load.ts';
import { startLoad, startReplicas, type Replica, type Replicas } from './replicas-rack.ts';
import { sampleNetwork } from './samples.ts';

const namespace = (what: string): string => process.env[`REPLICAS_${what}`] ?? '';
const scriptPath = join(import.meta.dirname, 'client-script.sh');
/** The network's own address is on neither host: each replica answers with its own. */
const network = sampleNetwork({
  interface: 'lan0', cidr: '10.77.0.0/16', serverAddress: '10.77.0.1', dynamicRanges: [{ from: '10.77.1.0', to: '10.77.4.255' }], gateway: '10.77.0.1', leaseSeconds: 16,
});
let rack: Replicas;
/** MAC → address of every client that was bound. */
const bound = new Map<string, string>();

before(async () => {
  rack = await startReplicas({ a: namespace('A'), b: namespace('B') });
  await rack.putNetwork(network);
});
/** Whatever a test did to them: its failure shall not be the next one's. */
beforeEach(async () => {
  await Promise.all([rack.a.start(), rack.b.start()]);
  await rack.known(rack.a, rack.b);
});
after(async () => { await rack?.[Symbol.asyncDispose](); });

/** So long that no try is repeated for a slow machine's sake. */
const patient = [10_000, 10_000];
/** As long as a client that lost its server may need on a slow machine. */
const retrying = [1_000, 1_000, 2_000, 4_000, 8_000, 8_000];
const macs = (group: number, count: number): { mac: string }[] =>
  Array.from({ length: count }, (_, n) => ({ mac: `02:00:00:${group.toString(16).padStart(2, '0')}:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}` }));
const ofKind = (events: readonly LoadEvent[], said: LoadEvent['said']): LoadEvent[] => events.filter((event) => event.said === said);
const logs = (): string => [rack.a, rack.b].map((one) => `\n${one.instance}:\n${one.log().split('\n').slice(-40).join('\n')}`).join('');

/** Every client was bound; no address went to two, neither on the wire nor in Redis; nobody was refused. */
async function allBound(clients: readonly { mac: string }[], events: readonly LoadEvent[]): Promise<void> {
  assert.deepEqual(ofKind(events, 'gave-up'), [], logs());
  assert.deepEqual(ofKind(events, 'nak'), [], logs());
  for (const { mac, address } of ofKind(events, 'ack')) {
    assert.ok(bound.get(mac) === undefined || bound.get(mac) === address, `${mac} had ${bound.get(mac)} and got ${address}`);
    bound.set(mac, address);
  }
  assert.deepEqual(clients.filter(({ mac }) => !bound.has(mac)), [], 'each has an address');
  assert.equal(new Set(bound.values()).size, bound.size, 'no address has two machines');
  const leases = await rack.leases(network.id);
  for (const { mac } of clients) assert.equal(leases.get(mac), bound.get(mac), `${mac} in Redis`);
  assert.equal(new Set(leases.values()).size, leases.size, 'no address has two machines in Redis');
}

test('exactly one of two answers each first try, with its own address as server id, and both take their share', async () => {
  const clients = macs(1, 150);
  const load = startLoad(namespace('LOAD'), { clients, waitsMs: patient, everyMs: 5, lingerMs: 500 });
  await load.ended;
  await allBound(clients, load.events);
  assert.equal(ofKind(load.events, 'offer').length, clients.length, 'one offer for each client');
  assert.equal(ofKind(load.events, 'ack').length, clients.length, 'one answer for each selection');
  const shares = [rack.a, rack.b].map(({ address }) => ofKind(load.events, 'ack').filter(({ server }) => server === address).length);
  assert.equal(shares[0]! + shares[1]!, clients.length, `server ids ${[...new Set(load.events.map(({ server }) => server))]}`);
  assert.ok(Math.min(...shares) > clients.length / 5, `shares ${shares}`);
});

test('where both answer every client at once, each has two offers, takes one, and no address goes to two', async () => {
  const clients = macs(4, 150);
  const load = startLoad(namespace('LOAD'), { clients, secs: 4, waitsMs: patient, everyMs: 2, lingerMs: 1_000 });
  await load.ended;
  await allBound(clients, load.events);
  assert.equal(ofKind(load.events, 'offer').length, 2 * clients.length, 'two offers for each client');
  assert.equal(ofKind(load.events, 'ack').length, clients.length, 'the other replica leaves the selection alone');
});

test('a sibling that is believed alive and answers nobody: its clients are answered at a later try', async () => {
  await using _ = await rack.silentSibling('10.77.0.4', network.id);
  const clients = macs(5, 60);
  const load = startLoad(namespace('LOAD'), { clients, waitsMs: retrying, everyMs: 10, lingerMs: 500 });
  await load.ended;
  await allBound(clients, load.events);
  assert.ok(ofKind(load.events, 'offer').some(({ tries }) => tries > 1), 'it had its share of first tries');
});

test('one is killed while clients ask: every client gets one address by its own retries; it comes back and takes its share', async () => {
  const clients = macs(2, 150);
  const load = startLoad(namespace('LOAD'), { clients, waitsMs: retrying, everyMs: 20, lingerMs: 500 });
  await waitFor(() => ofKind(load.events, 'ack').length >= 40, { what: 'the load to be under way' });
  await rack.a.kill();
  await load.ended;
  await allBound(clients, load.events);

  await rack.a.start();
  await rack.known(rack.a, rack.b);
  const others = macs(3, 40);
  const again = startLoad(namespace('LOAD'), { clients: others, waitsMs: patient, everyMs: 5, lingerMs: 500 });
  await again.ended;
  await allBound(others, again.events);
  assert.equal(new Set(ofKind(again.events, 'ack').map(({ server }) => server)).size, 2);
});

test('clients that rebind are extended while one is killed and comes back, each in what it had', async () => {
  const clients = [...bound].map(([mac, address]) => ({ mac, address }));
  execFileSync('ip', ['-n', namespace('LOAD'), '-batch', '-'], { input: clients.map(({ address }) => `addr add ${address}/32 dev lan0`).join('\n') });
  const load = startLoad(namespace('LOAD'), { clients, waitsMs: retrying, everyMs: 20, lingerMs: 500 });
  await waitFor(() => ofKind(load.events, 'ack').length >= 60, { what: 'the load to be under way' });
  await rack.b.kill();
  await waitFor(() => ofKind(load.events, 'ack').length >= 160, { what: 'the load to go on' });
  await rack.b.start();
  await load.ended;
  await allBound(clients, load.events);
});

/** Starts a real client in its namespace; `holds` waits until it has its lease from one of these, and gives the address. */
function startClient(t: TestContext, where: string, program: string, args: readonly string[]) {
  const child = spawn('ip', ['netns', 'exec', where, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  t.after(() => { child.kill('SIGKILL'); });
  const holds = (servers: readonly Replica[]) => waitFor(() => {
    const lines = [...output.matchAll(/LEASE (\S+) address=(\S+) seconds=\d+ server=(\S+)/g)];
    const [, , address = '', server = ''] = lines.at(-1) ?? [];
    return servers.some((one) => one.address === server) ? address : undefined;
  }, { what: `${program} to be served by ${servers.map((one) => one.address)}, it said:\n${output}${logs()}`, timeoutMs: 45_000, everyMs: 50 });
  return { holds };
}

test('udhcpc and dhclient keep their addresses when first the one and then the other replica is killed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'replicas-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'conf'), 'request subnet-mask, routers;\n');
  const clients = [
    startClient(t, namespace('UDHCPC'), 'busybox', ['udhcpc', '-f', '-i', 'lan0', '-s', scriptPath, '-t', '8', '-T', '2']),
    startClient(t, namespace('DHCLIENT'), 'dhclient', ['-4', '-d', '-sf', scriptPath, '-cf', join(folder, 'conf'), '-lf', join(folder, 'leases'), '-pf', join(folder, 'pid'), 'lan0']),
  ];
  const servedBy = (...replicas: Replica[]): Promise<string[]> => Promise.all(clients.map((client) => client.holds(replicas)));
  const first = await servedBy(rack.a, rack.b);
  await rack.a.kill();
  assert.deepEqual(await servedBy(rack.b), first);
  await rack.a.start();
  await rack.b.kill();
  assert.deepEqual(await servedBy(rack.a), first);
});
