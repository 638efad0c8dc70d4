import { Type } from 'typebox';
import { defineConfig, DurationInSeconds, PortNumber, type ConfigOf } from '@ironbus/runtime';

export const configSpec = defineConfig({
  prefix: 'POWER_',
  shared: ['natsServers', 'natsCredsFile', 'redisUrl', 'rackId', 'logLevel', 'healthHost', 'instanceId'],
  fields: {
    healthPort: { env: 'HEALTH_PORT', schema: PortNumber, default: 5264, doc: 'Port of /healthz, /readyz and /metrics; 0 takes any free one.' },
    rackKeyFile: { env: 'RACK_KEY_FILE', schema: Type.String({ minLength: 1, description: 'a path' }), default: './data/rack/rack.key', doc: 'The rack’s X25519 private key, which BMC parameters are sealed to.' },
    ipmitool: { env: 'IPMITOOL', schema: Type.String({ minLength: 1, description: 'a program' }), default: 'ipmitool', doc: 'The ipmitool to run.' },
    confirmSeconds: { env: 'CONFIRM_SECONDS', schema: DurationInSeconds(), default: 30, doc: 'How long a change of power may take until it is read back.' },
    softSeconds: { env: 'SOFT_SECONDS', schema: DurationInSeconds(), default: 90, doc: 'How long an orderly shutdown may take before the machine is switched off.' },
    attempts: { env: 'ATTEMPTS', schema: Type.Integer({ minimum: 1, maximum: 20 }), default: 3, doc: 'How often a BMC that does not answer is tried.' },
    pollSeconds: { env: 'POLL_SECONDS', schema: DurationInSeconds(), default: 60, doc: 'How often each BMC is asked for its power state; 0: never.' },
    policySeconds: { env: 'POLICY_SECONDS', schema: DurationInSeconds(), default: 30, doc: 'How long to wait for the boot policy a request names before the machine may come on.' },
  },
});
export type PowerConfig = ConfigOf<typeof configSpec>;
