/** A link whose MTU is smaller than the blocks asked for: the kernel does not cut there, and each block goes out by itself, in fragments. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { contentOf, serve, type Served } from './testing/served.ts';

const [namespace, device, address, peerAddress] = [`ibtftp-${process.pid}`, `ibt${process.pid}`, '198.51.100.1', '198.51.100.2'];
const skip = process.getuid?.() === 0 ? false : 'network namespaces need root: run this test as root';
const run = (command: string): void => { const [program = '', ...args] = command.split(' '); execFileSync(program, args, { stdio: 'pipe' }); };
const loader = contentOf(300_001);
let served: Served;

before(async () => {
  if (skip !== false) return;
  run(`ip netns add ${namespace}`);
  run(`ip link add ${device} mtu 900 type veth peer name eth0 mtu 900 netns ${namespace}`);
  run(`ip addr add ${address}/30 dev ${device}`);
  run(`ip link set ${device} up`);
  run(`ip -n ${namespace} addr add ${peerAddress}/30 dev eth0`);
  run(`ip -n ${namespace} link set eth0 up`);
  served = await serve({ 'ipxe.efi': loader }, { TFTP_HOST: address });
});
after(async () => {
  if (skip !== false) return;
  await served[Symbol.asyncDispose]();
  run(`ip netns del ${namespace}`);
});

for (const [blksize, windowsize] of [[1468, 8], [1468, 1], [860, 16], [512, 16]] as const) {
  test(`blksize ${blksize}, windowsize ${windowsize}: atftp gets the file whole`, { skip }, async () => {
    const local = join(served.dir, `got-${blksize}-${windowsize}`);
    const options = ['--option', `blksize ${blksize}`, '--option', `windowsize ${windowsize}`];
    await promisify(execFile)('ip', ['netns', 'exec', namespace, 'atftp', '--get', ...options, '-r', 'ipxe.efi', '-l', local, address, String(served.port)], { timeout: 30_000 });
    assert.ok((await readFile(local)).equals(loader));
  });
}
