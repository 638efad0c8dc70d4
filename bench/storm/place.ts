/**
 * Where a storm happens: a namespace with the one-process stack and one with the machines, a veth pair between them. DHCP crosses it
 * as frames of each machine. A lease is an address of the second namespace (AnyIP: a local route for the whole range), and to the
 * stack's kernel one hop behind it, so that no table of neighbours is in the way; nothing there answers ARP for an address.
 */
import { stackFlags } from '../../scripts/node-flags.mjs';
import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeNamespaces, run } from '../../services/dhcp/src/testing/namespaces.ts';
import { makeStarter, untilReady, type Started } from '../dhcp/place.ts';

const prefix = 'sim-storm';
const [stack, machines, device, peer] = [`${prefix}-stack`, `${prefix}-machines`, 'storm0', 'storm1'];
const [server, router, leases] = ['10.78.0.1', '10.78.0.2', '10.78.64.0/18'];
/** What it makes lives for a round trip: with room for that, V8 copies little of it. */
const simulatorFlags = ['--max-semi-space-size=32'];
const root = join(import.meta.dirname, '../..');
const cache = join(root, '.cache');
const network = {
  id: 'storm', interface: device, cidr: '10.78.0.0/16', mode: 'authoritative', serverAddress: server, baseUrl: `http://${server}:5248`, leaseSeconds: 3_600,
  dynamicRanges: [{ from: '10.78.64.1', to: '10.78.127.254' }], dnsServers: [server], domain: 'storm.internal', unknownMachines: 'enlist',
};

export type StormPlace = {
  startStack(flags?: readonly string[]): Promise<Stack>;
  /** Starts ironbus-sim among the machines. */
  storm(name: string, args: readonly string[], flags?: readonly string[]): Promise<Started>;
  folder(name: string): string;
  /** What the stack's kernel threw away since the place was made. */
  dropped(): Dropped;
  close(): Promise<void>;
};
/** UDP datagrams that found a full buffer, and TCP connections that found a full queue of those to be accepted. */
export type Dropped = { datagrams: number; connections: number };
export type Stack = { readonly pid: number; readonly log: () => string; machines(): Promise<{ hardware: unknown }[]>; stop(): Promise<void> };

/** Needs root. */
export function makeStormPlace(): StormPlace {
  const remove = makeNamespaces([stack, machines], [{ from: stack, device, to: machines, peer, address: `${server}/16` }]);
  run(`ip -n ${machines} addr add ${router}/16 dev ${peer}`);
  run(`ip -n ${machines} route add local ${leases} dev lo`);
  run(`ip -n ${stack} route add ${leases} via ${router}`);
  for (const setting of [`net.ipv4.conf.${peer}.arp_ignore=1`, `net.ipv4.conf.${peer}.arp_announce=2`]) run(`ip netns exec ${machines} sysctl -q ${setting}`);
  const starter = makeStarter(join(cache, 'storm'));
  return {
    folder: starter.folder,
    startStack: (flags = []) => startStack(starter, flags),
    storm: (name, args, flags = []) => starter.start(machines, [process.execPath, ...simulatorFlags, ...flags, join(root, 'apps/sim/src/main.ts'), '--interface', peer, ...args], { name }),
    dropped: () => ({ datagrams: counter('snmp', 'Udp', 'RcvbufErrors'), connections: counter('netstat', 'TcpExt', 'ListenOverflows') }),
    async close() {
      await starter.close();
      remove();
    },
  };
}

/** One of proc(5)'s network counters: a line of names, then one of numbers. */
function counter(file: 'snmp' | 'netstat', group: string, name: string): number {
  const [names = [], numbers = []] = run(`ip netns exec ${stack} cat /proc/net/${file}`).split('\n').filter((line) => line.startsWith(`${group}:`)).map((line) => line.split(' '));
  return Number(numbers[names.indexOf(name)] ?? Number.NaN);
}

/** A fresh installation with the flags of `npm start`; resolves once it answers on the network. */
async function startStack(starter: ReturnType<typeof makeStarter>, flags: readonly string[]): Promise<Stack> {
  const dataDir = starter.folder('data');
  rmSync(dataDir, { recursive: true, force: true });
  const key = `ib_${randomBytes(32).toString('base64url')}`;
  const env = {
    IRONBUS_DATA_DIR: dataDir, IRONBUS_ASSETS_DIR: join(cache, 'assets'), IRONBUS_CACHE_DIR: cache, API_NETWORKS: JSON.stringify([network]), API_ADMIN_KEY: key,
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info',
  };
  const argv = [process.execPath, ...stackFlags, ...flags, join(root, 'apps/all/src/main.ts')];
  const started = await starter.start(stack, argv, { name: 'stack', env });
  const get = (path: string): Promise<string> => ask(`http://127.0.0.1:5240/api/v1${path}`, key);
  await untilReady('the stack', started, async () => {
    const status = await get('/networks/storm/status').then((text) => JSON.parse(text) as { state: string }, () => undefined);
    return status?.state === 'authoritative';
  });
  return { pid: started.pid, log: started.output, stop: started.stop, machines: async () => JSON.parse(await get('/machines')) as { hardware: unknown }[] };
}

/** From inside the stack's namespace. Rejects where the answer is no success. */
async function ask(url: string, key: string): Promise<string> {
  const program = 'const r = await fetch(process.argv[1], { headers: { authorization: `Bearer ${process.argv[2]}` } }); if (!r.ok) process.exit(1); process.stdout.write(await r.text());';
  const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', stack, process.execPath, '--input-type=module', '-e', program, url, key], { maxBuffer: 1 << 30 });
  return stdout;
}
