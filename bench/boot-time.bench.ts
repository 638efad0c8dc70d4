/**
 * From the first DHCPDISCOVER to the agent's check-in, on the wire: our stack beside dnsmasq with nginx, which hand the same virtual
 * machine the same loader chain, kernel and initramfs. Both in one run, turn by turn; the medians are compared.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { defineLab, type Lab } from '../tests/lab/harness/lab.ts';
import { addMachine, type Machine } from '../tests/lab/harness/machine.ts';
import { cleanUp, cleanUpAtExit, up } from '../tests/lab/harness/network.ts';
import { startRival } from '../tests/lab/harness/rival.ts';
import { startDaemon, waitUntil } from '../tests/lab/harness/run.ts';
import { startSink } from '../tests/lab/harness/sink.ts';
import { cacheDir, startStack } from '../tests/lab/stack.ts';
import { median, row, writeResult, type Row } from './result.ts';

const rounds = { bios: 5, uefi: 3 } as const;
type Firmware = keyof typeof rounds;
const say = (text: string): void => console.error(`bench boot-time: ${text}`);

export async function run(): Promise<readonly Row[]> {
  const lab = defineLab({ prefix: 'ironbus-boot', base: '10.80', stateRoot: join(cacheDir, 'lab') });
  await up(lab);
  cleanUpAtExit(lab);
  const machines = { bios: await machine(lab, 'bios', 1), uefi: await machine(lab, 'uefi', 2) };
  const samples: Record<Firmware, { ours: number[]; rival: number[] }> = { bios: { ours: [], rival: [] }, uefi: { ours: [], rival: [] } };
  const commandLine = await withOurs(lab, machines, samples);
  const versions = await withRival(lab, machines, samples, commandLine);
  await cleanUp(lab);
  const rows = (['bios', 'uefi'] as const).map((firmware) => row(`${firmware}: DISCOVER to check-in`, 's', 'less', median(samples[firmware].ours), { 'dnsmasq+nginx': median(samples[firmware].rival) }));
  writeResult('boot-time', rows, { samples, rival: versions });
  return rows;
}

type Machines = Record<Firmware, Machine>;
type Samples = Record<Firmware, { ours: number[]; rival: number[] }>;

/** Gives the kernel command line that our stack hands out, for the rival to hand out too. */
async function withOurs(lab: Lab, machines: Machines, samples: Samples): Promise<string> {
  const stack = await startStack(lab);
  for (const firmware of ['bios', 'uefi'] as const) {
    for (let round = 0; round < rounds[firmware]; round++) samples[firmware].ours.push(await bootOnce(lab, machines[firmware], `ours ${firmware} ${round + 1}`));
  }
  const log = machines.bios.serial();
  await stack.stop();
  const commandLine = /ironbus\.url=\S+ .*/.exec(log)?.[0];
  return commandLine ?? 'console=tty0 console=ttyS0,115200 panic=30 random.trust_cpu=on mitigations=off loglevel=4';
}

async function withRival(lab: Lab, machines: Machines, samples: Samples, commandLine: string): Promise<string[]> {
  const files = join(lab.dir, 'rival-files');
  mkdirSync(files, { recursive: true });
  const assets = join(cacheDir, 'assets');
  for (const [from, to] of [['agent/amd64/vmlinuz', 'vmlinuz'], ['agent/amd64/initrd.img', 'initrd.img'], ['loaders/undionly.kpxe', 'undionly.kpxe'], ['loaders/snponly.efi', 'snponly.efi']] as const) copyFileSync(join(assets, from), join(files, to));
  const sink = await startSink(lab, 5248);
  const base = `http://${lab.addresses.prov}`;
  const settings = commandLine.replace(/ironbus\.url=\S+/, '').replace(/ironbus\.token=\S+/, '').replace(/BOOTIF=\S+/, '').replace(/initrd=\S+/, '').replace(/[^\x20-\x7e]/g, '').trim();
  const script = ['#!ipxe', `kernel ${base}/vmlinuz ironbus.url=${base}:5248 ironbus.token=${'A'.repeat(43)} BOOTIF=01-\${net0/mac:hexhyp} ${settings} initrd=initrd.img`, `initrd --name initrd.img ${base}/initrd.img`, 'boot', ''].join('\n');
  writeFileSync(join(files, 'boot.ipxe'), script);
  const rival = await startRival(lab, { files, boot: { loaders: { bios: 'undionly.kpxe', uefi: 'snponly.efi' }, script: 'boot.ipxe' }, cacheDir, say });
  for (const firmware of ['bios', 'uefi'] as const) {
    for (let round = 0; round < rounds[firmware]; round++) samples[firmware].rival.push(await bootOnce(lab, machines[firmware], `rival ${firmware} ${round + 1}`));
  }
  await rival.stop();
  await sink.stop();
  return rival.versions;
}

const machine = (lab: Lab, firmware: Firmware, index: number): Promise<Machine> => addMachine(lab, {
  name: `${firmware}-b`, mac: `52:54:00:80:00:0${index}`, uuid: `b1234567-89ab-4cde-8123-45678900000${index}`, serial: `BOOT-${index}`, firmware,
  memoryMb: 512, cpus: 1, nic: 'virtio-net-pci', network: 'pxe', disks: [],
});

/** Seconds between the first DHCP packet and the first packet of the check-in's request, both as tcpdump saw them. */
async function bootOnce(lab: Lab, target: Machine, name: string): Promise<number> {
  if (await target.status() === 'on') await target.power('off');
  const file = name.replaceAll(' ', '-');
  const post = 'tcp dst port 5248 and tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x504f5354';
  const capture = await startDaemon(lab, { name: `capture-${file}`, where: 'rack', argv: ['tcpdump', '-i', 'br-pxe', '-n', '-tt', '-l', `(udp dst port 67 and ether src ${target.spec.mac}) or (${post})`] });
  await waitUntil('tcpdump to listen', () => readFileSync(capture.logPath, 'utf8').includes('listening on'), { timeoutMs: 10_000 });
  await target.power('on');
  const seconds = await waitUntil(`${name}: check-in`, () => elapsed(readFileSync(capture.logPath, 'utf8')), { timeoutMs: 120_000 });
  await capture.stop();
  await target.power('off');
  await pause(500);
  say(`${name}: ${seconds.toFixed(2)} s`);
  return seconds;
}

function elapsed(log: string): number | undefined {
  const lines = log.split('\n').map((line) => /^(\d+\.\d+) .* > \S+?\.(\d+|bootps): /.exec(line)).filter((match) => match !== null);
  const [first, last] = [lines.find((match) => match[2] === '67' || match[2] === 'bootps'), lines.find((match) => match[2] === '5248')];
  return first === undefined || last === undefined ? undefined : Number(last[1]) - Number(first[1]);
}
