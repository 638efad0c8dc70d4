/**
 * The network that the composed stack serves: the lab's segment, but its server side is a device of the host's own namespace,
 * as in a home, where containers with `network_mode: host` stand on the LAN themselves.
 *
 *   host  ibc0 <base>.0.1 ── br-pxe (rack namespace) ── machine's tap, prov's pv0 <base>.0.2 (a person's computer)
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineLab, type Lab } from '../lab/harness/lab.ts';
import { cleanUp, up } from '../lab/harness/network.ts';
import { mustRun } from '../lab/harness/run.ts';
import { cacheDir } from '../lab/stack.ts';

export type Lan = { lab: Lab; device: string; address: string; cidr: string; pool: string; down(): Promise<void> };

const device = 'ibc0';

export async function makeLan(): Promise<Lan> {
  const lab = defineLab({ prefix: 'ironbus-compose', base: '10.78', stateRoot: join(cacheDir, 'lab') });
  const [address, cidr] = [lab.addresses.prov, `${lab.base}.0.0/24`];
  await removeDevice();
  await up(lab);
  const { rack, prov } = lab.namespaces;
  const commands = [
    ['ip', '-n', prov, 'addr', 'del', `${address}/24`, 'dev', 'pv0'], ['ip', '-n', prov, 'addr', 'add', `${lab.base}.0.2/24`, 'dev', 'pv0'],
    ['ip', 'route', 'del', cidr],
    ['ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'p-ibc0', 'netns', rack],
    ['ip', '-n', rack, 'link', 'set', 'p-ibc0', 'master', 'br-pxe', 'up'],
    ['ip', 'addr', 'add', `${address}/24`, 'dev', device], ['ip', 'link', 'set', device, 'up'],
    ['ethtool', '-K', device, 'tx', 'off'], // whole checksums on the wire, as a real NIC sends them
  ];
  for (const argv of commands) await mustRun(argv);
  return { lab, device, address, cidr, pool: `${lab.base}.0.100-${lab.base}.0.199`, down: async () => { await removeDevice(); await cleanUp(lab); } };
}

async function removeDevice(): Promise<void> {
  if (existsSync(`/sys/class/net/${device}`)) await mustRun(['ip', 'link', 'del', device]);
}
