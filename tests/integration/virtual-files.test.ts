/** The two services that serve a loader, together: what TFTP programs get is what bootfiles decided for the machine behind their address. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as bootfiles from '@ironbus/bootfiles';
import { ensureTopology, openBus, type Bus } from '@ironbus/bus';
import {
  bindingsBucket, bootPoliciesBucket, buckets, catalog, macToken, networksBucket, type Envelope, type Mac, type ServiceName,
} from '@ironbus/contracts';
import { createLogger, readConfig, type ConfigSpec, type Environment } from '@ironbus/runtime';
import { freePort, startNats, startRedis, waitFor } from '@ironbus/testkit';
import * as tftp from '@ironbus/tftp';

const log = createLogger({ svc: 'test', level: 'fatal' });
const mac = '52:54:00:77:00:01' as Mac;
const boundAt = '127.0.0.1';
const kernel = Buffer.alloc(3_000_001, 'kernel ');
const assets: Record<string, Buffer> = {
  ...Object.fromEntries(['loaders/undionly.kpxe', 'loaders/snponly.efi', 'loaders/ipxe.efi', 'boot-assets/bios/boot.img', 'boot-assets/bios/core.img', 'boot-assets/uefi/shimx64.efi',
    'boot-assets/uefi/grubx64.efi', 'agent/amd64/initrd.img', 'agent/arm64/vmlinuz', 'agent/arm64/initrd.img'].map((path) => [path, Buffer.from(`bytes of ${path}`)])),
  'agent/amd64/vmlinuz': kernel,
};

type Stack = Awaited<ReturnType<typeof startStack>>;
let stack: Stack;
before(async () => { stack = await startStack(); });
after(async () => { await stack.stop(); });

async function startStack() {
  const [nats, redis, dir, bootPort] = await Promise.all([startNats(), startRedis(), mkdtemp(join(tmpdir(), 'ironbus-virtual-')), freePort()]);
  await writeAssets(join(dir, 'assets'));
  const busOf = (service: ServiceName): Bus => openBus({ servers: nats.url, origin: { service, rack: 'rack1', instance: 'test' }, log });
  const [api, lifecycle, dhcp] = [busOf('api'), busOf('lifecycle'), busOf('dhcp')];
  await ensureTopology(api, { catalog, buckets });
  const seen: Envelope[] = [];
  api.history({ stream: 'OBSERVATIONS' }, (event) => { seen.push(event as Envelope); });
  await api.kv(networksBucket).put('lan1', {
    id: 'lan1', rack: 'rack1', interface: 'lo', cidr: '127.0.0.0/8', mode: 'authoritative', serverAddress: '127.0.0.1', baseUrl: 'http://127.0.0.1:5248', relayed: false, dynamicRanges: [],
    reservations: [], gateway: null, dnsServers: [], ntpServers: [], domain: null, leaseSeconds: 600, mtu: null, unknownMachines: 'enlist', afterEnlist: 'poweroff',
  } as never);
  await dhcp.kv(bindingsBucket).put(`rack1.${boundAt}`, {
    address: boundAt, mac, node: 'k7x2mp', network: 'lan1', bootId: 'boot-1', how: 'leased', stage: 'firmware', at: '2026-11-20T10:00:00.000Z',
  } as never);
  const env: Environment = {
    NATS_URL: nats.url, REDIS_URL: redis.url, LOG_LEVEL: 'fatal', BOOTFILES_HOST: '127.0.0.1', BOOTFILES_PORT: String(bootPort), BOOTFILES_HEALTH_PORT: '0', BOOTFILES_ASSETS_DIR: join(dir, 'assets'),
    BOOTFILES_IMAGE_DIR: join(dir, 'images'), BOOTFILES_RACK_KEY_FILE: join(dir, 'rack.key'), BOOTFILES_REGION_URL: 'http://127.0.0.1:9', TFTP_HOST: '127.0.0.1', TFTP_PORT: '0', TFTP_HEALTH_PORT: '0',
    TFTP_ASSETS_DIR: join(dir, 'assets'), TFTP_BOOTFILES_URL: `http://127.0.0.1:${bootPort}`,
  };
  const startBootfiles = async () => {
    const service = bootfiles.create(configOf(bootfiles.configSpec, env), { log });
    await service.start();
    await waitFor(() => service.health.readiness().ready, { what: 'bootfiles ready' });
    return service;
  };
  const files = { service: await startBootfiles() };
  const loaders = tftp.create(configOf(tftp.configSpec, env), { log });
  await loaders.start();
  return {
    dir, seen, lifecycle, port: loaders.port(), running: () => loaders.running(),
    async restartBootfiles(meanwhile: () => Promise<void>) { await files.service.stop(); await meanwhile(); files.service = await startBootfiles(); },
    async stop() {
      await Promise.all([loaders.stop(), files.service.stop()]);
      await Promise.all([api.close(), lifecycle.close(), dhcp.close()]);
      await Promise.all([nats.stop(), redis.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Only what a service's own configuration names is given to it. */
