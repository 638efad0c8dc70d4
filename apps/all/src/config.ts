import { Type } from 'typebox';
import { defineConfig, PortNumber, type ConfigOf, type Environment } from '@ironbus/runtime';

const path = Type.String({ minLength: 1, description: 'a path' });

/** The settings of the one-process stack itself; each service reads its own variables beside them. */
export const configSpec = defineConfig({
  prefix: 'IRONBUS_',
  service: 'ironbus',
  shared: ['rackId', 'logLevel'],
  fields: {
    dataDir: { env: 'DATA_DIR', schema: path, default: './data', doc: 'Everything that is kept: NATS and Redis data, images, keys.' },
    assetsDir: { env: 'ASSETS_DIR', schema: path, default: './.cache/assets', doc: 'Boot loaders and the ephemeral image, built by agent/build.ts.' },
    natsPort: { env: 'NATS_PORT', schema: PortNumber, default: 4222, doc: 'Port of the own nats-server on loopback; not used where NATS_URL names one.' },
    redisPort: { env: 'REDIS_PORT', schema: PortNumber, default: 6380, doc: 'Port of the own redis-server on loopback; not used where REDIS_URL names one.' },
    cacheDir: { env: 'CACHE_DIR', schema: path, default: './.cache', doc: 'Where the nats-server that scripts/setup.ts unpacked lies.' },
  },
});
export type AllConfig = ConfigOf<typeof configSpec>;

/** Variables with our prefix that the ironbus command, the tests and the scripts read: one shell may hold both. */
const ofOthers: ReadonlySet<string> = new Set([
  'IRONBUS_API', 'IRONBUS_API_KEY', 'IRONBUS_API_KEY_FILE', 'IRONBUS_POWER_PASSWORD', 'IRONBUS_JOIN_TOKEN', 'IRONBUS_JOIN_TOKEN_FILE',
  'IRONBUS_TEST_SERVERS', 'IRONBUS_TEST_LOG', 'IRONBUS_CACHE', 'IRONBUS_REDIS_SERVER', 'IRONBUS_NODE_FLAGS', 'IRONBUS_NODE_FLAGS_DHCP',
]);

/** The environment as the stack reads it: empty variables and those of others are not there. */
export function ownEnvironment(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== '' && !ofOthers.has(name)));
}
