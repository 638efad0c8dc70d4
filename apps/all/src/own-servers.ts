/** The nats-server and redis-server of a one-process installation: loopback only, with passwords of their own, synced to disk. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { IronbusError } from '@ironbus/contracts';
import type { Logger, Part } from '@ironbus/runtime';
import { findNats } from '../../../scripts/fetch-nats.mjs';
import type { AllConfig } from './config.ts';
import { supervise } from './child.ts';

export type OwnServers = { parts: Part[]; env: Record<string, string> };

/** What the environment names is used as it is; what it does not is started. */
export function ownServers(config: AllConfig, env: NodeJS.ProcessEnv, log: Logger): OwnServers {
  const own: OwnServers = { parts: [], env: {} };
  if (!env['NATS_URL']) addNats(own, config, log);
  if (!env['REDIS_URL']) addRedis(own, config, log);
  return own;
}

function addNats(own: OwnServers, config: AllConfig, log: Logger): void {
  const directory = folder(config, 'nats');
  const password = secret(join(directory, 'password'));
  const file = join(directory, 'nats.conf');
  const command = findNats(config.cacheDir);
  if (command === undefined) throw new IronbusError('BUS_TOO_OLD', 'no nats-server 2.12 or newer was found: run "npm run setup", or name a running one in NATS_URL');
  writeFileSync(file, natsConf(config.natsPort, directory, password), { mode: 0o600 });
  own.parts.push(supervise({ name: 'nats-server', command, args: ['--config', file], port: config.natsPort, logFile: join(directory, 'nats.log') }, log));
  own.env['NATS_URL'] = `nats://ironbus:${password}@127.0.0.1:${config.natsPort}`;
}

/** `sync_interval: always`: what JetStream acknowledged is on the disk. `watch` may read events and nothing else. */
const natsConf = (port: number, directory: string, password: string): string => `
server_name: ironbus
listen: "127.0.0.1:${port}"
max_payload: 2MB
jetstream { store_dir: ${JSON.stringify(directory)}, sync_interval: always, max_memory_store: 64MB }
authorization {
  users: [
    { user: ironbus, password: ${JSON.stringify(password)} }
    { user: watch, password: watch, permissions: { publish: { deny: ">" }, subscribe: { deny: ["$KV.>", "$JS.>", "$SYS.>", "_INBOX.>"] } } }
  ]
}
`;

function addRedis(own: OwnServers, config: AllConfig, log: Logger): void {
  const directory = folder(config, 'redis');
  const password = secret(join(directory, 'password'));
  const file = join(directory, 'redis.conf');
  const lines = [
    'bind 127.0.0.1', `port ${config.redisPort}`, `dir ${JSON.stringify(directory)}`, `requirepass ${password}`, 'daemonize no',
    'appendonly yes', 'appendfsync always', 'save ""', 'maxmemory-policy noeviction',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  own.parts.push(supervise({ name: 'redis-server', command: 'redis-server', args: [file], port: config.redisPort, logFile: join(directory, 'redis.log') }, log));
  own.env['REDIS_URL'] = `redis://:${password}@127.0.0.1:${config.redisPort}/0`;
}

function folder(config: AllConfig, name: string): string {
  const directory = resolve(config.dataDir, name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  return directory;
}

/** Made once, kept with mode 0600. */
function secret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const made = randomBytes(24).toString('base64url');
    writeFileSync(file, `${made}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  }
}
