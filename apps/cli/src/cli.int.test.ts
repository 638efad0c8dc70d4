import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openBus, react, type Bus } from '@ironbus/bus';
import {
  dhcpProbed, dhcpServersBucket, leaseGranted, networkProbeRequested, networksBucket, nodeDiscovered, nodeRequestRefused, nodeRequests, nodeTransitioned, tftpRrq,
  type DhcpServer, type Envelope, type Event, type Image, type IpAddress, type Ipv4, type Mac, type Node, type NodeId, type RackId, type Status,
} from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { freePort, startNats, startRedis, waitFor } from '@ironbus/testkit';
import { joinRack } from './index.ts';

const binary = fileURLToPath(new URL('../bin/ironbus.mjs', import.meta.url));
const apiMain = fileURLToPath(import.meta.resolve('@ironbus/api')).replace(/index\.ts$/, 'main.ts');
const key = `ib_${'k'.repeat(43)}`;
const mac = '52:54:00:77:00:01' as Mac;
const log = createLogger({ svc: 'test', level: 'silent' });

let nats: Awaited<ReturnType<typeof startNats>>;
let redis: Awaited<ReturnType<typeof startRedis>>;
let dir: string;
let url: string;
let apiEnv: Record<string, string>;
let api: ChildProcess;
let lifecycle: Bus;
const nodes = new Map<string, Node>();
/** The statuses a machine goes through after a request, one after the other; `refuse` refuses it. */
const scripts: Record<string, Status[] | 'refuse'> = { 'node.accept-requested': ['Commissioning', 'Ready'], 'node.deploy-requested': ['Deploying', 'Failed deployment'], 'node.release-requested': 'refuse' };

before(async () => {
  [nats, redis, dir] = await Promise.all([startNats(), startRedis(), mkdtemp(join(tmpdir(), 'ironbus-cli-'))]);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  apiEnv = { NATS_URL: nats.url, REDIS_URL: redis.url, API_HOST: '127.0.0.1', API_PORT: String(port), API_HEALTH_PORT: String(await freePort()), API_DATA_DIR: join(dir, 'api'), API_ADMIN_KEY: key, API_WAIT_SECONDS: '1', API_PROBE_SECONDS: '1', LOG_LEVEL: 'warn' };
  api = await startApi();
  lifecycle = openBus({ servers: nats.url, origin: { service: 'lifecycle', rack: 'rack1', instance: 'fake' }, log });
  await lifecycle.whenReady();
  await lifecycle.tail(nodeRequests.map((definition) => `${definition.type}.>`), answer).whenLive();
  await lifecycle.publish(nodeDiscovered, { key: 'k7x2mp', nodeid: 'k7x2mp', data: { node: remember(makeNode()) } });
  await waitFor(async () => (await ironbus('machines', 'show', 'k7x2mp')).code === 0);
});
after(async () => {
  await lifecycle.close();
  await stopApi();
  await Promise.all([nats.stop(), redis.stop()]);
  await rm(dir, { recursive: true });
});

async function startApi(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [apiMain], { env: { PATH: process.env['PATH'], ...apiEnv }, stdio: ['ignore', 'ignore', 'inherit'] });
  await waitFor(async () => (await fetch(`${url}/healthz`)).ok, { timeoutMs: 20_000, what: 'the api' });
  return child;
}

async function stopApi(): Promise<void> {
  if (api.exitCode !== null || api.signalCode !== null) return;
  api.kill();
  await once(api, 'exit');
}

const remember = (node: Node): Node => { nodes.set(node.id, node); return node; };
const makeNode = (): Node => ({
  id: 'k7x2mp' as NodeId, version: 1, status: 'New', statusMessage: 'discovered', hostname: 'web1', macs: [mac], bootMac: mac, uuid: null, serial: null, architecture: 'amd64', firmware: 'bios', secureBoot: false,
  bootRack: 'rack1' as RackId, bmcRack: null, power: { type: 'manual', address: null, parametersSet: false, state: 'off', observedAt: null, bootDeviceVerified: null }, hardware: null, tags: [], owner: null,
  held: false, quarantined: false, locked: false, detached: false, addresses: [], reservedAddress: null, operation: null, deployment: null, failure: null, createdAt: '2026-11-20T10:00:00.000Z', updatedAt: '2026-11-20T10:00:00.000Z',
});

