/** What a one-host installation gives the services where the person says nothing. */
import { join, resolve } from 'node:path';
import type { Environment } from '@ironbus/runtime';
import type { AllConfig } from './config.ts';

/** Where the only rack keeps its keys; they are not there before it has joined. */
export const rackDirOf = (config: AllConfig): string => resolve(config.dataDir, 'rack');

/** What the person set wins, also where it is given as a file. */
export function environment(config: AllConfig, env: Environment): Environment {
  const rackDir = rackDirOf(config);
  const assets = resolve(config.assetsDir);
  const bootfiles = reachedAt(env['BOOTFILES_HOST']);
  const defaults: Environment = {
    RACK_ID: config.rackId, LOG_LEVEL: config.logLevel, API_DATA_DIR: resolve(config.dataDir, 'api'),
    ...(env['BOOTFILES_PORT'] !== undefined && { API_BOOT_PORT: env['BOOTFILES_PORT'] }),
    BOOTFILES_ASSETS_DIR: assets, TFTP_ASSETS_DIR: assets, BOOTFILES_RACK_KEY_FILE: join(rackDir, 'rack.key'), POWER_RACK_KEY_FILE: join(rackDir, 'rack.key'),
    TFTP_BOOTFILES_URL: `http://${bootfiles.includes(':') ? `[${bootfiles}]` : bootfiles}:${env['BOOTFILES_PORT'] ?? '5248'}`,
    BOOTFILES_TRUSTED_PROXIES: [...new Set(['127.0.0.1', '::1', ...(/^[0-9a-fA-F.:]+$/.test(bootfiles) ? [bootfiles] : [])])].join(','),
    BOOTFILES_REGION_URL: `http://127.0.0.1:${env['API_PORT'] ?? '5240'}`,
    ...(env['BOOTFILES_REGION_KEY'] === undefined && { BOOTFILES_REGION_KEY_FILE: join(rackDir, 'region.key') }),
    BOOTFILES_IMAGE_DIR: resolve(config.dataDir, 'bootfiles/images'), BOOTFILES_SHARED_IMAGE_DIR: resolve(config.dataDir, 'api/images'),
  };
  return { ...defaults, ...env };
}

/** Where bootfiles is reached from its own host: what listens on all addresses is asked by loopback. From one of its own addresses it is asked with that one. */
const reachedAt = (listensOn = '0.0.0.0'): string => ['0.0.0.0', '::'].includes(listensOn) ? '127.0.0.1' : listensOn;
