import { Type } from 'typebox';
import { defineConfig, PortNumber, type ConfigOf } from '@ironbus/runtime';

export const configSpec = defineConfig({
  prefix: 'API_',
  shared: ['natsServers', 'natsCredsFile', 'redisUrl', 'logLevel', 'healthHost', 'instanceId', 'rackId'],
  fields: {
    healthPort: { env: 'HEALTH_PORT', schema: PortNumber, default: 5266, doc: 'Port of /healthz, /readyz and /metrics; 0 takes any free one.' },
    host: { env: 'HOST', schema: Type.String({ minLength: 1, description: 'an address' }), default: '0.0.0.0', doc: 'Where the API listens.' },
    port: { env: 'PORT', schema: PortNumber, default: 5240, doc: 'TCP port of the API.' },
    dataDir: { env: 'DATA_DIR', schema: Type.String({ minLength: 1, description: 'a path' }), default: './data/api', doc: 'Images, and master.key, the region’s own: keep a copy of that one.' },
    bootPort: { env: 'BOOT_PORT', schema: PortNumber, default: 5248, doc: 'Port of bootfiles, for the base URL of networks that name none.' },
    adminKey: {
      env: 'ADMIN_KEY', schema: Type.String({ pattern: '^ib_[A-Za-z0-9_-]{43}$', description: 'ib_ and 43 characters' }), optional: true, secret: true,
      doc: 'The first administrator’s key; made and printed once where it is not given.',
    },
    joinToken: {
      env: 'JOIN_TOKEN', schema: Type.String({ pattern: '^ibjoin_[A-Za-z0-9_-]{32}$', description: 'ibjoin_ and 32 characters' }), optional: true, secret: true,
      doc: 'A join token that one rack may use, for installations on one host.',
    },
    networks: { env: 'NETWORKS', schema: Type.Array(Type.Unknown(), { description: 'a JSON list of networks as POST /networks takes them' }), default: [], doc: 'Networks made at start where they do not exist yet: naming a mode here is a person’s word.' },
    probeSeconds: {
      env: 'PROBE_SECONDS', schema: Type.Number({ minimum: 0, maximum: 60 }), default: 8,
      doc: 'How long a probe for DHCP servers waits for what the rack found before it answers 202.',
    },
    cloudConfigSchema: {
      env: 'CLOUD_CONFIG_SCHEMA', schema: Type.String({ minLength: 1, description: 'a path' }), default: '/usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json',
      doc: 'cloud-init’s own schema, which user-data is checked against where the file is there (Debian’s package cloud-init brings it).',
    },
    waitSeconds: { env: 'WAIT_SECONDS', schema: Type.Number({ minimum: 0, maximum: 60 }), default: 5, doc: 'How long a request waits for its outcome before it answers 202.' },
  },
});
export type ApiConfig = ConfigOf<typeof configSpec>;
