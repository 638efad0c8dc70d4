/**
 * The lab's wires: namespaces, bridges, veth pairs.
 *
 *   <p>-rack  br-pxe <base>.0.0/24, br-far <base>.1.0/24, br-bmc <base>.9.0/24; taps, QEMU and BMCs live here
 *   <p>-prov  pv0 <base>.0.1 on br-pxe, pvb <base>.9.1 on br-bmc, pvh <base>.8.2 to the host; the stack runs here
 *   <p>-rtr   r0 <base>.0.254 on br-pxe, r1 <base>.1.1 on br-far; a router and DHCP relay (only with `router`)
 *
 * Plain bridges and veth only: VLAN filtering, 802.1q and bonding are missing from many kernels a lab runs on.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Lab, labNetworks } from './lab.ts';
import { inNamespace, mustRun, type Ran, run, type RunOptions, waitUntil, type Where } from './run.ts';
import { dropOwnership, freshDirectory, killRecorded, killRecordedNow, otherOwner, takeOwnership } from './state.ts';

/** One batch of `ip` commands in one namespace. */
export type IpBatch = { where: Where; lines: readonly string[] };

/** Every `ip` command that makes the lab's network, in order. Pure. */
export function networkPlan(lab: Lab): IpBatch[] {
  const { rack, prov, rtr } = lab.namespaces;
  const a = lab.addresses;
  const wires = [
    `link add pv0 netns ${prov} type veth peer name p-pv0 netns ${rack}`,
    `link add pvb netns ${prov} type veth peer name p-pvb netns ${rack}`,
    `link add ${lab.hostLink.host} type veth peer name ${lab.hostLink.prov} netns ${prov}`,
    ...(lab.router ? [
      `link add r0 netns ${rtr} type veth peer name p-r0 netns ${rack}`,
      `link add r1 netns ${rtr} type veth peer name p-r1 netns ${rack}`,
    ] : []),
  ];
  return [
    { where: 'host', lines: wires },
    { where: 'rack', lines: rackLines(lab) },
    { where: 'prov', lines: [
      'link set lo up', ...foot('pv0', `${a.prov}/24`), ...foot('pvb', `${a.provBmc}/24`), ...foot('pvh', `${a.provHost}/30`),
      `addr add ${a.provV6}/64 dev pv0 nodad`,
      ...(lab.router ? [`route add ${lab.base}.1.0/24 via ${a.routerPxe}`] : []),
    ] },
    ...(lab.router ? [{ where: 'rtr' as const, lines: [
      'link set lo up', ...foot('r0', `${a.routerPxe}/24`), ...foot('r1', `${a.routerFar}/24`),
      `addr add ${a.routerFarV6}/64 dev r1 nodad`, `route add default via ${a.prov}`,
    ] }] : []),
    { where: 'host', lines: [
      ...foot(lab.hostLink.host, `${a.host}/30`),
      ...labNetworks(lab).map((network) => `route add ${network} via ${a.provHost}`),
    ] },
  ];
}

function rackLines(lab: Lab): string[] {
  const bridges = ['br-pxe', 'br-far', 'br-bmc'];
  const ports: [string, string][] = [['p-pv0', 'br-pxe'], ['p-pvb', 'br-bmc']];
  if (lab.router) ports.push(['p-r0', 'br-pxe'], ['p-r1', 'br-far']);
  return [
    'link set lo up',
    ...bridges.flatMap((name) => [`link add ${name} type bridge stp_state 0 forward_delay 0`, `link set ${name} up`]),
    ...ports.flatMap(([port, bridge]) => [`link set ${port} master ${bridge}`, `link set ${port} up`]),
    `addr add ${lab.addresses.rackBmc}/24 dev br-bmc`,
    `route add ${lab.base}.8.0/30 via ${lab.addresses.provBmc}`,
  ];
}

/** Makes the network, after removing what a former life of this lab left. Throws a clear Error when the kernel or the user lacks something. */
export async function up(lab: Lab): Promise<void> {
  checkPrerequisites();
  const owner = otherOwner(lab);
  if (owner !== undefined) throw new Error(`lab '${lab.prefix}' is in use by process ${owner}: end it, or choose another prefix and base`);
  await cleanUp(lab);
  freshDirectory(lab);
  takeOwnership(lab);
  await checkNoOverlap(lab);
  try {
    for (const name of namespacesOf(lab)) await mustRun(['ip', 'netns', 'add', name]);
    for (const batch of networkPlan(lab)) await applyBatch(lab, batch);
    await wireSettings(lab);
    await linksAreUp(lab);
  } catch (error) {
    await cleanUp(lab);
    throw new Error(`the lab's network can't be made (${(error as Error).message})`, { cause: error });
  }
}

/** Ends the lab's recorded processes and deletes its namespaces and host link; fine to call when there is nothing. */
export async function cleanUp(lab: Lab): Promise<void> {
  if (existsSync(lab.dir)) await killRecorded(lab.dir);
  for (const argv of deletions(lab)) await mustRun(argv);
  if (otherOwner(lab) === undefined) dropOwnership(lab);
}

