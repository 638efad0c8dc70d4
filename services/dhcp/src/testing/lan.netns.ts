/** Run by lan.int.test.ts inside the rack's namespace: other DHCP servers there. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Ipv4, Mac, Network } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';
import { simulatedClock, waitFor } from '@ironbus/testkit';
import { encode, MessageType } from '@ironbus/wire';
import type { ProbeOutcome } from '../core/authority.ts';
import { broadcastFrame } from '../core/udp-frame.ts';
import { nothing } from '../core/socket-filter.ts';
import { AuthorityGate } from '../shell/authority-gate.ts';
import { deviceFacts } from '../shell/device-facts.ts';
import { openPacketSocket } from '../shell/packet-socket.ts';
import { RogueWatch } from '../shell/rogue-watch.ts';
import { probeServers, standardListenMs } from '../shell/server-probe.ts';
import { run } from './namespaces.ts';
import { startIn, type Program } from './programs.ts';
import { sampleMessage, sampleNetwork } from './samples.ts';

const rack = process.env['SF_RACK'] ?? '';
const far = process.env['SF_FAR'] ?? '';
const peer = process.env['SF_PEER'] ?? '';
const log = createLogger({ svc: 'dhcp', level: process.env['TEST_LOG'] === undefined ? 'silent' : 'debug' });
const folder = mkdtempSync(join(tmpdir(), 'sf-lan-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const { signal } = new AbortController();
const leases = join(folder, 'leases');
const clientScript = join(import.meta.dirname, 'client-script.sh');
const network = sampleNetwork({ interface: 'sf-s0', cidr: '10.78.0.0/24', serverAddress: '10.78.0.1' });
const farMac = '52:54:00:78:00:02';

/** A dnsmasq that serves nothing but DHCP on one device of the far namespace. */
async function dnsmasq(device: string, ...options: string[]): Promise<Program> {
  writeFileSync(leases, '');
  const quiet = ['-k', '--conf-file=/dev/null', '--port=0', '--user=root', '--pid-file=', '--log-facility=-', '--bind-interfaces', '--except-interface=lo'];
  const program = startIn(far, 'dnsmasq', ...quiet, `--dhcp-leasefile=${leases}`, `--interface=${device}`, ...options);
  await program.until(/sockets bound exclusively to interface|DHCP, proxy/);
  return program;
}
const serves = ['--dhcp-range=10.78.0.50,10.78.0.60,2m', '--dhcp-boot=pxelinux.0'];
const probe = (options: { device?: string; own?: string[]; listenMs?: number } = {}): Promise<ProbeOutcome> =>
  probeServers({ device: options.device ?? 'sf-s0', own: () => new Set(options.own), listenMs: options.listenMs ?? 3_000 }, signal);
async function servers(options: Parameters<typeof probe>[0] = {}) {
  const outcome = await probe(options);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.servers;
}
const indexOf = async (device: string): Promise<number> => (await deviceFacts(device))?.index ?? 0;

test('a probe finds a foreign server, as it is, and takes no lease', async () => {
  await using program = await dnsmasq('sf-br', ...serves, '--no-ping');
  const [server, ...more] = await servers();
  assert.deepEqual([server?.serverId, server?.from, server?.mac, server?.bootFile, more], ['10.78.0.2', '10.78.0.2', farMac, 'pxelinux.0', []]);
  assert.match(server?.offered ?? '', /^10\.78\.0\.(5\d|60)$/);
  assert.equal(readFileSync(leases, 'utf8'), '');
  assert.deepEqual(await servers({ own: ['10.78.0.2'] }), [], 'a sibling is no stranger');
  await program.until(/DHCPDISCOVER/);
});

test('the standard time is long enough for a server that pings an address before it offers it', async () => {
  await using _ = await dnsmasq('sf-br', ...serves);
  assert.deepEqual((await servers({ listenMs: standardListenMs })).map(({ serverId }) => serverId), ['10.78.0.2']);
});

test('a probe finds a proxyDHCP server, of BIOS or of UEFI alone', async () => {
  for (const service of ['x86PC', 'X86-64_EFI']) {
    await using _ = await dnsmasq('sf-br', '--dhcp-range=10.78.0.0,proxy', `--pxe-service=${service},boot,loader`);
    assert.deepEqual((await servers()).map(({ serverId, offered, mac }) => [serverId, offered, mac]), [['10.78.0.2', null, farMac]], service);
  }
});