async function answer(event: Event): Promise<void> {
  const script = scripts[event.type];
  if (script === 'refuse') return void await lifecycle.publish(nodeRequestRefused, react(event, nodeRequestRefused, { key: event.subject, data: { request: event.type, code: 'NODE_STATE', message: 'it is not deployed' } }));
  for (const [ordinal, to] of (script ?? []).entries()) {
    const before = nodes.get(event.subject)!;
    const failure = to.startsWith('Failed') ? { reason: 'image-hash-mismatch', message: 'the image is damaged', at: before.createdAt, during: 'write-image', lastEvidence: null } : null;
    const node = remember({ ...before, version: before.version + 1, status: to, statusMessage: '', failure });
    await lifecycle.publish(nodeTransitioned, react(event, nodeTransitioned, { key: node.id, nodeid: node.id, ordinal, data: { from: before.status, to, on: event.type, why: 'a test', node } }));
  }
}

type Ran = { code: number | null; out: string; err: string };
const environment = (): Record<string, string | undefined> => ({ PATH: process.env['PATH'], IRONBUS_API: url, IRONBUS_API_KEY: key });

function start(args: string[], env: Record<string, string | undefined> = environment()) {
  const child = spawn(process.execPath, [binary, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const ran: Ran = { code: null, out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => { ran.out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { ran.err += chunk.toString(); });
  const done = once(child, 'close').then(([code]) => ({ ...ran, code: code as number | null }));
  return { child, ran, done };
}

function ironbus(...args: string[]): Promise<Ran> {
  const { child, done } = start(args);
  child.stdin.end();
  return done;
}

test('machines: a table for people, JSON for programs, an error with its code', async () => {
  assert.match((await ironbus('machines', 'list')).out, /^HOSTNAME\s+ID\s+STATUS.*\nweb1\s+k7x2mp\s+New\s+off\s+52:54:00:77:00:01/);
  assert.equal((JSON.parse((await ironbus('machines', 'list', '--json')).out) as Node[])[0]?.id, 'k7x2mp');
  assert.match((await ironbus('machines', 'show', 'web1')).out, /^status:\s+New$/m);
  const none = await ironbus('machines', 'show', 'nobody');
  assert.deepEqual([none.code, none.err], [1, 'ironbus: NODE_UNKNOWN: there is no machine "nobody": "ironbus machines list" shows them\n']);
  assert.equal((await ironbus('machines', 'list', '--key', `ib_${'x'.repeat(43)}`)).code, 3);
});

test('--wait: success is 0 with the machine, a failure is 1 with its reason, a refusal its code', async () => {
  const done = await ironbus('machines', 'accept', 'web1', '--wait', '30s');
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /web1 \(k7x2mp\): Ready/);
  assert.match(done.err, /web1: Commissioning\n[\s\S]*web1: Ready/);
  await writeFile(join(dir, 'small.img'), 'an image');
  await ironbus('images', 'add', join(dir, 'small.img'), '--name', 'small', '--format', 'raw');
  const failed = await ironbus('machines', 'deploy', 'web1', '--image', 'small', '--wait');
  assert.equal(failed.code, 1);
  assert.match(failed.err, /ironbus: WAIT_FAILED: web1: Failed deployment: image-hash-mismatch: the image is damaged\n$/);
  const refused = await ironbus('machines', 'release', 'web1', '--wait', '--json');
  assert.deepEqual([refused.code, JSON.parse(refused.err)], [1, { error: { code: 'NODE_STATE', message: 'it is not deployed' } }]);
  const late = await ironbus('machines', 'rescue', 'web1', '--wait', '2s');
  assert.deepEqual([late.code, /WAIT_TIMEOUT/.test(late.err)], [1, true]);
  assert.match((await ironbus('machines', 'abort', 'web1')).out, /asked for, not answered yet/);
});

test('deploy reads keys and user-data from files, and says what is wrong in them', async () => {
  await writeFile(join(dir, 'bad.pub'), '# mine\nssh-ed25519 AAAA\n');
  await writeFile(join(dir, 'user-data'), 'runcmd: []\n');
  const wrong = await ironbus('machines', 'deploy', 'web1', '--image', 'small', '--ssh-key', join(dir, 'bad.pub'), '--user-data', join(dir, 'user-data'));
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /REQUEST_INVALID: \/sshKeys\/0: .*cut off.*; \/userData:1: cloud-init would ignore/);
});

test('images: 40 MB are streamed with progress, listed and removed', async () => {
  const file = join(dir, 'big.img');
  await writeFile(file, Buffer.alloc(40 * 1024 * 1024, 'x'));
  const added = await ironbus('images', 'add', file, '--name', 'Big One', '--format', 'raw', '--os', 'debian', '--default-user', 'debian');
  assert.equal(added.code, 0, added.err);
  assert.match(added.err, /hashing .*: 50 % of 40\.0 MiB[\s\S]*sending .*: 100 %/);
  assert.match((await ironbus('images', 'list')).out, /big-one\s+Big One\s+debian\s+-\s+amd64\s+raw\s+40\.0 MiB\s+debian/);
  assert.equal((JSON.parse((await ironbus('images', 'show', 'big-one', '--json')).out) as Image).sizeBytes, 40 * 1024 * 1024);
  assert.equal((await ironbus('images', 'remove', 'big-one')).code, 0);
});

test('profiles: added, previewed as a file with its facts as comments, changed, used by deploy; layers fill their values', async () => {
  const template = join(dir, 'preseed.liquid');
  await writeFile(template, 'd-i netcfg/get_hostname string {{ machine.hostname }}\nd-i partman-auto/disk string {{ values.disk }}\n# {{ secrets.root }}\n{% include "phone_home" %}\n');
  for (const name of ['linux', 'initrd']) await ironbus('images', 'add', template, '--name', name, '--format', 'file');
  const added = await ironbus('profiles', 'add', 'debian', template, '--kind', 'preseed', '--kernel', 'image:linux', '--initrd', 'image:initrd');
  assert.equal(added.code, 0, added.err);
  const unset = await ironbus('profiles', 'preview', 'debian', '--machine', 'web1');
  assert.deepEqual([unset.code, /^# problem: line 2, column \d+ of the template: values\.disk is set in no layer/m.test(unset.out)], [1, true]);
  assert.equal((await ironbus('layers', 'set', 'global', '--value', 'disk=/dev/sda', '--kernel-arguments', 'console=ttyS0')).code, 0);
  assert.equal((await ironbus('profiles', 'set', 'debian', '--kernel-arguments', 'fb=false --- quiet')).code, 0);
  const preview = await ironbus('profiles', 'preview', 'debian', '--machine', 'web1');
  assert.equal(preview.code, 0, preview.err);
  assert.match(preview.out, /^# debian for web1: preseed\.cfg\n# kernel: http\S+\n# initrd: http\S+\n# command line \(\d+ bytes\): auto=true .* console=ttyS0 fb=false --- quiet\n/);
  assert.match(preview.out, /^# {3}from global: console=ttyS0\n# {3}from profile debian: fb=false --- quiet\n# handed to the installed system: quiet$/m);
  assert.match(preview.out, /^d-i partman-auto\/disk string \/dev\/sda\n# redacted-root$/m);
  assert.match((await ironbus('machines', 'deploy', 'web1', '--profile', 'debian')).err, /secrets\.root was not given: deploy with --secret root=<file>/);
  assert.match((await ironbus('machines', 'deploy', 'web1')).err, /give either --image or --profile/);
  assert.match((await ironbus('profiles', 'list')).out, /debian\s+preseed\s+amd64\s+image:linux/);
  assert.match((await ironbus('layers', 'list')).out, /global\s+disk\s+-\s+console=ttyS0/);
  assert.deepEqual([(await ironbus('profiles', 'remove', 'debian')).code, (await ironbus('layers', 'remove', 'global')).code], [0, 0]);
});

test('networks: added from a file or standard input, changed, removed', async () => {
  const file = join(dir, 'lan1.json');
  const lan = { id: 'lan1', interface: 'eth1', cidr: '10.77.0.0/24', serverAddress: '10.77.0.1', dynamicRanges: [{ from: '10.77.0.100', to: '10.77.0.200' }] };
  await writeFile(file, JSON.stringify(lan));
  assert.match((await ironbus('networks', 'add', file)).out, /^mode:\s+off$/m);
  const { child, done } = start(['networks', 'set', '-', '--json']);
  child.stdin.end(JSON.stringify({ ...lan, mode: 'shadow' }));
  assert.equal((JSON.parse((await done).out) as { mode: string }).mode, 'shadow');
  assert.match((await ironbus('networks', 'list')).out, /lan1\s+rack1\s+eth1\s+10\.77\.0\.0\/24\s+shadow\s+10\.77\.0\.1\s+10\.77\.0\.100-10\.77\.0\.200\s+enlist/);
  await writeFile(file, JSON.stringify({ ...lan, serverAddress: '10.78.0.1' }));
  assert.match((await ironbus('networks', 'set', file)).err, /NETWORK_INVALID: lan1\/serverAddress/);
  assert.equal((await ironbus('networks', 'remove', 'lan1')).code, 0);
});

const lan2 = { id: 'lan2', interface: 'eth2', cidr: '10.78.0.0/24', serverAddress: '10.78.0.1', domain: 'example.org', dnsServers: ['10.78.0.1'], dynamicRanges: [{ from: '10.78.0.100', to: '10.78.0.200' }] };
const rival = { serverId: '10.78.0.254' as Ipv4, from: '10.78.0.254' as Ipv4, mac: null, offered: '10.78.0.77' as Ipv4, bootFile: null };

/** A dhcp service that says of every network what its mode is; where it is not forced, a rival keeps it from being authoritative. */
async function fakeDhcp(): Promise<{ bus: Bus } & AsyncDisposable> {
  const bus = openBus({ servers: nats.url, origin: { service: 'dhcp', rack: 'rack1', instance: 'a' }, log });
  await bus.whenReady();
  const networks = new Map<string, DhcpServer['networks'][number]>();
  const tell = (): Promise<number> => bus.kv(dhcpServersBucket).put('rack1.a', { rack: 'rack1' as RackId, instance: 'a', startedAt: new Date().toISOString(), at: new Date().toISOString(), storeReady: true, networks: [...networks.values()] });
  const view = bus.watch(networksBucket, { onChange: (id, network) => {
    networks.delete(id);
    const refused = network?.mode === 'authoritative' && network.force !== true;
    if (network !== undefined) networks.set(id, { network: id, serverAddress: network.serverAddress, state: refused ? 'refused' : network.mode, why: refused ? 'others answer' : null, others: refused ? [{ ...rival, seenAt: new Date().toISOString() }] : [] });
    void tell();
  } });
  await view.whenSynced();
  return { bus, [Symbol.asyncDispose]: async () => { await view.stop(); await bus.close(); } };
}

test('networks: authoritative waits for its rack; a refusal names the server and exits 1; force is the way out', async () => {
  await using _dhcp = await fakeDhcp();
  const save = async (verb: string, network: object, ...more: string[]): Promise<Ran> => {
    const { child, done } = start(['networks', verb, '-', ...more]);
    child.stdin.end(JSON.stringify(network));
    return done;
  };
  const off = await save('add', lan2);
  assert.deepEqual([off.code, /ironbus networks settings lan2/.test(off.err)], [0, true], off.err);
  const refused = await save('set', { ...lan2, mode: 'authoritative' });
  assert.equal(refused.code, 1, refused.err);
  assert.match(refused.err, /AUTHORITY_REFUSED: lan2 is saved, but nothing on it is answered, because other DHCP servers answer there: 10\.78\.0\.254 \(offers 10\.78\.0\.77\)\..*"force": true/);
  assert.match(refused.out, /^mode: +authoritative$/m);
  assert.match((await ironbus('networks', 'status', 'lan2')).out, /^state: +refused\n[\s\S]*^a +refused/m);
  const forced = await save('set', { ...lan2, mode: 'authoritative', force: true });
  assert.deepEqual([forced.code, /lan2 is authoritative\n$/.test(forced.err)], [0, true], forced.err);
  const json = await save('set', { ...lan2, mode: 'authoritative', force: true, mtu: 65_000 }, '--json');
  assert.deepEqual([json.code, json.err, (JSON.parse(json.out) as { mtu: number }).mtu], [0, '', 65_000]);
  assert.match((await save('set', { ...lan2, mode: 'shadow', mtu: 65_000 })).err, /note: \/mtu an MTU of 65000 is unusual/);
  assert.match((await ironbus('fabrics', 'list')).out, /^fabric-0\s+untagged\s+lan2\s+10\.78\.0\.0\/24\s+shadow\s+rack1\s+eth2\s+yes$/m);
});

test('networks settings: for one product, or for all of them', async () => {
  assert.match((await ironbus('networks', 'settings', 'lan2', '--server', 'dnsmasq')).out, /^== dnsmasq: [\s\S]*^dhcp-boot=tag:ironbus-ipxe,http:\/\/10\.78\.0\.1:5248\/boot\/\$\{netX\/mac:hexhyp\}\/script\.ipxe,,10\.78\.0\.1$[\s\S]*^- /m);
  const all = await ironbus('networks', 'settings', 'lan2');
  for (const product of ['dnsmasq', 'isc', 'kea', 'unifi', 'edgeos', 'pfsense', 'opnsense', 'mikrotik']) assert.match(all.out, new RegExp(`^== ${product}: `, 'm'));
  assert.equal((await ironbus('networks', 'settings', 'lan2', '--server', 'windows')).code, 2);
});

test('dhcp: leases as a table and as JSON, a probe with what it found; a network with leases goes only by force', async () => {
  await using dhcp = await fakeDhcp();
  const lease = { mac, address: '10.78.0.100' as Ipv4, network: 'lan2', leaseSeconds: 3600, sequence: 1, hostname: 'web1', expiresAt: new Date(Date.now() + 3_600_000).toISOString(), client: 'ipxe' };
  await dhcp.bus.publish(leaseGranted, { key: '525400770001', data: lease });
  await waitFor(async () => (await ironbus('dhcp', 'leases')).out !== 'none\n');
  assert.match((await ironbus('dhcp', 'leases', '--network', 'lan2', '--mac', mac)).out, /^ADDRESS .*\n10\.78\.0\.100\s+52:54:00:77:00:01\s+lan2\s+web1\.example\.org\s+active\s+\S+\s+ipxe\s+k7x2mp\n$/);
  assert.deepEqual((JSON.parse((await ironbus('dhcp', 'leases', '--json', '--network', 'lan1')).out)), []);
  const inUse = await ironbus('networks', 'remove', 'lan2');
  assert.deepEqual([inUse.code, /NETWORK_IN_USE: .*10\.78\.0\.100 \(leased by 52:54:00:77:00:01/.test(inUse.err)], [1, true], inUse.err);

  assert.match((await ironbus('dhcp', 'probe', 'lan2')).err, /PROBE_UNANSWERED: .*"ironbus networks status lan2"/);
  let found = { network: 'lan2', device: 'eth2', servers: [rival], failure: null as string | null };
  const rack = dhcp.bus.tail(`${networkProbeRequested.type}.>`, (event) => dhcp.bus.publish(dhcpProbed, react(event, dhcpProbed, { key: 'lan2', data: found })).then(() => undefined));
  await rack.whenLive();
  assert.match((await ironbus('dhcp', 'probe', 'lan2')).out, /^SERVER .*\n10\.78\.0\.254\s+10\.78\.0\.254\s+-\s+10\.78\.0\.77\s+-\n$/);
  found = { ...found, servers: [] };
  assert.equal((await ironbus('dhcp', 'probe', 'lan2')).out, 'no other DHCP server answers on lan2 (eth2)\n');
  found = { ...found, failure: 'eth2 is down' };
  const failed = await ironbus('dhcp', 'probe', 'lan2');
  assert.deepEqual([failed.code, failed.err], [1, 'ironbus: PROBE_FAILED: lan2 could not be probed: eth2 is down\n']);
  await rack.stop();
  assert.equal((await ironbus('networks', 'remove', 'lan2', '--force')).code, 0);
});

test('rack join: keys that only the owner reads, idempotent, no other rack in that directory', async () => {
  const token = (await ironbus('rack', 'token')).out.trim();
  const rackDir = join(dir, 'rack1');
  const join1 = () => start(['rack', 'join', '--region', url, '--rack', 'rack1', '--dir', rackDir], { PATH: process.env['PATH'], IRONBUS_JOIN_TOKEN: token }).done;
  const first = await join1();
  assert.deepEqual([first.code, /rack rack1 joined/.test(first.out)], [0, true], first.err);
  for (const name of ['rack.key', 'region.key']) assert.equal((await stat(join(rackDir, name))).mode & 0o777, 0o600);
  assert.match(await readFile(join(rackDir, 'rack.key'), 'utf8'), /BEGIN PRIVATE KEY/);
  const again = await join1();
  assert.deepEqual([again.code, /has joined .* already/.test(again.out)], [0, true]);
  await rm(join(rackDir, 'rack.json')); // killed before the last write: the same key and token are shown again
  const joined = await joinRack({ region: url, token, rack: 'rack1', dir: rackDir });
  assert.equal(joined.already, false);
  assert.match((await ironbus('racks', 'list')).out, new RegExp(`rack1\\s+\\S+\\s+${joined.publicKey.replaceAll(/[+/=]/g, '\\$&')}`));
  await assert.rejects(joinRack({ region: url, token, rack: 'rack2', dir: rackDir }), { code: 'USAGE', message: /belongs to rack rack1/ });
  await assert.rejects(joinRack({ region: url, token, rack: 'rack2', dir: join(dir, 'rack2') }), { code: 'RACK_TOKEN' });
  await assert.rejects(joinRack({ region: url, token: undefined, rack: 'rack2', dir: join(dir, 'rack2') }), { code: 'USAGE', message: /IRONBUS_JOIN_TOKEN/ });
});

test('events and tap: readable lines that survive a restart of the api, or envelopes as they were published', async () => {
  const live = start(['events', '--since', '1', '--node', 'web1']);
  await waitFor(() => /node\.discovered +k7x2mp +web1 New/.test(live.ran.out));
  await stopApi();
  const accepted = { ...nodes.get('k7x2mp')!, version: 90, status: 'Broken' as const };
  await lifecycle.publish(nodeTransitioned, { key: 'k7x2mp', nodeid: 'k7x2mp', data: { from: 'New', to: 'Broken', on: 'x', why: 'while it was down', node: accepted } });
  api = await startApi();
  await waitFor(() => live.ran.out.includes('New → Broken: while it was down'), { timeoutMs: 20_000 });
  assert.equal(live.ran.out.match(/node\.discovered/g)?.length, 1, 'nothing comes twice');
  assert.match(live.ran.err, /connecting again/);
  live.child.kill('SIGINT');
  assert.equal((await live.done).code, 0);

  const tap = start(['tap', 'tftp.>', '--count', '1', '--json']);
  const ends = tap.done;
  await using rack = openBus({ servers: nats.url, origin: { service: 'tftp', rack: 'rack1', instance: 'fake' }, log });
  await rack.whenReady();
  await waitFor(() => {
    rack.observe(tftpRrq, { key: '525400770001', nodeid: 'k7x2mp', data: { mac, address: '10.77.0.5' as IpAddress, file: 'ipxe.efi', mode: 'octet', options: {} } });
    return tap.ran.out !== '';
  }, { everyMs: 200 });
  assert.equal((await ends).code, 0);
  assert.equal((JSON.parse(tap.ran.out.split('\n')[0]!) as Envelope).type, 'tftp.rrq');
  assert.match((await ironbus('machines', 'events', 'web1')).out, /node\.accept-requested +k7x2mp +by admin/);
});

test('rack join --wait tries until the region answers; dhcp decode needs none', async () => {
  await stopApi();
  const token = `ibjoin_${'w'.repeat(32)}`;
  const joining = start(['rack', 'join', '--region', url, '--rack', 'rack9', '--dir', join(dir, 'rack9'), '--wait'], { PATH: process.env['PATH'], IRONBUS_JOIN_TOKEN: token });
  await waitFor(() => joining.ran.err.includes('trying again'));
  const decode = start(['dhcp', 'decode', '-']);
  decode.child.stdin.end('02 01 06 00 # a reply, cut off');
  assert.match((await decode.done).out, /^malformed at byte/);
  apiEnv['API_JOIN_TOKEN'] = token;
  api = await startApi();
  assert.deepEqual([(await joining.done).code, joining.ran.out.trim()], [0, `rack rack9 joined ${url}; its keys are in ${join(dir, 'rack9')}`]);
});
