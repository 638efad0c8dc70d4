/** Run by dhcp.int.test.ts inside the server's namespace: real clients, and the packets of real firmware, against the service. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { networksBucket, type Mac } from '@ironbus/contracts';
import { bootFile, decode, encode, messageType, MessageType, vendorClass, type DhcpMessage } from '@ironbus/wire';
import { waitFor } from '@ironbus/testkit';
import { goldenBytes, goldenMessage } from './goldens.ts';
import { run } from './namespaces.ts';
import { address, sampleMac, sampleMessage, sampleNetwork, samplePolicy } from './samples.ts';
import { startRack, type Rack } from './service-in-namespace.ts';

const client = process.env['DHCP_TEST_CLIENT_NS'] ?? '';
const scriptPath = join(import.meta.dirname, 'client-script.sh');
const network = sampleNetwork({ interface: 'ibd-s0', leaseSeconds: 60 });
let rack: Rack;

before(async () => {
  rack = await startRack();
  await rack.putNetwork(network);
});
after(() => rack[Symbol.asyncDispose]());

/** Starts a program in the client's namespace; `until` waits for a line of its output. */
function inClient(program: string, args: readonly string[]) {
  const child = spawn('ip', ['netns', 'exec', client, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  return {
    until: (pattern: RegExp) => waitFor(() => pattern.exec(output), { what: `${program} to say ${pattern}, it said:\n${output}`, timeoutMs: 15_000 }),
    ended: () => new Promise<string>((resolve) => { if (child.exitCode !== null) resolve(output); else child.once('close', () => resolve(output)); }),
    signal: (name: NodeJS.Signals) => child.kill(name),
    output: () => output,
  };
}

/** Sends datagrams from the client's namespace and decodes the answers. */
const exchange = (...packets: Uint8Array[]): Promise<(DhcpMessage | undefined)[]> => exchangeFrom(68, packets);

async function exchangeFrom(port: number, packets: readonly Uint8Array[]): Promise<(DhcpMessage | undefined)[]> {
  const hex = packets.map((packet) => Buffer.from(packet).toString('hex'));
  const output = await inClient('env', [`EXCHANGE_PORT=${port}`, process.execPath, join(import.meta.dirname, 'exchange.ts'), 'ibd-c0', '1500', ...hex]).ended();
  return output.trim().split('\n').map((line) => {
    if (line === '-') return undefined;
    const decoded = decode(Buffer.from(line, 'hex'));
    assert.ok(decoded.ok, `not an answer: ${line}`);
    return decoded.message;
  });
}

const clear = (): string => run(`ip -4 -n ${client} addr flush dev ibd-c0`);

test('busybox udhcpc gets a lease, renews it and gives it back', async () => {
  clear();
  const udhcpc = inClient('busybox', ['udhcpc', '-f', '-R', '-i', 'ibd-c0', '-s', scriptPath, '-t', '5', '-T', '1']);
  const bound = await udhcpc.until(/LEASE bound address=(\S+) seconds=(\d+) server=(\S+) dns=(\S+) file=\s/);
  assert.match(bound[1] ?? '', /^10\.77\.0\.1\d\d$/);
  assert.deepEqual(bound.slice(2, 5), ['60', '10.77.0.1', '10.77.0.1']);
  const granted = await rack.heard('lease.granted', sampleMac);
  assert.deepEqual([granted['address'], granted['network'], granted['sequence'], granted['client']], [bound[1], 'lan1', 1, 'plain']);
  const binding = await waitFor(() => rack.binding(bound[1] ?? ''), { what: 'the binding' });
  assert.deepEqual([binding?.mac, binding?.stage, binding?.node], [sampleMac, 'os', null]);

  udhcpc.signal('SIGUSR1');
  await udhcpc.until(/LEASE renew/);
  assert.equal((await rack.heard('lease.renewed', sampleMac))['sequence'], 2);
  assert.equal((await rack.binding(bound[1] ?? ''))?.bootId, binding?.bootId);
  udhcpc.signal('SIGTERM');
  await udhcpc.ended();
  assert.equal((await rack.heard('lease.released', sampleMac))['sequence'], 3);
});

test('isc-dhclient gets the same address again, asks for it after a reboot, and renews by unicast', async (t) => {
  clear();
  const folder = mkdtempSync(join(tmpdir(), 'ibd-dhclient-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'conf'), 'request subnet-mask, routers, domain-name-servers, domain-name;\n');
  const args = ['-4', '-d', '-sf', scriptPath, '-cf', join(folder, 'conf'), '-lf', join(folder, 'leases'), '-pf', join(folder, 'pid'), 'ibd-c0'];
  const first = inClient('dhclient', args);
  const bound = await first.until(/LEASE BOUND address=(\S+)/);
  first.signal('SIGKILL');
  await first.ended();
  clear();
  const again = inClient('dhclient', args);
  const reboot = await again.until(/LEASE REBOOT address=(\S+)/);
  assert.equal(reboot[1], bound[1]);
  // dhclient renews after 30 s here: the packet it would send then stands for it.
  again.signal('SIGKILL');
  await again.ended();
  const [renewed] = await exchange(encode(sampleMessage({ type: MessageType.request, ciaddr: bound[1] ?? '', xid: 77 })));
  assert.ok(renewed !== undefined && messageType(renewed) === MessageType.ack && renewed.yiaddr === bound[1]);
});

test('a REQUEST that comes twice is answered twice and written once', async () => {
  clear();
  const mac = '52:54:00:77:00:2b' as Mac;
  const [offered] = await exchange(encode(sampleMessage({ mac, xid: 500 })));
  const requestWith = (xid: number): Uint8Array => encode(sampleMessage({ mac, type: MessageType.request, requested: offered?.yiaddr ?? '', server: '10.77.0.1', xid }));
  const [first, second, later] = await exchange(requestWith(500), requestWith(500), requestWith(501));
  assert.ok(first !== undefined && second !== undefined && later !== undefined);
  assert.deepEqual([messageType(first), messageType(later)], [MessageType.ack, MessageType.ack]);
  assert.deepEqual(encode(second), encode(first));
  assert.equal((await rack.heard('lease.renewed', mac))['sequence'], 2);
});

test('one address from BIOS firmware through iPXE to the system, and one boot', async () => {
  clear();
  const mac = '52:54:00:77:00:05' as Mac;
  const asMac = (bytes: Buffer): Buffer => { const copy = Buffer.from(bytes); copy.set([0x52, 0x54, 0, 0x77, 0, 5], 28); return copy; };
  const firmware = goldenMessage('ovmf-x64-pxe-discover');
  firmware.chaddr = Uint8Array.of(0x52, 0x54, 0, 0x77, 0, 5);
  const [offered] = await exchange(encode(firmware));
  assert.ok(offered !== undefined);
  assert.deepEqual([bootFile(offered), offered.siaddr, vendorClass(offered)], ['snponly.efi', '10.77.0.1', undefined]);
  const select = (options: DhcpMessage['options'], xid: number): Buffer => {
    const message = sampleMessage({ mac, type: MessageType.request, requested: offered.yiaddr, server: '10.77.0.1', xid });
    for (const [code, value] of options) if (![50, 53, 54].includes(code)) message.options.set(code, value);
    return Buffer.from(encode(message));
  };
  const ipxe = asMac(goldenBytes('snponly-efi-discover'));
  const ipxeDecoded = decode(ipxe);
  assert.ok(ipxeDecoded.ok);
  const [pxeAck, ipxeOffer, ipxeAck, osOffer, osAck] = await exchange(
    select(firmware.options, 5), ipxe, select(ipxeDecoded.message.options, 6), encode(sampleMessage({ mac, xid: 7 })), select(sampleMessage().options, 8),
  );
  const answers = [pxeAck, ipxeOffer, ipxeAck, osOffer, osAck];
  assert.deepEqual(answers.map((answer) => answer?.yiaddr), Array(5).fill(offered.yiaddr));
  assert.equal(bootFile(ipxeAck ?? offered), 'http://10.77.0.1:5248/boot/52-54-00-77-00-05/script.ipxe');
  assert.equal(ipxeAck?.options.get(175)?.toString(), Buffer.from([176, 1, 1]).toString());
  assert.equal(osAck === undefined ? 'none' : bootFile(osAck), undefined);
  const boots = new Set(rack.events.filter((event) => event.subject === '525400770005' && event.type.startsWith('lease.')).map((event) => event.bootid));
  assert.equal(boots.size, 1);
  assert.deepEqual([(await rack.binding(offered.yiaddr))?.stage, (await rack.binding(offered.yiaddr))?.bootId], ['os', [...boots][0]]);
});

test('UEFI HTTP boot gets a URL and HTTPClient back', async () => {
  const [offered] = await exchange(goldenBytes('ovmf-x64-http-discover'));
  assert.ok(offered !== undefined);
  assert.deepEqual([bootFile(offered), vendorClass(offered)], ['http://10.77.0.1:5248/loaders/snponly.efi', 'HTTPClient']);
});

test('NAK for another network, silence for an unknown client after its reboot and for another server', async () => {
  const mac = '52:54:00:77:00:44';
  const [wrong, unknown, foreign] = await exchange(
    encode(sampleMessage({ mac, type: MessageType.request, requested: '192.168.1.5', xid: 1 })),
    encode(sampleMessage({ mac, type: MessageType.request, requested: '10.77.0.150', xid: 2 })),
    encode(sampleMessage({ mac, type: MessageType.request, requested: '10.77.0.150', server: '10.77.0.2', xid: 3 })),
  );
  assert.ok(wrong !== undefined && messageType(wrong) === MessageType.nak);
  assert.deepEqual([unknown, foreign], [undefined, undefined]);
});

test('a change counts from the next packet: a policy with an address, then mode shadow', async () => {
  const mac = '52:54:00:77:00:66' as Mac;
  await rack.putPolicy(samplePolicy({ mac, node: 'n66', hostname: 'node66', reservedAddress: '10.77.0.42' }));
  const offer = await waitFor(async () => {
    const [answer] = await exchange(encode(sampleMessage({ mac, xid: 61 })));
    return answer?.yiaddr === '10.77.0.42' ? answer : undefined;
  }, { what: 'the address of the policy' });
  assert.equal(offer.options.text(12), 'node66');
  await rack.putNetwork({ ...network, mode: 'shadow' });
  const ignored = await waitFor(async () => {
    const count = rack.events.length;
    const [answer] = await exchange(encode(sampleMessage({ mac, xid: 62 })));
    return answer === undefined ? rack.heard('dhcp.ignored', mac, count) : undefined;
  }, { what: 'silence in shadow mode' });
  assert.equal(ignored['reason'], `shadow: offer ${address('10.77.0.42')} (plain-client)`);
  await rack.putNetwork(network);
});

test('a network behind a relay: the pool is chosen by giaddr, the answer goes to the relay with its option 82', async () => {
  await rack.putNetwork({ ...sampleNetwork({ id: 'far', interface: 'ibd-s0', cidr: '10.77.1.0/24', relayed: true, gateway: '10.77.1.1' }), dynamicRanges: [{ from: address('10.77.1.50'), to: address('10.77.1.60') }] });
  run(`ip -n ${client} addr add 10.77.1.1/32 dev ibd-c0`);
  run('ip route add 10.77.1.0/24 dev ibd-s0');
  const question = sampleMessage({ mac: '52:54:00:77:00:90', giaddr: '10.77.1.1', xid: 90, options: { 82: '0103657468' } });
  const [offer] = await exchangeFrom(67, [encode(question)]);
  assert.ok(offer !== undefined);
  assert.deepEqual([offer.yiaddr, offer.giaddr, offer.options.address(3)], ['10.77.1.50', '10.77.1.1', '10.77.1.1']);
  assert.equal(Buffer.from(offer.options.get(82) ?? []).toString('hex'), '0103657468');
});

test('a device that is missing is named in /readyz, served once it appears, and let go when its network is switched off', async () => {
  const readyz = async (): Promise<string> => (await fetch(`http://127.0.0.1:${rack.service.healthPort()}/readyz`)).text();
  const later = sampleNetwork({ id: 'later', interface: 'ibd-s1', cidr: '10.90.0.0/24', serverAddress: '10.90.0.1' });
  await rack.bus.kv(networksBucket).put('later', later);
  await waitFor(async () => (await readyz()).includes('there is no network device ibd-s1'), { what: 'the reason in /readyz' });
  run('ip link add ibd-s1 type veth peer name ibd-s2');
  run('ip link set ibd-s1 up');
  await waitFor(() => rack.service.devices().includes('ibd-s1'), { what: 'ibd-s1 to be served' });
  await rack.putNetwork({ ...later, mode: 'off' });
  await waitFor(() => !rack.service.devices().includes('ibd-s1'), { what: 'ibd-s1 to be let go' });
});

test('a router solicitation gets a unicast advertisement of lifetime 0, unless another router advertises', async () => {
  const index = run(`ip -n ${client} -o link show ibd-c0`).split(':')[0] ?? '';
  const solicit = (...more: string[]): Promise<string> => inClient(process.execPath, [join(import.meta.dirname, 'solicit.ts'), 'ibd-c0', index, '800', ...more]).ended();
  const answer = await waitFor(async () => {
    const [from = '', hex] = (await solicit()).trim().split(' ');
    return hex === undefined ? undefined : { from, hex };
  }, { what: 'an advertisement' });
  assert.match(answer.from, /^fe80::/);
  assert.match(answer.hex, /^8600/);
  assert.equal(answer.hex.slice(8), '00'.repeat(12));
  assert.equal(run(`ip -6 -n ${client} route show default`), '', 'Linux takes no default route from it');
  assert.equal((await solicit('1800')).trim(), '-', 'silent beside another router');
  assert.match(await solicit('0'), /^fe80::/, 'speaks again when that router resigns');
});

test('Redis away: a known lease is renewed from memory, a new one refused; NATS away: still answered', async () => {
  const mac = '52:54:00:77:00:77' as Mac;
  const renew = (of: string, xid: number) => encode(sampleMessage({ mac, type: MessageType.request, ciaddr: of, xid }));
  const [offer] = await exchange(encode(sampleMessage({ mac, xid: 71 })));
  assert.ok(offer !== undefined);
  const [ack] = await exchange(encode(sampleMessage({ mac, type: MessageType.request, requested: offer.yiaddr, server: '10.77.0.1', xid: 72 })));
  assert.ok(ack !== undefined && messageType(ack) === MessageType.ack);
  clear();
  run(`ip -n ${client} addr add ${offer.yiaddr}/24 dev ibd-c0`);
  await rack.nats.kill();
  const [withoutNats] = await exchange(renew(offer.yiaddr, 73));
  assert.equal(withoutNats?.yiaddr, offer.yiaddr);
  await rack.redis.kill();
  const [renewed, refused] = await exchange(renew(offer.yiaddr, 74), encode(sampleMessage({ mac: '52:54:00:77:00:78', xid: 75 })));
  assert.equal(renewed?.yiaddr, offer.yiaddr);
  assert.equal(refused, undefined);
  await Promise.all([rack.nats.restart(), rack.redis.restart()]);
  await waitFor(async () => (await exchange(encode(sampleMessage({ mac: '52:54:00:77:00:78', xid: 76 }))))[0], { what: 'new leases after Redis is back', timeoutMs: 20_000 });
});