test('a probe finds busybox udhcpd', async () => {
  writeFileSync(join(folder, 'udhcpd.conf'), `start 10.78.0.70\nend 10.78.0.80\ninterface sf-br\nlease_file ${leases}\npidfile ${folder}/udhcpd.pid\n`);
  await using program = startIn(far, 'busybox', 'udhcpd', '-f', join(folder, 'udhcpd.conf'));
  await program.until(/started/);
  // udhcpd asks by ARP whether its candidate is used, for two seconds.
  assert.deepEqual((await servers({ listenMs: standardListenMs })).map(({ serverId, mac }) => [serverId, mac]), [['10.78.0.2', farMac]]);
});

test('a probe finds a server that ignores the broadcast flag', async () => {
  await using program = startIn(far, process.execPath, join(import.meta.dirname, 'stubborn-server.ts'), 'sf-br');
  await program.until(/ready/);
  assert.deepEqual((await servers()).map(({ serverId, offered, mac }) => [serverId, offered, mac]), [['10.78.0.67', '10.78.0.66', '52:54:00:78:00:67']]);
});

test("the host's own DHCP clients on the device stay as they are, and the probe beside them", async () => {
  await using server = await dnsmasq('sf-br', ...serves, '--no-ping');
  await using client = startIn(rack, 'busybox', 'udhcpc', '-f', '-i', 'sf-s0', '-s', clientScript, '-T', '1');
  const [, address = ''] = await client.until(/LEASE bound address=(\S+)/);
  const found = servers();
  client.signal('SIGUSR1');
  await client.until(new RegExp(`LEASE renew address=${address}`));
  assert.equal((await found).length, 1);
  await server.until(new RegExp(`DHCPACK\\(sf-br\\) ${address}`));
  await client.stop();
  run('ip -4 addr flush dev sf-s0');
  run('ip addr add 10.78.0.1/24 dev sf-s0');

  const both = Promise.all([servers(), servers()]);
  writeFileSync(join(folder, 'dhclient.conf'), '');
  const files = ['-cf', join(folder, 'dhclient.conf'), '-lf', join(folder, 'dhclient.leases'), '-pf', join(folder, 'dhclient.pid')];
  await using isc = startIn(rack, 'dhclient', '-4', '-d', '-sf', clientScript, ...files, 'sf-s0');
  await isc.until(/LEASE BOUND/);
  assert.deepEqual((await both).map(({ length }) => length), [1, 1]);
});

test('a port 68 that belongs to somebody hinders nothing and gets nothing', async () => {
  run('ip -4 addr flush dev sf-s0');
  run('ip addr add 10.78.0.1/24 dev sf-s0');
  run('ip route replace 10.78.9.0/24 via 10.78.0.2');
  const owner = createSocket('udp4');
  await new Promise<void>((resolve) => { owner.bind(68, '0.0.0.0', () => resolve()); });
  await using _ = await dnsmasq('sf-br', ...serves, '--no-ping');
  assert.equal((await servers()).length, 1);
  await new Promise<void>((resolve) => { owner.close(() => resolve()); });
});

test('no device, no link, no Ethernet: said in words', async () => {
  assert.deepEqual(await probe({ device: 'sf-none' }), { ok: false, missing: true, why: 'there is no network device sf-none' });
  assert.deepEqual(await probe({ device: 'lo' }), { ok: false, missing: false, why: 'lo is no Ethernet device' });
  run(`ip -n ${far} link set sf-f0 down`);
  assert.deepEqual(await probe(), { ok: false, missing: true, why: 'sf-s0 has no link' });
  run(`ip -n ${far} link set sf-f0 up`);
  await waitFor(async () => (await deviceFacts('sf-s0'))?.link, { what: 'the link' });
});

