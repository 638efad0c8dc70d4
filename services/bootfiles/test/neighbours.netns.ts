/** Run by src/neighbours.int.test.ts inside the rack's namespace. */
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Network } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { mac, otherMac, policy } from './fixtures.ts';
import { ofType, startRack, type Rack } from './rack.ts';

const [router, machine] = [process.env['NB_ROUTER'] ?? '', process.env['NB_MACHINE'] ?? ''];
const inMachine = async (...args: string[]): Promise<string> => (await promisify(execFile)('ip', ['netns', 'exec', machine, ...args], { timeout: 30_000 })).stdout;
const path = (of: string): string => `/boot/${of.replaceAll(':', '-')}/script.ipxe`;

let rack: Rack;
let dnsmasq: ChildProcess;
let directory: string;
let base = '';
let address = '';

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ironbus-neighbours-'));
  const serve = ['-k', '--conf-file=/dev/null', '--port=0', '--user=root', '--pid-file=', '--log-facility=-', '--interface=eth0', '--bind-interfaces', '--no-ping',
    `--dhcp-leasefile=${join(directory, 'leases')}`, '--dhcp-range=10.98.7.50,10.98.7.60,5m'];
  dnsmasq = spawn('ip', ['netns', 'exec', router, 'dnsmasq', ...serve], { stdio: 'ignore' });
  const script = join(directory, 'bound.sh');
  await writeFile(script, '#!/bin/sh\n[ "$1" != bound ] || exec ip addr replace "$ip/$mask" dev "$interface"\n', { mode: 0o755 });
  await inMachine('busybox', 'udhcpc', '-i', 'eth0', '-q', '-n', '-t', '20', '-T', '1', '-s', script);
  address = /inet (10\.98\.7\.\d+)\//.exec(await inMachine('ip', '-4', 'addr', 'show', 'dev', 'eth0'))?.[1] ?? '';
  rack = await startRack({ BOOTFILES_HOST: '0.0.0.0' });
  await rack.start();
  base = rack.url('').replace('127.0.0.1', '10.98.7.1');
  await rack.putPolicy(policy({ attempt: 3 }));
});
after(async () => {
  dnsmasq.kill('SIGTERM');
  await rack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** The network of this wire, as the rack knows it now. */
async function serve(changes: Partial<Network>, rule: RegExp): Promise<string> {
  await rack.putNetwork({ interface: 'lan0', cidr: '10.98.7.0/24', baseUrl: base, ...changes });
  return waitFor(async () => { const script = await curl(base + path(mac)); return rule.test(script) && script; }, { what: String(rule) });
}
const curl = (...args: string[]): Promise<string> => inMachine('curl', '-sS', '--max-time', '10', ...args);
const checkIn = (token: string): Promise<string> => curl('-o', '/dev/null', '-w', '%{http_code}', '-H', `Authorization: Bearer ${token}`, '-H', 'Content-Type: application/json', '-d', JSON.stringify({
  mac, ip: address, firmware: 'bios', secureBoot: false, architecture: 'amd64', uuid: null, serial: null, agentVersion: 'test', uptimeSeconds: 1,
}), `${base}/agent/v1/check-in`);

test('the machine has its address from dnsmasq', () => { assert.match(address, /^10\.98\.7\.(5\d|60)$/); });

for (const mode of ['off', 'shadow', 'proxy'] as const) {
  test(`mode ${mode}: it gets its script and its plan, another’s script it does not get`, async () => {
    await serve({ mode: 'authoritative' }, /# ironbus: asker-unbound/);
    const script = await serve({ mode }, /# ironbus: policy-agent/);
    assert.equal(await checkIn(/ironbus\.token=(\S+)/.exec(script)?.[1] ?? ''), '200');
    assert.match(await curl(base + path(otherMac)), /# ironbus: asker-foreign/);
  });
}

test('events name the machine, and no boot that nobody counted', async () => {
  await waitFor(() => ofType(rack.events, 'node.checked-in').length === 3);
  const [told] = ofType(rack.events, 'node.checked-in');
  assert.deepEqual([told?.nodeid, told?.bootid, (told?.data as { network: string } | undefined)?.network], ['k7x2mp', undefined, 'lan1']);
});

test('a file that the rack’s TFTP service asks for in its name is its own', async () => {
  await serve({ mode: 'shadow' }, /policy-agent/);
  const answer = await fetch(rack.url('/virtual/grub/grub.cfg'), { headers: { forwarded: `for=${address}` } });
  assert.match(await answer.text(), /ironbus\.token=/);
});

test('a binding goes before the neighbour table', async () => {
  await rack.bind(address, otherMac);
  await serve({ mode: 'shadow' }, /# ironbus: asker-foreign/);
  await rack.unbind(address);
  await serve({ mode: 'shadow' }, /# ironbus: policy-agent/);
});

for (const [what, changes] of [['on another device', { interface: 'eth7' }], ['behind a relay', { relayed: true }], ['of another rack', { rack: 'rack2' as Network['rack'] }]] as const) {
  test(`an address ${what} is not looked up`, async () => { await serve({ mode: 'shadow', ...changes }, /# ironbus: asker-unbound/); });
}
