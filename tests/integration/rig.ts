/** The whole of Ironbus on free ports of loopback: real NATS and Redis, six services in this process, machines of sockets. */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Image } from '@ironbus/contracts';
import { generateRackKey, type Environment } from '@ironbus/runtime';
import { addBmc, createMachine, Dice, openRelay, writeIpmitool, type Machine, type Spec } from '@ironbus/sim';
import { freePort, waitFor } from '@ironbus/testkit';
import { createClient, type Client } from '../lab/client.ts';
import { openFacts, type Facts } from './facts.ts';
import { startServers, type Servers } from './servers.ts';
import { controlProcess, controlService, names, type Controlled, type Logs, type Name } from './services.ts';

export const rackId = 'rack1';
export const server = '127.77.0.1';
export const subnet = '127.77.0';
/** Machines wait a tenth of what firmware waits. */
const pace = 0.1;
type Ports = Record<Name, number> & { health: Record<Name, number> };

export type Rig = {
  readonly servers: Servers; readonly client: Client; readonly dir: string; readonly logs: Logs; readonly facts: Facts;
  readonly services: Record<Name, Controlled>; readonly machines: Machine[];
  readonly ports: { readonly dhcp: number; readonly tftp: number };
  /** The first administrator's key and every other secret that was made for this rig. */
  readonly secrets: string[];
  /** Starts every service and lets the rack join; resolves when all are ready. */
  up(): Promise<void>;
  ready(): Promise<void>;
  addMachine(): Machine;
  addImage(id: string, bytes?: Buffer): Promise<Image>;
  /** A file that a profile names, such as a kernel. */
  addFile(id: string, bytes: Buffer): Promise<Image>;
  /** Stops everything; the services’ logs are added to the file that IRONBUS_TEST_LOG names, if it does. */
  stop(): Promise<void>;
};

/** Servers run, services do not yet. `env` is added to that of all services; `apart` have processes of their own. */
export async function createRig({ env = {}, servers, apart = [] }: { env?: Environment; servers?: Servers; apart?: readonly Name[] } = {}): Promise<Rig> {
  const [running, dir, ports] = await Promise.all([servers ?? startServers(), mkdtemp(join(tmpdir(), 'ironbus-rig-')), takePorts()]);
  const adminKey = `ib_${randomBytes(32).toString('base64url')}`;
  const joinToken = `ibjoin_${randomBytes(24).toString('base64url')}`;
  await writeAssets(join(dir, 'assets'));
  const environment = { ...environmentOf(dir, ports, running), API_ADMIN_KEY: adminKey, API_JOIN_TOKEN: joinToken, ...env };
  const logs: Logs = [];
  const services = Object.fromEntries(names.map((name) => [name, (apart.includes(name) ? controlProcess : controlService)(name, { env: () => environment, logs, healthPort: ports.health[name] })])) as Record<Name, Controlled>;
  const client = createClient(`http://127.0.0.1:${ports.api}`, adminKey);
  const machines: Machine[] = [];
  const secrets = [adminKey, joinToken];
  const facts = openFacts(running.nats.url);
  const ready = async (): Promise<void> => { await Promise.all(names.map((name) => waitReady(services[name]))); };
  return {
    servers: running, client, dir, logs, facts, services, machines, ports, secrets, ready,
    async up() {
      await services.api.start();
      secrets.push(...await joinRack(client.base, joinToken, join(dir, 'rack')));
      await Promise.all(names.filter((name) => name !== 'api').map((name) => services[name].start()));
      await ready();
    },
    addMachine() {
      const machine = makeMachine(machines.length + 1, dir, ports);
      machines.push(machine);
      secrets.push(machine.bmc.password);
      return machine;
    },
    addImage: (id, bytes = randomBytes(200_000)) => upload(client, { file: join(dir, `${id}.upload`), bytes, query: { id, name: id, format: 'raw', os: 'debian', defaultUser: 'debian' } }),
    addFile: (id, bytes) => upload(client, { file: join(dir, `${id}.upload`), bytes, query: { id, name: id, format: 'file' } }),
    async stop() {
      await Promise.all(machines.map(async (machine) => { await machine.stop(); await machine.place.wire.close(); }));
      await Promise.all(names.map((name) => services[name].stop()));
      await facts.close();
      if (servers === undefined) await running.stop();
      const kept = process.env['IRONBUS_TEST_LOG'] ?? '';
      if (kept !== '') await appendFile(kept, logs.join(''));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const waitReady = (service: Controlled): Promise<unknown> =>
  waitFor(async () => (await service.readyz().catch(() => undefined))?.status === 200, { what: `${service.name} to be ready`, timeoutMs: 30_000, everyMs: 20 });

async function takePorts(): Promise<Ports> {
  const [api, bootfiles] = [await freePort(), await freePort()];
  const [dhcp, tftp] = [await freeUdpPort(), await freeUdpPort()];
  const health = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()] as const))) as Record<Name, number>;
  return { api, bootfiles, dhcp, tftp, power: 0, lifecycle: 0, health };
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Deadlines are long enough for a slow machine under test; suites that want them to pass say so. */
function environmentOf(dir: string, ports: Ports, { nats, redis }: Servers): Environment {
  const assets = join(dir, 'assets');
  const rack = join(dir, 'rack');
  const network = {
    id: 'sim', interface: 'lo', cidr: `${subnet}.0/24`, mode: 'authoritative', serverAddress: server, baseUrl: `http://${server}:${ports.bootfiles}`, relayed: true,
    dynamicRanges: [{ from: `${subnet}.100`, to: `${subnet}.199` }], dnsServers: [server], domain: 'sim.internal',
  };
  return {
    NATS_URL: nats.url, REDIS_URL: redis.url, RACK_ID: rackId, LOG_LEVEL: 'trace', INSTANCE_ID: 'rig',
    ...Object.fromEntries(names.map((name) => [`${name.toUpperCase()}_HEALTH_PORT`, String(ports.health[name])])),
    API_HOST: '127.0.0.1', API_PORT: String(ports.api), API_DATA_DIR: join(dir, 'api'), API_NETWORKS: JSON.stringify([network]),
    BOOTFILES_HOST: server, BOOTFILES_PORT: String(ports.bootfiles), BOOTFILES_ASSETS_DIR: assets, BOOTFILES_IMAGE_DIR: join(dir, 'images'),
    BOOTFILES_REGION_URL: `http://127.0.0.1:${ports.api}`, BOOTFILES_REGION_KEY_FILE: join(rack, 'region.key'), BOOTFILES_RACK_KEY_FILE: join(rack, 'rack.key'),
    DHCP_PORT: String(ports.dhcp), DHCP_ROUTER_ADVERTISEMENTS: 'false', TFTP_HOST: server, TFTP_PORT: String(ports.tftp), TFTP_ASSETS_DIR: assets,
    TFTP_BOOTFILES_URL: `http://${server}:${ports.bootfiles}`, BOOTFILES_TRUSTED_PROXIES: `127.0.0.1,${server}`,
    POWER_RACK_KEY_FILE: join(rack, 'rack.key'), POWER_IPMITOOL: writeIpmitool(join(dir, 'bmcs')), POWER_POLL_SECONDS: '0', POWER_CONFIRM_SECONDS: '5', POWER_ATTEMPTS: '1',
    LIFECYCLE_POLL_MS: '50', LIFECYCLE_GRACE_SECONDS: '1', LIFECYCLE_POWER_SECONDS: '30', LIFECYCLE_CHECK_IN_SECONDS: '30', LIFECYCLE_SHORT_STEP_SECONDS: '30', LIFECYCLE_STEP_SECONDS: '30',
    LIFECYCLE_PHONE_HOME_SECONDS: '30',
  };
}