test('the command lists servers with CAP_NET_RAW alone, and says what is missing without it and without koffi', async () => {
  await using _ = await dnsmasq('sf-br', ...serves, '--no-ping');
  const cli = join(import.meta.dirname, '../probe-cli.ts');
  const rawOnly = ['--bounding-set=-all,+net_raw', '--inh-caps=-all,+net_raw'];
  const listed = await startIn(rack, 'setpriv', ...rawOnly, process.execPath, cli, '--interface', 'sf-s0', '--seconds', '4').ended();
  assert.equal(listed.code, 0, listed.output);
  assert.match(listed.output, /^SERVER +FROM +MAC +OFFERED +BOOT FILE\n10\.78\.0\.2 +10\.78\.0\.2 +52:54:00:78:00:02 +10\.78\.0\.\d+ +pxelinux\.0\n$/);
  const rows: [string, string[], RegExp][] = [
    ['no capability', ['setpriv', '--bounding-set=-all', '--inh-caps=-all', process.execPath], /a packet socket .*\(EPERM\): give the process CAP_NET_RAW/],
    ['no koffi', [process.execPath, '--no-addons'], /koffi is not usable/],
  ];
  for (const [name, [program = '', ...args], message] of rows) {
    const refused = await startIn(rack, program, ...args, cli, '--interface', 'sf-s0').ended();
    assert.equal(refused.code, 1, name);
    assert.match(refused.output, message, name);
  }
});

/** A watch of these networks and the events it raised; `own` ids are no strangers to it. */
function watching(networks: readonly Network[], { own = [] as string[] } = {}): [RogueWatch, unknown[]] {
  const events: unknown[] = [];
  const watch = new RogueWatch({
    networks: () => networks, own: () => new Set(own), isAuthority: ({ mode }) => mode === 'authoritative', log, now: () => Date.now(),
    bus: { observe: (definition, draft) => { events.push([definition.type, draft.key, (draft.data as { serverId: string }).serverId]); } },
  });
  return [watch, events];
}
const closing = (thing: { close(): Promise<void> }): AsyncDisposable => ({ [Symbol.asyncDispose]: () => thing.close() });

async function leaseForPeer(): Promise<void> {
  await using client = startIn(peer, 'busybox', 'udhcpc', '-f', '-q', '-B', '-i', 'sf-p0', '-s', clientScript, '-T', '1');
  await client.until(/LEASE bound/);
  await client.ended();
  run(`ip -4 -n ${peer} addr flush dev sf-p0`);
  run(`ip -n ${peer} addr add 10.78.0.30/24 dev sf-p0`);
}

test("another server's answer to a client is told once where we are the authority, remembered elsewhere, and a sibling's is not", async () => {
  await using _ = await dnsmasq('sf-br', ...serves, '--no-ping');
  const index = await indexOf('sf-s0');
  const shadowed = sampleNetwork({ id: 'shadowed', interface: 'sf-s0', mode: 'shadow' });
  const [watch, events] = watching([network, shadowed, sampleNetwork({ id: 'elsewhere', interface: 'sf-s1' })]);
  const [sibling, siblingEvents] = watching([network], { own: ['10.78.0.2'] });
  assert.deepEqual([...watch.devices()], ['sf-s0', 'sf-s1']);
  await using _a = closing(watch.listen({ device: 'sf-s0', index }));
  await using _b = closing(sibling.listen({ device: 'sf-s0', index }));
  await leaseForPeer();
  await waitFor(() => watch.others('lan1')[0]?.offered, { what: 'the answer to be heard' });
  await leaseForPeer();
  assert.deepEqual(events, [['dhcp.rogue-server-seen', 'lan1', '10.78.0.2']]);
  const others = ['lan1', 'shadowed', 'elsewhere'].map((id) => watch.others(id).map(({ serverId, mac }) => [serverId, mac]));
  assert.deepEqual(others, [[['10.78.0.2', farMac]], [['10.78.0.2', farMac]], []]);
  assert.deepEqual([siblingEvents, sibling.others('lan1')], [[], []]);
});

/** An OFFER of this server as a frame from outside, to everybody unless told. */
function offerFrame(server: string, to = 'ffffffffffff'): Buffer {
  const message = sampleMessage({ type: MessageType.offer, server });
  message.op = 2;
  const frame = broadcastFrame({ sourceMac: Uint8Array.of(0x52, 0x54, 0, 0x78, 0, 0x99), sourcePort: 67, targetPort: 68 }, encode(message));
  frame.write(to, 0, 'hex');
  return frame;
}
const sendFromFar = async (...frames: Buffer[]): Promise<void> => {
  const program = join(import.meta.dirname, 'send-frames.ts');
  const sent = await startIn(far, process.execPath, program, 'sf-br', ...frames.map((frame) => frame.toString('hex'))).ended();
  assert.equal(sent.code, 0, sent.output);
};