/** The end of a lab; its directory with logs and disks stays for a look, until the next `up`. */
export const down = cleanUp;

/** Cleans up when the harness gets SIGINT, SIGTERM or SIGHUP, or exits; returns a function that takes the handlers away. */
export function cleanUpAtExit(lab: Lab): () => void {
  const now = (): void => {
    if (existsSync(lab.dir)) killRecordedNow(lab.dir);
    for (const [file = '', ...args] of deletions(lab)) spawnSync(file, args);
  };
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  const onSignal = (name: NodeJS.Signals): never => process.exit(codes[name as keyof typeof codes]);
  process.once('exit', now);
  for (const name of Object.keys(codes)) process.once(name, onSignal);
  return () => {
    process.off('exit', now);
    for (const name of Object.keys(codes)) process.off(name, onSignal);
  };
}

/** Runs a program in one of the lab's namespaces. */
export function exec(lab: Lab, where: Where, argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return run(inNamespace(lab, where, argv), options);
}

/** Gives a machine its wire: a persistent tap on the bridge of its segment. Throws when the name is taken. */
export async function addTap(lab: Lab, tap: string, network: 'pxe' | 'far'): Promise<void> {
  await applyBatch(lab, { where: 'rack', lines: [
    `tuntap add ${tap} mode tap`, `link set ${tap} master br-${network}`, `link set ${tap} up`,
  ] });
}

/** Gives a BMC its address on the BMC segment. */
export async function addBmcAddress(lab: Lab, address: string): Promise<void> {
  await applyBatch(lab, { where: 'rack', lines: [`addr replace ${address}/24 dev br-bmc`] });
}

function checkPrerequisites(): void {
  if (process.getuid?.() !== 0) throw new Error('the lab needs root (network namespaces, taps): run it with sudo');
  if (!existsSync('/dev/net/tun')) {
    throw new Error('/dev/net/tun is missing: modprobe tun (in a container: --device /dev/net/tun --cap-add NET_ADMIN,SYS_ADMIN)');
  }
  if (!existsSync('/proc/self/ns/net')) throw new Error('this kernel has no network namespaces (CONFIG_NET_NS)');
}

/** An address range that the host already uses would be cut off by the lab's routes. */
async function checkNoOverlap(lab: Lab): Promise<void> {
  const routes = await mustRun(['ip', '-4', 'route', 'show', 'root', `${lab.base}.0.0/16`]);
  if (routes.trim() !== '') {
    throw new Error(`the host has a route inside ${lab.base}.0.0/16 already (${routes.trim().split('\n')[0]}): choose another base`);
  }
}

/** Forwarding on, and whole checksums on the wire, as a real NIC sends them. */
async function wireSettings(lab: Lab): Promise<void> {
  const script = 'set -e; echo 1 > /proc/sys/net/ipv4/ip_forward; for link in "$@"; do ethtool -K "$link" tx off > /dev/null; done';
  const settings = (where: Where, ...links: string[]): Promise<string> => mustRun(inNamespace(lab, where, ['sh', '-c', script, 'sh', ...links]));
  await settings('prov', 'pv0', 'pvb');
  if (lab.router) await settings('rtr', 'r0', 'r1');
}

/** The kernel starts a link's queue up to a second after its carrier; what is sent before is lost. */
async function linksAreUp(lab: Lab): Promise<void> {
  const states = async (where: Where): Promise<string> => (await exec(lab, where, ['ip', '-br', 'link', 'show', 'type', 'veth'])).stdout;
  const areUp = async (): Promise<boolean> => ![await states('prov'), await states('rack')].join('').includes(' DOWN ');
  await waitUntil('links of the lab up', areUp, { timeoutMs: 5000 });
}

async function applyBatch(lab: Lab, batch: IpBatch): Promise<void> {
  const argv = batch.where === 'host' ? ['ip', '-batch', '-'] : ['ip', '-n', lab.namespaces[batch.where], '-batch', '-'];
  await mustRun(argv, { input: `${batch.lines.join('\n')}\n` });
}

function deletions(lab: Lab): string[][] {
  const spaces = Object.values(lab.namespaces).filter((name) => existsSync(`/run/netns/${name}`));
  const link = existsSync(`/sys/class/net/${lab.hostLink.host}`) ? [['ip', 'link', 'del', lab.hostLink.host]] : [];
  return [...link, ...spaces.map((name) => ['ip', 'netns', 'del', name])];
}

function namespacesOf(lab: Lab): string[] {
  const { rack, prov, rtr } = lab.namespaces;
  return lab.router ? [rack, prov, rtr] : [rack, prov];
}

function foot(name: string, cidr: string): string[] {
  return [`addr add ${cidr} dev ${name}`, `link set ${name} up`];
}