function configOf<C>(spec: ConfigSpec<C>, env: Environment): C {
  const read = readConfig(spec, env);
  if (!read.ok) throw new Error(JSON.stringify(read.violations));
  return read.config;
}

async function writeAssets(dir: string): Promise<void> {
  const all = { ...assets, 'pi/start4.elf': Buffer.from('firmware') };
  for (const [path, bytes] of Object.entries(all)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), bytes);
  }
  const listed = Object.entries(assets).map(([path, bytes]) => ({ path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }));
  await writeFile(join(dir, 'manifest.json'), JSON.stringify({ files: listed }));
}

type Client = (file: string, local: string, port: string) => readonly [string, ...string[]];
const clients: Record<string, Client> = {
  'tftp-hpa': (file, local, port) => ['tftp', '-m', 'binary', '127.0.0.1', port, '-c', 'get', file, local],
  atftp: (file, local, port) => ['atftp', '--get', '--option', 'blksize 1468', '--option', 'windowsize 8', '-r', file, '-l', local, '127.0.0.1', port],
  busybox: (file, local, port) => ['busybox', 'tftp', '-b', '1428', '-g', '-r', file, '-l', local, '127.0.0.1', port],
  curl: (file, local, port) => ['curl', '-sS', '--tftp-blksize', '1024', '-o', local, `tftp://127.0.0.1:${port}/${file}`],
};
let fetched = 0;

/** What the program saved, and what it said. */
async function get(file: string, program = 'curl'): Promise<{ bytes: Buffer; said: string }> {
  const local = join(stack.dir, `got-${fetched += 1}`);
  const [command, ...argv] = clients[program]!(file, local, String(stack.port));
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  await new Promise((resolve, reject) => { child.once('error', reject); child.once('close', resolve); });
  return { bytes: await readFile(local).catch(() => Buffer.alloc(0)), said };
}
const text = async (file: string, program?: string): Promise<string> => (await get(file, program)).bytes.toString();

async function putPolicy(changes: Record<string, unknown>, rule: string): Promise<void> {
  await stack.lifecycle.kv(bootPoliciesBucket).put(macToken(mac), {
    node: 'k7x2mp', mac, version: 7, status: 'Deploying', hostname: 'web1', answer: 'agent', why: 'a test', reservedAddress: null, bootPath: 0, kernelArguments: 'net.ifnames=0',
    operation: { id: 'op-1', kind: 'deploying', attempt: 3, steps: [], end: 'reboot', maxClaims: 3, deployData: null }, ...changes,
  } as never);
  await waitFor(async () => (await text('grub/grub.cfg')).startsWith(`# ironbus: ${rule}\n`), { what: rule });
}
const deploying = (): Promise<void> => putPolicy({}, 'policy-agent');
const deployed = (): Promise<void> => putPolicy({ answer: 'local', status: 'Deployed', operation: null }, 'policy-local');
const data = (type: string): Record<string, unknown>[] => stack.seen.filter((event) => event.type === type).map((event) => event.data as Record<string, unknown>);

