/** Run by lan.int.test.ts inside the rack's namespace: whether addresses are used there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4 } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { waitFor } from '@ironbus/testkit';
import { AddressProber } from '../shell/address-prober.ts';
import { deviceFacts } from '../shell/device-facts.ts';
import { run } from './namespaces.ts';
import { startIn } from './programs.ts';

const rack = process.env['SF_RACK'] ?? '';
const peer = process.env['SF_PEER'] ?? '';
const log = createLogger({ svc: 'dhcp', level: process.env['TEST_LOG'] === undefined ? 'silent' : 'debug' });
const farMac = '52:54:00:78:00:02';

const address = (last: number): Ipv4 => `10.78.0.${last}` as Ipv4;
const from = address(1);
async function prober(): Promise<AddressProber & AsyncDisposable> {
  const index = (await deviceFacts('sf-s0'))?.index ?? 0;
  const opened = await AddressProber.open({ device: 'sf-s0', index, log, now: () => Date.now() }, new AbortController().signal);
  return Object.assign(opened, { [Symbol.asyncDispose]: () => opened.close() });
}
const macOf = (namespace: string, device: string): string => /link\/ether (\S+)/.exec(run(`ip -n ${namespace} link show ${device}`))?.[1] ?? '';

test('ARP probes: a whole subnet at once, with the holders and their hardware addresses', async () => {
  await using asked = await prober();
  const all = Array.from({ length: 254 }, (_, n) => address(n + 1));
  const ask = { from, how: 'arp', timeoutMs: 600 } as const;
  const [first, second] = await Promise.all([asked.inUse(all, ask), asked.inUse([address(30), address(31)], ask)]);
  assert.deepEqual(new Map([...first].sort()), new Map([
    ['10.78.0.1', { mac: macOf(rack, 'sf-s0') }], ['10.78.0.2', { mac: farMac }], ['10.78.0.30', { mac: macOf(peer, 'sf-p0') }],
  ]));
  assert.deepEqual([...second.keys()], ['10.78.0.30']);
  assert.equal(run(`ip -n ${peer} neigh show 10.78.0.1 dev sf-p0 nud reachable`), '', 'nobody learns an address from a probe');
});

test('a probe whose every address answers does not wait for its time to be over', async () => {
  await using asked = await prober();
  const used = await asked.inUse([address(30)], { from, how: 'arp', timeoutMs: 600_000 });
  assert.deepEqual([...used.keys()], ['10.78.0.30']);
});

test('who announces an address without answering for it is heard too', async () => {
  run(`ip -n ${peer} addr add 10.78.0.44/24 dev sf-p0`);
  run(`ip netns exec ${peer} sysctl -qw net.ipv4.conf.all.arp_ignore=8`);
  await using asked = await prober();
  assert.equal((await asked.inUse([address(44)], { from, how: 'arp', timeoutMs: 300 })).size, 0);
  const hearing = asked.inUse([address(44)], { from, how: 'arp', timeoutMs: 600_000 });
  await startIn(peer, 'busybox', 'arping', '-U', '-c', '1', '-I', 'sf-p0', '10.78.0.44').ended();
  assert.deepEqual([...await hearing], [['10.78.0.44', { mac: macOf(peer, 'sf-p0') }]]);
  run(`ip netns exec ${peer} sysctl -qw net.ipv4.conf.all.arp_ignore=0`);
});

test('ICMP echo: an address behind a router, and none', async () => {
  await using asked = await prober();
  const beyond = ['10.78.9.30', '10.78.9.31'] as Ipv4[];
  assert.deepEqual([...await asked.inUse(beyond, { from, how: 'icmp', timeoutMs: 600 })], [['10.78.9.30', { mac: null }]]);
  const unreachable = { code: 'PORT_UNAVAILABLE', message: 'no probe leaves sf-s0 (ENETUNREACH)' };
  await assert.rejects(asked.inUse(['192.0.2.1' as Ipv4], { from, how: 'icmp', timeoutMs: 600 }), unreachable);
});

test('a device that is down is said, and asked again once it is up; closing ends what is under way', async () => {
  const asked = await prober();
  run('ip link set sf-s0 down');
  const down = { code: 'PORT_UNAVAILABLE', message: 'no probe leaves sf-s0 (ENETDOWN)' };
  await assert.rejects(asked.inUse([address(30)], { from, how: 'arp', timeoutMs: 600 }), down);
  run('ip link set sf-s0 up');
  await waitFor(async () => (await asked.inUse([address(30)], { from, how: 'arp', timeoutMs: 600 })).size === 1, { what: 'an answer' });
  const hanging = asked.inUse([address(31)], { from, how: 'arp', timeoutMs: 600_000 });
  await asked.close();
  assert.equal((await hanging).size, 0);
});
