/** One simulated machine: openipmi's ipmi_sim on a free loopback port, whose chassis is a shell script with its state in files. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@ironbus/testkit';

export const user = 'admin';
export const password = 'S3cret-of-the-BMC';

export type Machine = AsyncDisposable & {
  readonly port: number;
  power(): Promise<'on' | 'off'>;
  /** What the chassis was told, one word each: `on`, `off`, `soft`, `boot-pxe`. */
  told(): Promise<string[]>;
  /** `acpi`: shuts down when asked; `stuck`: obeys nothing; `deaf`: ignores the next command only; `on`: is on. */
  set(trait: 'acpi' | 'stuck' | 'deaf' | 'on', value: boolean): Promise<void>;
};

const chassis = (dir: string): string => `#!/bin/sh
cd ${dir} || exit 1
while [ $# -gt 0 ]; do case $1 in get|set|check) op=$1; shift; break;; esac; shift; done
if [ "$op" = get ]; then for what in "$@"; do case $what in power) [ -e on ] && echo power:1 || echo power:0;; boot) echo boot:none;; esac; done; exit 0; fi
[ "$op" = set ] || exit 0
obey() { [ -e stuck ] && return 1; [ -e deaf ] && { rm deaf; return 1; }; return 0; }
while [ $# -ge 2 ]; do
  case "$1 $2" in
    'power 1') echo on >> told; obey && touch on;;
    'power 0') echo off >> told; obey && rm -f on;;
    shutdown*) echo soft >> told; [ -e acpi ] && rm -f on;;
    boot*) echo "boot-$2" >> told;;
  esac
  shift 2
done
exit 0
`;

const lan = (dir: string, port: number): string => `name "m1"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 ${port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "${dir}/chassis m1"
  user 1 false "" "test" user 10 none md2 md5 straight
  user 2 true "${user}" "${password}" admin 10 none md2 md5 straight
`;

const emulator = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
`;

export async function startMachine(): Promise<Machine> {
  const dir = await mkdtemp(join(tmpdir(), 'ironbus-bmc-'));
  const port = await freeUdpPort();
  await mkdir(join(dir, 'state'));
  await writeFile(join(dir, 'chassis'), chassis(dir), { mode: 0o755 });
  await writeFile(join(dir, 'lan.conf'), lan(dir, port));
  await writeFile(join(dir, 'm1.emu'), emulator);
  await writeFile(join(dir, 'told'), '');
  const child = spawn('ipmi_sim', ['-c', join(dir, 'lan.conf'), '-f', join(dir, 'm1.emu'), '-s', join(dir, 'state'), '-n'], { stdio: 'ignore' });
  await once(child, 'spawn');
  await waitFor(() => answers(port), { what: 'ipmi_sim to answer', everyMs: 100 });
  const exists = (name: string): Promise<boolean> => readFile(join(dir, name)).then(() => true, () => false);
  return {
    port,
    power: async () => await exists('on') ? 'on' : 'off',
    told: async () => (await readFile(join(dir, 'told'), 'utf8')).split('\n').filter((word) => word !== ''),
    set: (trait, value) => value ? writeFile(join(dir, trait), '') : rm(join(dir, trait), { force: true }),
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const child = spawn('ipmitool', ['-I', 'lanplus', '-H', '127.0.0.1', '-p', String(port), '-U', user, '-E', '-C', '3', '-N', '1', '-R', '1', 'chassis', 'power', 'status'],
    { stdio: 'ignore', env: { PATH: process.env['PATH'], IPMI_PASSWORD: password } });
  const [code] = await once(child, 'exit') as [number | null];
  return code === 0;
}

/** A UDP port of loopback that hears and never answers, until it is closed. */
export async function openSilentPort(): Promise<{ port: number; close(): Promise<void> }> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, close: () => new Promise((resolve) => { socket.close(() => resolve()); }) };
}

async function freeUdpPort(): Promise<number> {
  const { port, close } = await openSilentPort();
  await close();
  return port;
}