describe('each program gets the machine’s scripts and its agent', () => {
  for (const program of Object.keys(clients)) {
    test(program, async () => {
      await deploying();
      assert.match(await text('grub/x86_64-efi/grub.cfg', program), /^# ironbus: policy-agent\n[\s\S]* ironbus\.token=[A-Za-z0-9_-]{43} BOOTIF=01-52-54-00-77-00-01 [\s\S]* net\.ifnames=0; then$/m);
      assert.match(await text('pxelinux.cfg/01-52-54-00-77-00-01', program), /^ {2}KERNEL agent-image\/amd64\/vmlinuz\n {2}INITRD agent-image\/amd64\/initrd\.img$/m);
      assert.match(await text('pxelinux.cfg/7F000001', program), /policy-agent/);
      assert.ok((await get('agent-image/amd64/vmlinuz', program)).bytes.equals(kernel));
      assert.equal(await text('9f32a1bc/start4.elf', program), 'firmware');
      assert.match(await text('9f32a1bc/cmdline.txt', program), /^ironbus\.url=/);
    });
  }
});

test('every script tells of itself twice: what was decided, and that it arrived', async () => {
  await deploying();
  await text('pxelinux.cfg/default');
  await waitFor(() => data('boot.script-served').some((one) => one['path'] === '/virtual/pxelinux.cfg/default' && one['flavour'] === 'pxelinux' && one['mac'] === mac && one['rule'] === 'policy-agent'));
  await waitFor(() => data('tftp.completed').some((one) => one['file'] === 'pxelinux.cfg/default' && one['mac'] === mac));
});

test('a deployed machine boots its own disk, whatever its loader', async () => {
  await deployed();
  assert.match(await text('grub/grub.cfg'), /chainloader/);
  assert.match(await text('pxelinux.cfg/default'), /LOCALBOOT 0/);
  assert.match((await get('9f32a1bc/start4.elf', 'tftp-hpa')).said, /Error code 1: no-such-file/);
});

test('another machine’s name in the path: no token, and it is published', async () => {
  await deploying();
  for (const path of ['pxelinux.cfg/01-52-54-00-77-00-02', 'grub/grub.cfg-01-52-54-00-77-00-02', 'pxelinux.cfg/0A4D0009']) {
    const script = await text(path);
    assert.match(script, /^# ironbus: asker-foreign\n/, path);
    assert.doesNotMatch(script, /token/);
    await waitFor(() => data('boot.refused').some((one) => one['path'] === `/virtual/${path}` && one['reason'] === 'asker-foreign'));
  }
});

test('what loaders ask for by habit and nobody has is not found, in one round trip', async () => {
  for (const file of ['revocations_sku.efi', 'grub/x86_64-efi/command.lst', 'pieeprom.sig', 'pxelinux.cfg/nonsense']) {
    assert.match((await get(file, 'tftp-hpa')).said, /Error code 1: no-such-file/, file);
    await waitFor(() => data('tftp.refused').some((one) => one['file'] === file && one['reason'] === 'no-such-file'));
  }
});

test('bootfiles goes away and comes back: loaders and kernel are served meanwhile, scripts afterwards', async () => {
  await deploying();
  await stack.restartBootfiles(async () => {
    assert.match((await get('grub/grub.cfg', 'tftp-hpa')).said, /boot files are not available now: try again/);
    assert.ok((await get('agent/amd64/vmlinuz')).bytes.equals(kernel));
    assert.equal(await text('ipxe.efi'), 'bytes of loaders/ipxe.efi');
  });
  await waitFor(async () => (await text('grub/grub.cfg')).startsWith('# ironbus: policy-agent\n'));
  await waitFor(() => stack.running() === 0);
});
