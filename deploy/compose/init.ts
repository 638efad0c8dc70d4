/**
 * What a composition needs before anything starts, made once into its volumes: keys and passwords, the configuration of NATS
 * and Redis, folders that the unprivileged users may write. Run again it keeps every secret and refreshes what is drawn from
 * them. Secrets lie in a folder that root alone reads; each service's entry point takes its own and then gives root up.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifest as api } from '@ironbus/api';
import { manifest as bootfiles } from '@ironbus/bootfiles';
import { natsPermissions, natsUser, type Manifest, type NatsPermissions } from '@ironbus/contracts';
import { manifest as dhcp } from '@ironbus/dhcp';
import { manifest as lifecycle } from '@ironbus/lifecycle';
import { manifest as power } from '@ironbus/power';
import type { Environment } from '@ironbus/runtime';
import { manifest as tftp } from '@ironbus/tftp';
import { credsFile, newKeys, serverTrust, withUsers, type NatsKeys } from './nats-identity.ts';
import { natsConf, networksFrom, redisConf } from './server-files.ts';

export type Folders = { secrets: string; nats: string; redis: string; writable: readonly string[] };

/** What init.ts keeps for good. */
type Kept = { nats: NatsKeys; redis: Record<string, string>; redisAdministrator: string; joinToken: string };

const manifests: readonly Manifest[] = [api, lifecycle, dhcp, tftp, bootfiles, power];
const redisUsers = ['api', 'lifecycle', 'dhcp', 'bootfiles', 'power'];
/** For people: `nats sub` with the creds of this user hears every event and can say nothing. */
const watcher = { name: 'watch', permissions: { publish: [], subscribe: ['*.*.*.*', '_INBOX_watch.>'] } satisfies NatsPermissions };
const token = (): string => randomBytes(24).toString('base64url');

/** Throws an Error whose message lists what is wrong with the environment. `owner` is the user (and group) of what is not secret. */
export function initialise(folders: Folders, env: Environment, owner: number): void {
  const network = networksFrom(env);
  if (!network.ok) throw new Error(network.faults.join('\n'));
  const rack = env['RACK_ID'] || 'rack1';
  mkdirSync(folders.secrets, { recursive: true });
  chmodSync(folders.secrets, 0o700);
  const kept = keep(join(folders.secrets, 'kept.json'), [...manifests.map(({ service }) => natsUser(service, rack)), watcher.name]);
  for (const manifest of manifests) write(join(folders.secrets, `${manifest.service}.creds`), credsFile(kept.nats, natsUser(manifest.service, rack), natsPermissions(manifest, rack)));
  write(join(folders.secrets, 'watch.creds'), credsFile(kept.nats, watcher.name, watcher.permissions));
  for (const [name, password] of Object.entries(kept.redis)) write(join(folders.secrets, `${name}.env`), `REDIS_USER='${name}:${password}'\n`);
  append(join(folders.secrets, 'api.env'), { API_JOIN_TOKEN: kept.joinToken, API_NETWORKS: JSON.stringify(network.networks) });
  write(join(folders.secrets, 'rack-join.env'), `export IRONBUS_JOIN_TOKEN='${kept.joinToken}'\n`);
  for (const folder of [folders.nats, folders.redis, ...folders.writable]) own(folder, owner);
  write(join(folders.nats, 'nats.conf'), natsConf(serverTrust(kept.nats)), owner);
  write(join(folders.redis, 'redis.conf'), redisConf(kept.redisAdministrator, kept.redis), owner);
}

/** The secrets of this composition: read, completed by what a newer version needs, written back. */
function keep(file: string, natsUsers: readonly string[]): Kept {
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as Kept : undefined;
  const kept: Kept = {
    nats: withUsers(before?.nats ?? newKeys(Math.floor(Date.now() / 1000)), natsUsers),
    redis: { ...Object.fromEntries(redisUsers.map((name) => [name, token()])), ...before?.redis },
    redisAdministrator: before?.redisAdministrator ?? token(),
    joinToken: before?.joinToken ?? `ibjoin_${token()}`,
  };
  write(file, `${JSON.stringify(kept)}\n`);
  return kept;
}

/** Shell assignments; a single quote ends and begins the quoted text around an escaped one. */
function append(file: string, values: Record<string, string>): void {
  const lines = Object.entries(values).map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`);
  write(file, readFileSync(file, 'utf8') + lines.join(''));
}

/** Whole or not at all, readable by its owner only. */
function write(file: string, text: string, owner = 0): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  chownSync(`${file}.new`, owner, owner);
  renameSync(`${file}.new`, file);
}

function own(folder: string, owner: number): void {
  mkdirSync(folder, { recursive: true });
  chownSync(folder, owner, owner);
  chmodSync(folder, 0o700);
}

function main(): void {
  const state = '/var/lib/ironbus';
  try {
    initialise({
      secrets: '/run/ironbus/secrets', nats: join(state, 'nats'), redis: join(state, 'redis'),
      writable: ['api', 'images', 'rack', 'bootfiles'].map((name) => join(state, name)),
    }, process.env, 10_001);
  } catch (error) {
    process.stderr.write(`ironbus: ${(error as Error).message}\n`);
    process.exit(78);
  }
  process.stdout.write('ironbus: secrets, NATS and Redis are set up\n');
}

if (import.meta.main) main();
