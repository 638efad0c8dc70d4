/**
 * Measures what docs/adr/0003 says: the seconds from power-on of a QEMU machine with Debian's iPXE ROM to its GET of the
 * boot script, with and without our router advertisements. Needs root and qemu-system-x86_64; `node ipxe-wait.ts [runs]`.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { waitFor } from '@ironbus/testkit';
import { makeNamespaces, run, whyNoNamespaces } from './namespaces.ts';

const qemu: readonly string[] = [
  '-machine', 'pc,accel=tcg', '-cpu', 'max', '-m', '256', '-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'std',
  '-netdev', 'tap,id=n0,ifname=ibd-t0,script=no,downscript=no', '-device', 'virtio-net-pci,netdev=n0,mac=52:54:00:77:00:01,bootindex=1',
];

const why = whyNoNamespaces();
if (why !== undefined) throw new Error(why);
const runs = Number(process.argv[2] ?? '2');
const server = `ibd${process.pid}-s`;
const client = `ibd${process.pid}-c`;
const remove = makeNamespaces([server, client], [{ from: server, device: 'ibd-s0', to: client, peer: 'ibd-c0', address: '10.77.0.1/24' }]);
try {
  run(`ip -n ${client} link add ibd-br type bridge stp_state 0 forward_delay 0`);
  run(`ip -n ${client} link set ibd-c0 master ibd-br`);
  run(`ip -n ${client} link set ibd-br up`);
  run(`ip netns exec ${client} ip tuntap add ibd-t0 mode tap`);
  run(`ip -n ${client} link set ibd-t0 master ibd-br up`);
  for (const advertise of ['false', 'true']) for (let n = 0; n < runs; n += 1) {
    process.stdout.write(`advertisements ${advertise}: ${(await measure(advertise)).toFixed(2)} s from power-on to GET\n`);
  }
} finally {
  remove();
}

async function measure(advertise: string): Promise<number> {
  const rack = spawn('ip', ['netns', 'exec', server, process.execPath, join(import.meta.dirname, 'ipxe-wait.netns.ts'), advertise], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  rack.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  await waitFor(() => output.includes('ready'), { timeoutMs: 20_000, what: 'the rack' });
  const onAt = Date.now();
  const machine = spawn('ip', ['netns', 'exec', client, 'qemu-system-x86_64', ...qemu], { stdio: 'ignore' });
  try {
    const got = await waitFor(() => /GET (\d+)/.exec(output), { timeoutMs: 60_000, what: `a GET; so far:\n${output}` });
    return (Number(got[1]) - onAt) / 1_000;
  } finally {
    await Promise.all([machine, rack].map((child) => new Promise((resolve) => { child.once('close', resolve); child.kill('SIGTERM'); })));
  }
}
