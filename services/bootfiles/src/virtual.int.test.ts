/** What the rack’s TFTP service asks in the name of machines: one decision, three kinds of loader, and nobody else may ask. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { bindingsBucket, bootPoliciesBucket, macToken } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { agentWith } from '../test/agent.ts';
import { mac, otherMac, policy } from '../test/fixtures.ts';
import { ofType, startRack, type Rack } from '../test/rack.ts';

const machine = '10.77.0.9';
const other = '10.77.0.8';
let rack: Rack;
let attempt = 0;

before(async () => {
  rack = await startRack({}, ['agent/arm64/vmlinuz', 'agent/arm64/initrd.img']);
  await Promise.all([rack.putNetwork({ cidr: '10.77.0.0/24' }), rack.bind(machine, mac), rack.bind(other, otherMac)]);
  await rack.start();
});
after(async () => { await rack[Symbol.asyncDispose](); });
beforeEach(() => { attempt += 1; });

type Answer = { status: number; asset: string | null; text: string };
async function ask(path: string, asker: string | undefined = machine, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(rack.url(`/virtual/${path}`), { headers: { ...(asker !== undefined && { forwarded: `for=${asker}` }), ...headers } });
  return { status: response.status, asset: response.headers.get('x-ironbus-asset'), text: await response.text() };
}
async function put(changes: Parameters<typeof policy>[0], rule: string): Promise<void> {
  await rack.putPolicy(policy({ attempt, ...changes }));
  await waitFor(async () => (await ask('grub/grub.cfg')).text.startsWith(`# ironbus: ${rule}\n`), { what: rule });
}
const deploy = (): Promise<void> => put({}, 'policy-agent');
const local = (): Promise<void> => put({ answer: 'local', status: 'Deployed', operation: null }, 'policy-local');
const refusals = (reason: string) => ofType(rack.observations, 'boot.refused').filter((event) => (event.data as { reason: string }).reason === reason);

test('every name a loader asks by leads to the decision of its machine', async () => {
  await deploy();
  const names = [
    'grub/x86_64-efi/grub.cfg', 'grub/grub.cfg', 'EFI/debian/grub.cfg', 'grub/grub.cfg-01-52-54-00-77-00-01', 'grub.cfg-01-52-54-00-77-00-01', 'grub/grub.cfg-0A4D0009',
    'pxelinux.cfg/a1234567-89ab-4cde-8123-456789000001', 'pxelinux.cfg/01-52-54-00-77-00-01', 'pxelinux.cfg/0A4D0009', 'pxelinux.cfg/0A4D', 'pxelinux.cfg/default',
  ];
  for (const name of names) {
    const { status, text } = await ask(name);
    assert.deepEqual([status, text.split('\n')[0]], [200, '# ironbus: policy-agent'], name);
    assert.match(text, /ironbus\.url=http:\/\/10\.77\.0\.1:5248 ironbus\.token=[A-Za-z0-9_-]{43} BOOTIF=01-52-54-00-77-00-01 /, name);
  }
  assert.equal((await ask('grub/x86_64-efi/command.lst')).status, 404);
  assert.equal((await ask('revocations_sku.efi')).status, 404);
});

test('a token of a GRUB script starts the agent of this machine', async () => {
  await deploy();
  const token = /ironbus\.token=(\S+)/.exec((await ask('grub/grub.cfg')).text)?.[1] ?? '';
  await rack.bind('127.0.0.1', mac);
  const agent = agentWith(rack, token);
  await waitFor(async () => (await agent.checkIn()).status === 200);
});

test('the event names the path, the rule and the loader', async () => {
  await deploy();
  for (const path of ['grub/grub.cfg', 'pxelinux.cfg/default', '9f32a1bc/cmdline.txt']) await ask(path);
  const told = (flavour: string) => ofType(rack.observations, 'boot.script-served').map((event) => event.data as Record<string, unknown>).findLast((data) => data['flavour'] === flavour);
  const served = await waitFor(() => told('pi'));
  assert.deepEqual(served, { address: machine, mac, path: '/virtual/9f32a1bc/cmdline.txt', rule: 'policy-agent', answer: 'agent', status: 'Deploying', flavour: 'pi' });
  assert.deepEqual([told('grub')?.['path'], told('pxelinux')?.['path']], ['/virtual/grub/grub.cfg', '/virtual/pxelinux.cfg/default']);
});

test('Raspberry Pi: text for two files, assets for the rest, and nothing at all for one that boots its disk', async () => {
  await deploy();
  assert.match((await ask('9f32a1bc/config.txt')).text, /^kernel=agent\/arm64\/vmlinuz$/m);
  assert.match((await ask('52-54-00-77-00-01/cmdline.txt')).text, /^ironbus\.url=\S+ ironbus\.token=[A-Za-z0-9_-]{43} BOOTIF=.*\n$/);
  assert.deepEqual(await ask('9f32a1bc/start4.elf'), { status: 204, asset: 'pi/start4.elf', text: '' });
  assert.deepEqual(await ask('9f32a1bc/agent/arm64/vmlinuz'), { status: 204, asset: 'agent/arm64/vmlinuz', text: '' });
  await local();
  for (const file of ['start4.elf', 'config.txt', 'cmdline.txt']) assert.equal((await ask(`9f32a1bc/${file}`)).status, 404, file);
  assert.equal((await ask('9f32a1bc/start4.elf', '10.77.0.77')).status, 503, 'nobody knows who asks: it asks again');
});

test('a deployed machine boots its disk by each loader, an unknown asker is told to ask again, and neither gets a token', async () => {
  await local();
  assert.match((await ask('grub/grub.cfg')).text, /chainloader/);
  assert.match((await ask('pxelinux.cfg/default')).text, /LOCALBOOT 0/);
  const unbound = await ask('grub/grub.cfg', '10.77.0.77');
  assert.match(unbound.text, /^# ironbus: asker-unbound\n[\s\S]*sleep 5/);
  assert.match((await ask('pxelinux.cfg/default', '10.77.0.77')).text, /^# ironbus: asker-unbound\n[\s\S]*TIMEOUT 50/);
  assert.doesNotMatch(unbound.text, /token/);
});

test('a path that names another machine than the address does: no token, and it is published', async () => {
  await deploy();
  for (const path of ['grub/grub.cfg-01-52-54-00-77-00-01', 'pxelinux.cfg/01-52-54-00-77-00-01', 'pxelinux.cfg/0A4D0009']) {
    const before = refusals('asker-foreign').length;
    const { text } = await ask(path, other);
    assert.match(text, /^# ironbus: asker-foreign\n/, path);
    assert.doesNotMatch(text, /token/);
    await waitFor(() => refusals('asker-foreign').length > before);
  }
  assert.equal((await ask('52-54-00-77-00-01/cmdline.txt', other)).status, 503);
});

test('an address that no network holds gets no agent that could not reach its rack', async () => {
  await rack.dhcp.kv(bindingsBucket).put('rack1.192.0.2.9', {
    address: '192.0.2.9', mac: otherMac, node: null, network: 'gone', bootId: 'boot-1', how: 'leased', stage: 'firmware', at: '2026-11-20T10:00:00.000Z',
  } as never);
  await rack.putPolicy({ ...policy({ attempt }), node: 'q8y3nr' as never, mac: otherMac });
  await waitFor(async () => (await ask('grub/grub.cfg', '192.0.2.9')).text.startsWith('# ironbus: network-unknown\n'));
  await rack.lifecycle.kv(bootPoliciesBucket).delete(macToken(otherMac));
});

test('nobody else may ask: the address of the socket decides, not what it says', async () => {
  await deploy();
  const curl = async (...args: string[]): Promise<string> => (await promisify(execFile)('curl', ['-sS', '--max-time', '10', '-o', '/dev/null', '-w', '%{http_code}', ...args, rack.url('/virtual/grub/grub.cfg')])).stdout;
  assert.equal(await curl('--interface', '127.0.0.2', '-H', `Forwarded: for=${machine}`), '403');
  assert.equal(await curl('-H', `Forwarded: for=${machine}`), '200');
  for (const header of ['X-Forwarded-For: 10.77.0.9', 'Forwarded: for=unknown', 'Forwarded: for=10.77.0.9, for=10.77.0.8']) assert.equal(await curl('-H', header), '422', header);
  await waitFor(() => refusals('not-a-trusted-proxy').length > 0);
});

test('a GRUB that came by HTTP asks bootfiles itself, and is known by its own address alone', async () => {
  await rack.bind('127.0.0.1', mac);
  await deploy();
  const direct = async (path: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(rack.url(path), { headers: { forwarded: `for=${other}` } });
    return { status: response.status, text: await response.text() };
  };
  await waitFor(async () => (await direct('/grub/x86_64-efi/grub.cfg')).text.startsWith('# ironbus: policy-agent\n'));
  assert.match((await direct('/grub/grub.cfg-01-52-54-00-77-00-02')).text, /^# ironbus: asker-foreign\n/);
  for (const path of ['/grub/x86_64-efi/http.mod', '/grub/9f32a1bc/cmdline.txt', '/grub/pxelinux.cfg/default']) assert.equal((await direct(path)).status, 404, path);
});

test('GRUB finds the length of scripts, files, parts of files and refusals: it knows one spelling of the header', async () => {
  const head = async (path: string, ...args: string[]): Promise<string> => (await promisify(execFile)('curl', ['-sS', '--max-time', '10', '-D', '-', '-o', '/dev/null', ...args, rack.url(path)])).stdout;
  for (const path of ['/grub/grub.cfg', '/agent-image/amd64/vmlinuz', '/boot/52-54-00-77-00-01/grub.cfg', '/nothing']) assert.match(await head(path), /^Content-Length: \d+\r$/m, path);
  assert.match(await head('/agent-image/amd64/vmlinuz', '-r', '5-'), /^HTTP\/1\.1 206 [\s\S]*^Content-Length: \d+\r$/m);
});

test('Redis away: who needs the ledger asks again, by each loader', async () => {
  await deploy();
  await rack.redis.kill();
  await waitFor(async () => (await ask('grub/grub.cfg')).text.startsWith('# ironbus: ledger-away\n'));
  assert.match((await ask('pxelinux.cfg/default')).text, /^# ironbus: ledger-away\n/);
  assert.equal((await ask('9f32a1bc/start4.elf')).status, 503);
  await rack.redis.restart();
  await waitFor(async () => (await ask('grub/grub.cfg')).text.startsWith('# ironbus: policy-agent\n'));
});
