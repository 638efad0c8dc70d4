/** The system under test: the one-process stack (`npm start`) in the lab's prov namespace, as a person would run it there. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stackFlags } from '../../scripts/node-flags.mjs';
import { createClient, type Client } from './client.ts';
import type { Lab } from './harness/lab.ts';
import { startDaemon, waitUntil, type Daemon } from './harness/run.ts';

export const projectRoot = join(import.meta.dirname, '../..');
export const cacheDir = join(projectRoot, '.cache');

export type Stack = {
  client: Client; dataDir: string; logPath: string; pid: number;
  /** Stops it in order; the data stays. */
  stop(): Promise<void>;
  /** Starts it again on the same data. */
  start(env?: Record<string, string>): Promise<void>;
  log(): string;
};

/** Deadlines that suit a lab where a boot takes seconds. */
export const labTimes = { LIFECYCLE_CHECK_IN_SECONDS: '90', LIFECYCLE_GRACE_SECONDS: '10', LIFECYCLE_PHONE_HOME_SECONDS: '240', POWER_POLL_SECONDS: '5', POWER_CONFIRM_SECONDS: '15' };

/** The network that the machines are on: served authoritatively because the lab says so here. */
export function labNetwork(lab: Lab): Record<string, unknown> {
  const { prov } = lab.addresses;
  return {
    id: 'pxe', interface: 'pv0', cidr: `${lab.base}.0.0/24`, mode: 'authoritative', serverAddress: prov, gateway: prov, dnsServers: [prov], domain: 'lab.internal',
    dynamicRanges: [{ from: `${lab.base}.0.100`, to: `${lab.base}.0.199` }], leaseSeconds: 3600,
  };
}

/** The far segment, whose router relays to the stack. */
export function farNetwork(lab: Lab): Record<string, unknown> {
  const { prov, routerFar } = lab.addresses;
  return {
    ...labNetwork(lab), id: 'far', cidr: `${lab.base}.1.0/24`, relayed: true, gateway: routerFar, serverAddress: prov,
    dynamicRanges: [{ from: `${lab.base}.1.100`, to: `${lab.base}.1.199` }],
  };
}

export async function startStack(lab: Lab, env: Record<string, string> = {}): Promise<Stack> {
  const key = `ib_${randomBytes(32).toString('base64url')}`;
  const dataDir = join(lab.dir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const client = createClient(`http://${lab.addresses.provHost}:5240`, key);
  let daemon: Daemon | undefined;
  const start = async (more: Record<string, string> = {}): Promise<void> => {
    const from = existsSync(logOf(lab)) ? readFileSync(logOf(lab), 'utf8').length : 0;
    daemon = await launch(lab, dataDir, { ...env, ...more, API_ADMIN_KEY: key });
    await up(client, daemon, from);
  };
  await start();
  return {
    client, dataDir, start,
    get logPath() { return daemon?.logPath ?? ''; },
    get pid() { return daemon?.pid ?? 0; },
    stop: async () => { await stopInOrder(daemon); },
    log: () => daemon !== undefined && existsSync(daemon.logPath) ? readFileSync(daemon.logPath, 'utf8') : '',
  };
}

const logOf = (lab: Lab): string => join(lab.dir, 'logs', 'ironbus.log');

function launch(lab: Lab, dataDir: string, env: Record<string, string>): Promise<Daemon> {
  return startDaemon(lab, {
    name: 'ironbus', where: 'prov', cwd: projectRoot, argv: [process.execPath, ...stackFlags, 'apps/all/src/main.ts'],
    env: {
      PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/root', IRONBUS_DATA_DIR: dataDir, IRONBUS_ASSETS_DIR: join(cacheDir, 'assets'), IRONBUS_CACHE_DIR: cacheDir,
      API_NETWORKS: JSON.stringify([labNetwork(lab)]), ...labTimes, ...env,
    },
  });
}

/** Ready when the last service has started and the API answers. `from`: how long the log was before. */
async function up(client: Client, { pid, logPath }: Daemon, from: number): Promise<void> {
  await waitUntil('the stack to be up', async () => {
    const log = readFileSync(logPath, 'utf8').slice(from);
    if (!isRunning(pid)) throw new Error(`the stack did not start; the end of ${logPath}:\n${log.slice(-3000)}`);
    return log.includes('"msg":"ironbus is up"') && await answers(client);
  }, { timeoutMs: 60_000, everyMs: 100 });
}

export const answers = (client: Client): Promise<boolean> => client.get('/networks').then(() => true, () => false);

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function stopInOrder(daemon: Daemon | undefined): Promise<void> {
  if (daemon === undefined || !isRunning(daemon.pid)) return;
  process.kill(daemon.pid, 'SIGTERM');
  await waitUntil('the stack to stop', () => !isRunning(daemon.pid), { timeoutMs: 20_000 });
}
