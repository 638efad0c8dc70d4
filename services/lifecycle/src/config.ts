/** The settings of lifecycle, and what of them the decisions see. */
import { Type } from 'typebox';
import { defineConfig, DurationInMs, DurationInSeconds, OneOf, PortNumber, type ConfigOf } from '@ironbus/runtime';
import type { Settings } from './core/record.ts';

const remedies = ['re-arm-netboot', 'power-cycle', 'other-boot-path'] as const;
const atLeastOne = { minimum: 1 };

export const configSpec = defineConfig({
  prefix: 'LIFECYCLE_',
  shared: ['natsServers', 'natsCredsFile', 'redisUrl', 'logLevel', 'healthHost', 'instanceId'],
  fields: {
    healthPort: { env: 'HEALTH_PORT', schema: PortNumber, default: 5265, doc: 'Port of /healthz, /readyz and /metrics; 0 takes any free one.' },
    powerSeconds: { env: 'POWER_SECONDS', schema: DurationInSeconds(atLeastOne), default: 120, doc: 'How long a power request may take until it is confirmed.' },
    checkInSeconds: { env: 'CHECK_IN_SECONDS', schema: DurationInSeconds(atLeastOne), default: 600, doc: 'How long a machine may take to boot into the agent.' },
    stepSeconds: { env: 'STEP_SECONDS', schema: DurationInSeconds(atLeastOne), default: 3600, doc: 'How long writing an image or erasing disks may take.' },
    shortStepSeconds: { env: 'SHORT_STEP_SECONDS', schema: DurationInSeconds(atLeastOne), default: 600, doc: 'How long any other step may take; a test gets its own length on top.' },
    installSeconds: { env: 'INSTALL_SECONDS', schema: DurationInSeconds(atLeastOne), default: 7200, doc: 'How long an installer of a profile may take from fetching its configuration until it calls.' },
    phoneHomeSeconds: { env: 'PHONE_HOME_SECONDS', schema: DurationInSeconds(atLeastOne), default: 1200, doc: 'How long the installed system may take until it calls.' },
    graceSeconds: { env: 'GRACE_SECONDS', schema: DurationInSeconds(), default: 30, doc: 'How long deadlines are put off once lifecycle hears again (it started, NATS or Redis was away): what was said meanwhile counts first.' },
    missingSeconds: { env: 'MISSING_SECONDS', schema: DurationInSeconds(), default: 0, doc: 'How long a node made by hand may stay unseen before it is Missing; 0: for ever.' },
    staleSeconds: { env: 'STALE_SECONDS', schema: DurationInSeconds(atLeastOne), default: 86_400, doc: 'Requests and unknown machines from longer ago are not acted on: a log that is read again must not act.' },
    testSeconds: { env: 'TEST_SECONDS', schema: DurationInSeconds(atLeastOne), default: 30, doc: 'How long each hardware test runs.' },
    ladder: {
      env: 'LADDER', schema: Type.Array(OneOf(remedies), { uniqueItems: true, description: `a comma-separated list of ${remedies.join(', ')}` }), default: [...remedies],
      doc: 'What is tried, in this order, before a machine that does not come has failed.',
    },
    autoAccept: { env: 'AUTO_ACCEPT', schema: Type.Boolean(), default: false, doc: 'Whether a new machine is commissioned as soon as its inventory is known.' },
    releaseErase: { env: 'RELEASE_ERASE', schema: OneOf(['none', 'quick', 'secure']), default: 'none', doc: 'How disks are erased at release where the request does not say.' },
    maxClaims: { env: 'MAX_CLAIMS', schema: Type.Integer({ minimum: 1, maximum: 20 }), default: 3, doc: 'How often one step may be started before the attempt has failed.' },
    kernelArguments: { env: 'KERNEL_ARGUMENTS', schema: Type.String({ maxLength: 2000 }), default: '', doc: 'Added to the command line of the agent’s kernel.' },
    pollMs: { env: 'POLL_MS', schema: DurationInMs({ minimum: 10 }), default: 1000, doc: 'How often deadlines are looked at.' },
  },
});
export type LifecycleConfig = ConfigOf<typeof configSpec>;

export function settingsOf(config: LifecycleConfig): Settings {
  const { stepSeconds: long, shortStepSeconds: short, testSeconds, installSeconds: install } = config;
  const { powerSeconds, checkInSeconds, phoneHomeSeconds, missingSeconds, staleSeconds, ladder, autoAccept, releaseErase, maxClaims, kernelArguments } = config;
  return {
    powerSeconds, checkInSeconds, phoneHomeSeconds, missingSeconds, staleSeconds, testSeconds, ladder, autoAccept, releaseErase, maxClaims, kernelArguments,
    stepSeconds: { inventory: short, erase: long, 'write-image': long, grow: short, seed: short, test: short + testSeconds, install },
  };
}