/** What agent/build.ts would build, in small: the services compare only names, sizes and hashes. */
async function writeAssets(dir: string): Promise<void> {
  const paths = [
    'loaders/undionly.kpxe', 'loaders/snponly.efi', 'loaders/ipxe.efi', 'boot-assets/bios/boot.img', 'boot-assets/bios/core.img', 'boot-assets/uefi/shimx64.efi',
    'boot-assets/uefi/grubx64.efi', 'agent/amd64/vmlinuz', 'agent/amd64/initrd.img',
  ];
  const files = paths.map((path) => ({ path, content: `bytes of ${path}\n`.repeat(50) }));
  for (const { path, content } of files) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  const listed = files.map(({ path, content }) => ({ path, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }));
  await writeFile(join(dir, 'manifest.json'), JSON.stringify({ files: listed }));
}

/** As `ironbus rack join` does it; gives the secrets that came of it. */
async function joinRack(base: string, token: string, dir: string): Promise<string[]> {
  const { privateKeyPem, publicKey } = generateRackKey();
  const response = await fetch(`${base}/api/v1/racks/join`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token, rack: rackId, publicKey }),
  });
  const { apiKey } = await response.json() as { apiKey?: string };
  if (apiKey === undefined) throw new Error(`the rack was not let in: ${response.status}`);
  await mkdir(dir, { recursive: true });
  await Promise.all([writeFile(join(dir, 'rack.key'), privateKeyPem), writeFile(join(dir, 'region.key'), `${apiKey}\n`)]);
  return [apiKey, privateKeyPem.split('\n')[1] ?? ''];
}

function makeMachine(number: number, dir: string, ports: Ports): Machine {
  const hex = number.toString(16).padStart(2, '0');
  const spec: Spec = { name: `m${number}`, mac: `52:54:00:77:00:${hex}`, uuid: `a1234567-89ab-4cde-8123-4567890000${hex}`, serial: `SIM-${number}`, firmware: 'bios' };
  const bmc = addBmc(join(dir, 'bmcs'), `${subnet}.${200 + number}`, randomBytes(9).toString('hex'));
  const wire = openRelay({ relay: `${subnet}.${1 + number}`, server, port: ports.dhcp });
  return createMachine(spec, { wire, dice: new Dice(1, number), tftpPort: ports.tftp, pace, files: 'get' }, bmc);
}

async function upload(client: Client, { file, bytes, query }: { file: string; bytes: Buffer; query: Record<string, string> }): Promise<Image> {
  await writeFile(file, bytes);
  return client.addImage(file, query);
}
