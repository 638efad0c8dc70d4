/** A virtual machine for the agent's tests: QEMU without KVM, its only network a restricted one that reaches one port here. */
import { spawn } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the guest sees as its rack. */
export const RACK_URL = 'http://10.0.2.100:5248';
export const GUEST_MAC = '52:54:00:77:00:01';

export type Firmware = 'bios' | 'uefi' | 'secure-boot';
export type GuestDisk = { file: string; serial: string };
export type GuestOptions = {
  dir: string; name: string; disks: readonly GuestDisk[]; firmware?: Firmware; timeoutMs?: number;
  /** Boots this kernel directly; without it the firmware boots the first disk. */
  direct?: { kernel: string; initrd: string; append: string; rackPort: number };
};
export type GuestEnd = { serial: string; timedOut: boolean };

const OVMF = '/usr/share/OVMF';

async function firmwareArgs(firmware: Firmware, dir: string): Promise<string[]> {
  if (firmware === 'bios') return [];
  const [code, vars] = firmware === 'uefi' ? ['OVMF_CODE_4M.fd', 'OVMF_VARS_4M.fd'] : ['OVMF_CODE_4M.secboot.fd', 'OVMF_VARS_4M.ms.fd'];
  const own = join(dir, `${firmware}.vars`);
  await readFile(own).catch(() => copyFile(join(OVMF, vars), own));
  const flash = (unit: number, file: string, more = ''): string[] => ['-drive', `if=pflash,unit=${unit},format=raw,file=${file}${more}`];
  const secure = firmware === 'secure-boot' ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : [];
  return [...flash(0, join(OVMF, code), ',readonly=on'), ...flash(1, own), ...secure];
}

function networkArgs(rackPort: number): string[] {
  const relay = `${process.execPath} ${join(import.meta.dirname, 'relay.ts')} ${rackPort}`;
  return ['-netdev', `user,id=n0,restrict=on,guestfwd=tcp:10.0.2.100:5248-cmd:${relay}`, '-device', `virtio-net-pci,netdev=n0,mac=${GUEST_MAC},romfile=`];
}

async function guestArgs(options: GuestOptions, serial: string): Promise<string[]> {
  const { firmware = 'bios', direct, disks, dir } = options;
  const machine = firmware === 'secure-boot' ? 'q35,accel=tcg,smm=on' : 'q35,accel=tcg';
  return [
    '-machine', machine, '-cpu', 'max', '-m', '1024', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', `file:${serial}`,
    '-uuid', '7d4f0f52-0000-4000-8000-525400770001', '-smbios', 'type=1,manufacturer=ACME,product=Lab "1",serial=S1', '-device', 'virtio-rng-pci',
    ...await firmwareArgs(firmware, dir),
    ...disks.flatMap(({ file, serial: name }, index) => [
      '-drive', `if=none,id=d${index},file=${file},format=raw,cache=unsafe`, '-device', `virtio-blk-pci,drive=d${index},serial=${name}`]),
    ...(direct ? ['-kernel', direct.kernel, '-initrd', direct.initrd, '-append', direct.append, ...networkArgs(direct.rackPort)] : []),
  ];
}

/** Runs a machine until it powers off or resets; `timedOut` when it had to be stopped. Rejects when QEMU cannot start. */
export async function runGuest(options: GuestOptions): Promise<GuestEnd> {
  const { dir, name, timeoutMs = 120_000 } = options;
  const serial = join(dir, `${name}.serial`);
  const qemu = spawn('qemu-system-x86_64', await guestArgs(options, serial), { stdio: ['ignore', 'ignore', 'pipe'] });
  let timedOut = false;
  let errors = '';
  qemu.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text; });
  const timer = setTimeout(() => { timedOut = true; qemu.kill('SIGKILL'); }, timeoutMs);
  const code = await new Promise<number | null>((resolve, reject) => { qemu.on('error', reject); qemu.on('close', resolve); }).finally(() => clearTimeout(timer));
  if (!timedOut && code !== 0) throw new Error(`qemu ended with ${code}: ${errors}`);
  return { serial: (await readFile(serial, 'latin1')).replaceAll('\r', ''), timedOut };
}
