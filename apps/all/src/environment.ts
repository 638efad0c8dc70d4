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
  const defaults: Environment = {
    RACK_ID: config.rackId, LOG_LEVEL: config.logLevel, API_DATA_DIR: resolve(config.dataDir, 'api'),
    ...(env['BOOTFILES_PORT'] !== undefined && { API_BOOT_PORT: env['BOOTFILES_PORT'] }),
    BOOTFILES_ASSETS_DIR: assets, TFTP_ASSETS_DIR: assets, BOOTFILES_RACK_KEY_FILE: join(rackDir, 'rack.key'), POWER_RACK_KEY_FILE: join(rackDir, 'rack.key'),
    BOOTFILES_REGION_URL: `http://127.0.0.1:${env['API_PORT'] ?? '5240'}`,
    ...(env['BOOTFILES_REGION_KEY'] === undefined && { BOOTFILES_REGION_KEY_FILE: join(rackDir, 'region.key') }),
    BOOTFILES_IMAGE_DIR: resolve(config.dataDir, 'bootfiles/images'), BOOTFILES_SHARED_IMAGE_DIR: resolve(config.dataDir, 'api/images'),
  };
  return { ...defaults, ...env };
}
