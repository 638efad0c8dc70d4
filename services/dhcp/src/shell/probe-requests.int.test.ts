/** Probe requests over a real NATS: who acts, what is answered, and what is not. The probe itself is lan.int.test.ts's. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ensureTopology, openBus } from '@ironbus/bus';
import { buckets, catalog, networkProbeRequested, type Envelope, type ForeignServer, type Ipv4, type RackId } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { startNats, waitFor } from '@ironbus/testkit';
import type { ProbeOutcome } from '../core/authority.ts';
import { sampleNetwork } from '../testing/samples.ts';
import { ProbeRequests } from './probe-requests.ts';

const log = createLogger({ svc: 'dhcp', level: 'silent' });
const router: ForeignServer = { serverId: '192.168.1.1' as Ipv4, from: '192.168.1.1' as Ipv4, mac: null, offered: null, bootFile: 'x' };
const networks = [sampleNetwork(), sampleNetwork({ id: 'far', relayed: true }), sampleNetwork({ id: 'lost', interface: 'eth9' })];

/** Two replicas of rack1 that find a router on eth0, and everything dhcp published. */
async function openRack(t: TestContext) {
  const nats = await startNats();
  const open = (service: 'dhcp' | 'api', instance: string) => openBus({ servers: nats.url, origin: { service, rack: 'rack1', instance }, log });
  const api = open('api', 'a');
  await ensureTopology(api, { catalog, buckets });
  const heard: Envelope[] = [];
  await api.tail('dhcp.>', (event) => { heard.push(event as Envelope); }).whenLive();
  const probed: string[] = [];
  const learnt: [string, ProbeOutcome][] = [];
  const buses = ['r0', 'r1'].map((instance) => open('dhcp', instance));
  const replicas = buses.map((bus) => new ProbeRequests({
    bus, log, now: () => Date.now(), networksHeard: () => Promise.resolve(), network: (id) => networks.find((network) => network.id === id),
    probe: async (device) => {
      probed.push(device);
      return device === 'eth0' ? { ok: true, servers: [router] } : { ok: false, missing: true, why: `there is no network device ${device}` };
    },
    onOutcome: (device, outcome) => { learnt.push([device, outcome]); },
  }));
  for (const replica of replicas) replica.start();
  t.after(async () => {
    for (const replica of replicas) await replica.stop();
    await Promise.all([api, ...buses].map((bus) => bus.close()));
    await nats.stop();
  });
  const request = (network: string, { rack = 'rack1', time = new Date() } = {}) =>
    api.publish(networkProbeRequested, { key: network, data: { network, rack: rack as RackId }, time });
  return { heard, probed, learnt, request };
}

test('a request of this rack is answered once, by what was found or by what hindered it', async (t) => {
  const { heard, probed, learnt, request } = await openRack(t);
  await request('lan1', { rack: 'rack2' });
  await request('lan1', { time: new Date(Date.now() - 11 * 60_000) });
  for (const network of ['lan1', 'far', 'lost', 'none']) await request(network);
  await waitFor(() => heard.length >= 4, { what: 'four answers' });
  const answers = new Map(heard.map((event) => [event.subject, event.data]));
  assert.deepEqual(answers, new Map<string, unknown>([
    ['lan1', { network: 'lan1', device: 'eth0', servers: [router], failure: null }],
    ['far', { network: 'far', device: 'eth0', servers: [], failure: 'the network is behind a relay: this rack has no wire there to ask on' }],
    ['lost', { network: 'lost', device: 'eth9', servers: [], failure: 'there is no network device eth9' }],
    ['none', { network: 'none', device: '', servers: [], failure: 'this rack has no network none' }],
  ]));
  assert.deepEqual([heard.length, [...probed].sort(), learnt.length], [4, ['eth0', 'eth9'], 2]);
});

test('an answer names its request as the cause', async (t) => {
  const { heard, request } = await openRack(t);
  await request('lan1');
  const answer = await waitFor(() => heard[0], { what: 'the answer' });
  assert.deepEqual([answer.type, answer.correlationid], ['dhcp.probed', answer.causationid]);
  assert.match(answer.causationid ?? '', /^[0-9a-f-]{36}$/);
});