test('frames of a VLAN, of another host and of a device on top of this one are not the wire’s', async () => {
  run('ip link add link sf-s0 name sf-m0 address 52:54:00:78:00:11 type macvlan');
  run('ip link set sf-m0 up');
  const [watch] = watching([network]);
  const [above] = watching([sampleNetwork({ id: 'above', interface: 'sf-m0' })]);
  await using _a = closing(watch.listen({ device: 'sf-s0', index: await indexOf('sf-s0') }));
  await using _b = closing(above.listen({ device: 'sf-m0', index: await indexOf('sf-m0') }));
  const tagged = offerFrame('10.78.0.81');
  await sendFromFar(
    Buffer.concat([tagged.subarray(0, 12), Buffer.from('81000009', 'hex'), tagged.subarray(12)]),
    offerFrame('10.78.0.82', '525400780011'), offerFrame('10.78.0.83', '525400780055'), offerFrame('10.78.0.84', '525400780010'), offerFrame('10.78.0.85'),
  );
  const heard = (of: RogueWatch, id: string): string[] => of.others(id).map(({ serverId }) => serverId ?? '').sort();
  await waitFor(() => [heard(watch, 'lan1'), heard(above, 'above')].every((all) => all.includes('10.78.0.85')), { what: 'the last frame, on both' });
  assert.deepEqual([heard(watch, 'lan1'), heard(above, 'above')], [['10.78.0.84', '10.78.0.85'], ['10.78.0.82', '10.78.0.85']]);
  run('ip link del sf-m0');
});

test('what this host sends itself is not heard, by socket or by frame', async () => {
  const index = await indexOf('sf-s0');
  const [watch] = watching([network]);
  await using _ = closing(watch.listen({ device: 'sf-s0', index }));
  const payload = (server: string): Buffer => offerFrame(server).subarray(42);
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  await new Promise<void>((resolve) => { socket.bind(67, '10.78.0.1', () => resolve()); });
  socket.setBroadcast(true);
  await new Promise<void>((resolve, reject) => {
    socket.send(payload('10.78.0.91'), 68, '255.255.255.255', (error) => error === null ? resolve() : reject(error));
  });
  await new Promise<void>((resolve) => { socket.close(() => resolve()); });
  const onError = (error: Error): void => { throw error; };
  const frames = openPacketSocket({ device: 'sf-s0', index, protocol: 0x0800, filter: nothing, onFrame: () => undefined, onError });
  assert.deepEqual(frames.send(offerFrame('10.78.0.92')), { ok: true });
  await frames.close();
  // What comes from outside after them is heard: they would have been before it.
  await using _s = await dnsmasq('sf-br', ...serves, '--no-ping');
  await leaseForPeer();
  await waitFor(() => watch.others('lan1').length > 0, { what: 'the foreign answer' });
  assert.deepEqual(watch.others('lan1').map(({ serverId }) => serverId), ['10.78.0.2']);
});

test("a client's REQUEST for a foreign server counts as one heard; for ours it does not", () => {
  const [watch, events] = watching([network], { own: ['10.78.0.1'] });
  watch.sawRequestFor(network, '10.78.0.1' as Ipv4, '52:54:00:77:00:01' as Mac);
  watch.sawRequestFor(network, '10.78.0.99' as Ipv4, '52:54:00:77:00:01' as Mac);
  watch.sawRequestFor(network, '10.78.0.99' as Ipv4, '52:54:00:77:00:02' as Mac);
  assert.deepEqual(events, [['dhcp.rogue-server-seen', 'lan1', '10.78.0.99']]);
  assert.deepEqual(watch.others('lan1').map(({ serverId, mac }) => [serverId, mac]), [['10.78.0.99', null]]);
});

test('authority is refused beside a real server, and taken when that stops', async () => {
  const server = await dnsmasq('sf-br', ...serves, '--no-ping');
  const clock = simulatedClock();
  const events: string[] = [];
  const gate = new AuthorityGate({
    clock, log, servedLately: () => false, onChange: () => undefined, bus: { observe: (definition) => { events.push(definition.type); } },
    probe: (device, aborted) => probeServers({ device, own: () => new Set(), listenMs: 1_000 }, aborted),
  });
  gate.sync([network]);
  await waitFor(() => gate.state('lan1').state === 'refused', { what: 'the refusal' });
  const others = gate.state('lan1').others.map(({ serverId }) => serverId);
  assert.deepEqual([gate.answers(network), events, others], [false, ['dhcp.authority-refused'], ['10.78.0.2']]);
  await server.stop();
  await clock.advance(60_000);
  await waitFor(() => gate.answers(network), { what: 'the authority' });
  await gate.stop();
});
