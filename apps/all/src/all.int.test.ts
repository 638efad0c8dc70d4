/** The one-process stack as a person starts it: a process with an environment and nothing else. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, waitFor } from '@ironbus/testkit';

type Run = { out: string; err: string; code: number | null | undefined; end(signal?: NodeJS.Signals): Promise<void> };
const main = new URL('main.ts', import.meta.url).pathname;
const running = new Set<Run>();
let dir: string;
let ports: Record<string, string>;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ironbus-all-'));
  await writeAssets(join(dir, 'assets'));
  const names = ['IRONBUS_NATS_PORT', 'IRONBUS_REDIS_PORT', 'API_PORT', 'BOOTFILES_PORT', 'DHCP_PORT', 'TFTP_PORT'];
  ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, String(await freePort())] as const)));
});
after(async () => {
  await Promise.all([...running].map((run) => run.end('SIGKILL')));
  await rm(dir, { recursive: true, force: true });
});

function start(env: Record<string, string> = {}): Run {
  const health = Object.fromEntries(['API', 'LIFECYCLE', 'DHCP', 'TFTP', 'BOOTFILES', 'POWER'].map((name) => [`${name}_HEALTH_PORT`, '0']));
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], ...ports, ...health, IRONBUS_DATA_DIR: join(dir, 'data'), IRONBUS_ASSETS_DIR: join(dir, 'assets'), TFTP_HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => { child.once('close', (code) => { run.code = code; running.delete(run); resolve(); }); });
  const run: Run = { out: '', err: '', code: undefined, end: async (signal) => { if (signal !== undefined) child.kill(signal); await ended; } };
  child.stdout.on('data', (chunk: Buffer) => { run.out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { run.err += chunk.toString(); });
  running.add(run);
  return run;
}

async function isUp(run: Run): Promise<void> {
  await waitFor(() => run.code !== undefined || run.out.includes('ironbus is up'), { what: 'the stack to be up', timeoutMs: 60_000 });
  assert.equal(run.code, undefined, run.out + run.err);
}

/** Every file the services ask for, a few bytes each. */
async function writeAssets(to: string): Promise<void> {
  const bytes = Buffer.from('bytes');
  const names = [
    'loaders/undionly.kpxe', 'loaders/snponly.efi', 'loaders/ipxe.efi', 'boot-assets/bios/boot.img', 'boot-assets/bios/core.img',
    'boot-assets/uefi/shimx64.efi', 'boot-assets/uefi/grubx64.efi', 'agent/amd64/vmlinuz', 'agent/amd64/initrd.img',
  ];
  for (const name of names) {
    await mkdir(dirname(join(to, name)), { recursive: true });
    await writeFile(join(to, name), bytes);
  }
  const files = names.map((path) => ({ path, sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length }));
  await writeFile(join(to, 'manifest.json'), JSON.stringify({ suite: 'test', recipe: 'test', packages: {}, files }));
}

test('every wrong setting of every service is named once, before anything starts', async () => {
  const run = start({ API_PORT: 'many', TFTP_MAX_TRIES: '0', POWER_ATTEMPTS: 'x', LIFECYCLE_LADER: 'y', NATS_URL: 'http://x', IRONBUS_DATADIR: '/x', BOOTFILES_REGION_KEY_FILE: '/nonexistent/key' });
  await run.end();
  assert.deepEqual([run.code, run.out], [78, '']);
  for (const name of ['API_PORT', 'TFTP_MAX_TRIES', 'POWER_ATTEMPTS', 'LIFECYCLE_LADER', 'NATS_URL', 'IRONBUS_DATADIR', 'BOOTFILES_REGION_KEY_FILE']) {
    assert.equal(run.err.split('\n').filter((line) => line === `  ${name}`).length, 1, `${name} in ${run.err}`);
  }
  const alone = start({ DHCP_OFFER: 'soon' });
  await alone.end();
  assert.deepEqual([alone.code, alone.out, alone.err.includes('DHCP_OFFER')], [78, '', true]);
  await assert.rejects(readdir(join(dir, 'data')), { code: 'ENOENT' });
});

test('SIGTERM while it waits for NATS or Redis ends it with 0', async () => {
  for (const env of [{ NATS_URL: 'nats://127.0.0.1:1' }, { REDIS_URL: 'redis://127.0.0.1:1' }]) {
    const run = start({ ...env, LOG_LEVEL: 'debug', IRONBUS_DATA_DIR: join(dir, 'waiting') });
    await waitFor(() => run.out.includes('health server listening'), { what: 'the api to wait', timeoutMs: 30_000 });
    await run.end('SIGTERM');
    assert.equal(run.code, 0, run.out + run.err);
    assert.doesNotMatch(run.out, /"level":"(error|fatal)"/);
  }
});

test('it starts beside the variables of the command, ends with 0, and joins again when the region lost its records', async () => {
  const run = start({ IRONBUS_API: 'nonsense', IRONBUS_API_KEY_FILE: '/nonexistent', IRONBUS_POWER_PASSWORD: 'x', IRONBUS_JOIN_TOKEN: 'x', IRONBUS_TEST_LOG: 'x', IRONBUS_CACHE: 'x' });
  await isUp(run);
  assert.match(run.out, /"msg":"rack joined"/);
  await run.end('SIGTERM');
  assert.equal(run.code, 0, run.out + run.err);
  const key = await readFile(join(dir, 'data/rack/region.key'), 'utf8');

  const again = start();
  await isUp(again);
  assert.doesNotMatch(again.out, /"msg":"rack joined"/);
  await again.end('SIGTERM');
  assert.equal(await readFile(join(dir, 'data/rack/region.key'), 'utf8'), key);

  await rm(join(dir, 'data/redis/appendonlydir'), { recursive: true });
  const lost = start();
  await isUp(lost);
  assert.match(lost.out, /does not know this rack any more.*\n.*"msg":"rack joined"/);
  assert.notEqual(await readFile(join(dir, 'data/rack/region.key'), 'utf8'), key);
  await lost.end('SIGTERM');
  assert.equal(lost.code, 0, lost.out);
});
