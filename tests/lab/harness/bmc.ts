/**
 * A real IPMI BMC for a virtual machine: one ipmi_sim on its own address of the BMC segment, UDP 623.
 *
 * Its chassis commands call `power.sh`, so the BMC, a person and a test press the same buttons. It is a process of its
 * own: it works while the machine is off and after the harness is gone.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BmcSpec, bmcMac, type BmcUser, defaultBmcUsers, lanConf, lanControlScript, simCommands } from './bmc-files.ts';
import type { Lab } from './lab.ts';
import { type Machine, powerArgv } from './machine.ts';
import { addBmcAddress, exec } from './network.ts';
import { shellLine } from './qemu-argv.ts';
import { type Daemon, type Ran, startDaemon, waitUntil } from './run.ts';

/** A running BMC. */
export type Bmc = {
  address: string;
  users: readonly BmcUser[];
  stop: () => Promise<void>;
};

/** Starts a machine's BMC; returns when it listens. Throws with the end of its log when it doesn't within 5 s. */
export async function startBmc(
  lab: Lab,
  machine: Machine,
  options: { address: string; users?: readonly BmcUser[] },
): Promise<Bmc> {
  const { spec } = machine;
  const users = options.users ?? defaultBmcUsers;
  const dir = join(machine.dir, 'bmc');
  mkdirSync(join(dir, 'state'), { recursive: true });
  // ipmi_sim takes one word as its command, hence scripts that know the machine
  writeScript(join(dir, 'chassis'), `#!/bin/sh\nexec ${shellLine(powerArgv(machine.dir, 'chassis'))} "$@"\n`);
  writeScript(join(dir, 'lan'), lanControlScript({ address: options.address, mac: bmcMac(spec.mac), gateway: lab.addresses.provBmc }));
  const files: BmcSpec = {
    name: spec.name, address: options.address, uuid: spec.uuid, serial: spec.serial, users,
    chassisControl: './chassis', lanControl: './lan',
    ...(spec.kcsPort !== undefined && { kcsPort: spec.kcsPort }),
  };
  writeFileSync(join(dir, 'lan.conf'), lanConf(files), { mode: 0o600 });
  writeFileSync(join(dir, 'sim.emu'), simCommands(files));
  await addBmcAddress(lab, options.address);
  const argv = ['ipmi_sim', '-c', 'lan.conf', '-f', 'sim.emu', '-s', 'state', '-n'];
  const daemon = await startDaemon(lab, { name: `bmc-${spec.name}`, where: 'rack', argv, cwd: dir });
  await waitUntil(`BMC of ${spec.name} on ${options.address}`, () => listens(daemon, options.address, 623), { timeoutMs: 5000 })
    .catch((error: Error) => { throw new Error(`${error.message}: ${readFileSync(daemon.logPath, 'utf8').slice(-500)}`); });
  return { address: options.address, users, stop: daemon.stop };
}

/** Runs the real ipmitool against a BMC from prov, as its first user unless said; the password goes by environment. */
export function ipmitool(lab: Lab, bmc: Bmc, command: readonly string[], user: BmcUser | undefined = bmc.users[0]): Promise<Ran> {
  if (user === undefined) throw new RangeError(`the BMC at ${bmc.address} has no users`);
  const session = ['-I', 'lanplus', '-C', '3', '-N', '1', '-R', '2', '-H', bmc.address, '-U', user.name, '-E'];
  const env = { ...process.env, IPMI_PASSWORD: user.password };
  return exec(lab, 'prov', ['ipmitool', ...session, ...command], { env });
}

/** Whether a line of /proc/net/udp (proc(5)) is a socket bound to this IPv4 address and port. Pure. */
export function isBoundIn(udpTable: string, address: string, port: number): boolean {
  const hex = address.split('.').reverse().map((part) => Number(part).toString(16).padStart(2, '0')).join('');
  const wanted = `${hex}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
  return udpTable.split('\n').some((line) => line.trim().split(/\s+/)[1] === wanted);
}

function listens(daemon: Daemon, address: string, port: number): boolean {
  return isBoundIn(readFileSync(`/proc/${daemon.pid}/net/udp`, 'utf8'), address, port);
}

function writeScript(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}
