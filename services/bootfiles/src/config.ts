import { Type } from 'typebox';
import { defineConfig, DurationInSeconds, PortNumber, type ConfigOf } from '@ironbus/runtime';

const path = Type.String({ minLength: 1, description: 'a path' });

export const configSpec = defineConfig({
  prefix: 'BOOTFILES_',
  shared: ['natsServers', 'natsCredsFile', 'redisUrl', 'rackId', 'logLevel', 'healthHost', 'healthPort', 'instanceId'],
  fields: {
    host: { env: 'HOST', schema: Type.String({ minLength: 1, description: 'an address' }), default: '0.0.0.0', doc: 'Where booting machines are answered.' },
    port: { env: 'PORT', schema: PortNumber, default: 5248, doc: 'TCP port of boot scripts, agent, images and phone-home.' },
    healthPort: { env: 'HEALTH_PORT', schema: PortNumber, default: 5263, doc: 'Port of /healthz, /readyz and /metrics.' },
    trustedProxies: {
      env: 'TRUSTED_PROXIES', schema: Type.Array(Type.String({ pattern: '^[0-9a-fA-F.:]+$', description: 'an address' })), default: ['127.0.0.1', '::1'],
      doc: 'Who may ask /virtual in the name of a machine (Forwarded, RFC 7239): the addresses the rack’s tftp service asks from.',
    },
    assetsDir: { env: 'ASSETS_DIR', schema: path, default: './.cache/assets', doc: 'Loaders, boot assets and the agent’s image, built by agent/build.ts.' },
    imageDir: { env: 'IMAGE_DIR', schema: path, default: './data/images', doc: 'The rack’s cache of operating system images.' },
    sharedImageDir: { env: 'SHARED_IMAGE_DIR', schema: path, optional: true, doc: 'The region’s own image directory, where it is on the same host: images are then served from it and never copied.' },
    regionUrl: { env: 'REGION_URL', schema: Type.String({ pattern: '^https?://.+$', description: 'a URL' }), default: 'http://127.0.0.1:5240', doc: 'The region’s API, which images are fetched from.' },
    regionKey: { env: 'REGION_KEY', schema: Type.String({ pattern: '^[\\x21-\\x7e]+$', description: 'an API key' }), optional: true, secret: true, doc: 'API key for fetching images.' },
    imageWaitSeconds: { env: 'IMAGE_WAIT', schema: DurationInSeconds({ maximum: 3600 }), default: 60, doc: 'How long a machine’s request waits for an image that is being fetched.' },
    rackKeyFile: { env: 'RACK_KEY_FILE', schema: path, default: './data/rack/rack.key', doc: 'The rack’s X25519 private key, which user-data is sealed to.' },
    kernelArguments: {
      env: 'KERNEL_ARGUMENTS', schema: Type.String({ maxLength: 1000, description: 'words' }), default: 'panic=30 random.trust_cpu=on mitigations=off loglevel=4',
      doc: 'Kernel arguments of the agent besides the protocol’s own.',
    },
  },
});
export type BootfilesConfig = ConfigOf<typeof configSpec>;
