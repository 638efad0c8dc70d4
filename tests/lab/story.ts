/** What a person does with a machine, from the power button to ssh, through the public API only. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image, Node } from '@ironbus/contracts';
import type { Client } from './client.ts';
import type { Bmc } from './harness/bmc.ts';
import { startBmc } from './harness/bmc.ts';
import { bmcAddress, type Lab } from './harness/lab.ts';
import { addMachine, type Machine } from './harness/machine.ts';
import { exec } from './harness/network.ts';
import type { DiskSpec, Firmware } from './harness/qemu-argv.ts';
import { mustRun, waitUntil } from './harness/run.ts';
import type { BuiltImage } from './harness/images.ts';

export type Rig = { machine: Machine; bmc: Bmc };

/**
 * A machine with a BMC, powered off. `index` gives it its addresses. One CPU: QEMU's emulation of several now and then breaks a guest
 * kernel that patches its own code (an int3 oops in sched_clock_cpu, seen with QEMU 7.2 and Linux 6.12).
 */
export async function rackUp(lab: Lab, index: number, firmware: Firmware, more: { disks?: readonly DiskSpec[]; memoryMb?: number } = {}): Promise<Rig> {
  const hex = (index + 1).toString(16).padStart(2, '0');
  const name = `${firmware}${index + 1}`;
  const machine = await addMachine(lab, {
    name, mac: `52:54:00:77:00:${hex}`, uuid: `a1234567-89ab-4cde-8123-4567890000${hex}`, serial: `LAB-${index + 1}`, firmware,
    memoryMb: more.memoryMb ?? 1024, cpus: 1, nic: 'virtio-net-pci', network: 'pxe', kcsPort: 9100 + index, disks: more.disks ?? [{ sizeGb: 6, serial: `DISK-${index + 1}` }],
  });
  return { machine, bmc: await startBmc(lab, machine, { address: bmcAddress(lab, index) }) };
}

/** Presses the button of a machine nobody knows; gives it as it is once it was enlisted and is off again. */
export async function enlist(client: Client, { machine }: Rig, timeoutMs = 180_000): Promise<Node> {
  await machine.power('on');
  const node = await waitUntil(`${machine.spec.name} to be enlisted`, async () => {
    const found = await client.machineByMac(machine.spec.mac);
    return found?.hardware === null ? undefined : found;
  }, { timeoutMs, everyMs: 250 });
  await waitUntil(`${machine.spec.name} to switch itself off`, async () => await machine.status() === 'off', { timeoutMs: 60_000, everyMs: 250 });
  return node;
}

export const setPower = (client: Client, node: Node, bmc: Bmc, password = bmc.users[0]?.password): Promise<Node> =>
  client.patch(`/machines/${node.id}`, { power: { type: 'ipmi', address: bmc.address, username: bmc.users[0]?.name, password } });

export async function commission(client: Client, node: Node, timeoutMs = 180_000): Promise<Node> {
  await client.post(`/machines/${node.id}/accept`);
  return client.waitForStatus(node.id, ['Ready'], timeoutMs);
}

export async function deploy(client: Client, node: Node, body: Record<string, unknown>, timeoutMs = 420_000): Promise<Node> {
  await client.post(`/machines/${node.id}/allocate`);
  await client.post(`/machines/${node.id}/deploy`, body);
  return client.waitForStatus(node.id, ['Deployed'], timeoutMs);
}

export async function release(client: Client, node: Node, erase: 'none' | 'quick' | 'secure', timeoutMs = 180_000): Promise<Node> {
  await client.post(`/machines/${node.id}/release`, { erase });
  return client.waitForStatus(node.id, ['Ready'], timeoutMs);
}

export const addBuilt = (client: Client, image: BuiltImage): Promise<Image> =>
  client.addImage(image.path, { id: image.name, name: image.name, format: image.format, os: image.name, sha256: image.sha256, defaultUser: 'root' });

export type SshKey = { file: string; publicKey: string };

export async function sshKey(dir: string): Promise<SshKey> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'id_ed25519');
  await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'lab', '-f', file]);
  return { file, publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
}

export const sshArguments = (key: SshKey, address: string): string[] => [
  'ssh', '-i', key.file, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5', '-o', 'ServerAliveInterval=3', '-o', 'ServerAliveCountMax=2', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', `root@${address}`,
];

/** Runs a command on a deployed machine; tries until ssh lets it in. */
export function ssh(lab: Lab, key: SshKey, address: string, command: string, timeoutMs = 90_000): Promise<string> {
  return waitUntil(`ssh to ${address}`, async () => {
    const ran = await exec(lab, 'prov', ['timeout', String(Math.ceil(timeoutMs / 1000)), ...sshArguments(key, address), command], { timeoutMs: timeoutMs + 5_000 });
    return ran.code === 0 ? ran.stdout.trim() || ' ' : undefined;
  }, { timeoutMs, everyMs: 500 });
}

export const addressOf = (node: Node): string => node.reservedAddress ?? node.addresses[0] ?? '';
