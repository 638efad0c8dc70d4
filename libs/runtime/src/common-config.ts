/** The settings that services share; each names the ones it uses in `shared`. */
import { hostname } from 'node:os';
import { Type } from 'typebox';
import { logLevels } from './logger.ts';
import { OneOf, PortNumber } from './config-text.ts';

const natsUrl = Type.String({ pattern: '^(nats|tls|wss?)://.+$', description: 'a URL such as nats://127.0.0.1:4222' });

export const commonFields = {
  natsServers: {
    env: 'NATS_URL', schema: Type.Array(natsUrl, { minItems: 1, description: 'one or more URLs such as nats://127.0.0.1:4222, separated by commas' }),
    default: ['nats://127.0.0.1:4222'], secret: 'userinfo', doc: 'The NATS servers.',
  },
  natsCredsFile: { env: 'NATS_CREDS_FILE', schema: Type.String({ minLength: 1, description: 'a path' }), optional: true, doc: 'NATS credentials of this service (.creds).' },
  redisUrl: {
    env: 'REDIS_URL', schema: Type.String({ pattern: '^(rediss?|unix)://.+$', description: 'a URL such as redis://127.0.0.1:6379/0' }),
    default: 'redis://127.0.0.1:6379', secret: 'userinfo', doc: 'The Redis or Valkey server of this place.',
  },
  rackId: {
    env: 'RACK_ID', schema: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$', description: 'lower-case letters, digits and dashes, at most 63' }),
    default: 'rack1', doc: 'The rack this process belongs to.',
  },
  logLevel: { env: 'LOG_LEVEL', schema: OneOf(logLevels), default: 'info', doc: 'What is logged at least.' },
  healthHost: { env: 'HEALTH_HOST', schema: Type.String({ minLength: 1, description: 'an address' }), default: '127.0.0.1', doc: 'Where /healthz, /readyz and /metrics are served.' },
  healthPort: { env: 'HEALTH_PORT', prefixed: true, schema: PortNumber, default: 0, defaultDoc: 'any free port', doc: 'Port of /healthz, /readyz and /metrics.' },
  instanceId: {
    env: 'INSTANCE_ID', schema: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$', description: 'letters, digits, dot, dash and underscore, at most 64' }),
    default: () => hostname().replace(/[^A-Za-z0-9_.-]/g, '-').slice(0, 64) || 'host', defaultDoc: 'the host name', doc: 'Which replica this is.',
  },
} as const;
export type CommonFields = typeof commonFields;
