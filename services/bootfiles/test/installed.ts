/** Deployments up to where the system on the disk boots, for the tests of what it may read. */
import { writeFile } from 'node:fs/promises';
import { deployDataBucket, type Deployment } from '@ironbus/contracts';
import { generateRackKey, seal } from '@ironbus/runtime';
import { waitFor } from '@ironbus/testkit';
import { boot, fetchScript } from './agent.ts';
import { deployment, deploySteps, node, policy } from './fixtures.ts';
import { rackId, type Rack } from './rack.ts';

export type SeedClaim = { files: Record<string, string>; config?: string };
export const text = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();

/** `user-data` is sealed to a key of the rack's own. */
export async function putUserData(rack: Rack, key: string, userData: string): Promise<void> {
  const pair = generateRackKey();
  await writeFile(rack.config.rackKeyFile, pair.privateKeyPem);
  await rack.api.kv(deployDataBucket).put(key, { node, sealed: seal(pair.publicKey, rackId, `deploy-data/${key}`, { userData }) });
}

export type Install = { attempt: number; deployment?: Partial<Deployment> };

/** Boots the agent of one attempt and runs it up to the seed; `claim` claims it, its `finish` reports it. The machine asks from 127.0.0.1. */
export async function startInstall(rack: Rack, { attempt, deployment: changes = {} }: Install) {
  const told = { ...deployment, instanceId: `${node}-${attempt}`, ...changes };
  const steps = deploySteps.map((step) => step.id === 'seed' ? { ...step, parameters: { ...step.parameters, deployment: told } } : step);
  await rack.putPolicy(policy({ attempt, steps }));
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: policy-agent'));
  const agent = await waitFor(async () => { const booted = await boot(rack); return (await booted.checkIn()).body.attempt === attempt && booted; });
  await agent.run(attempt, ['write-image', 'grow']);
  const claim = async () => {
    const claimed = await waitFor(async () => { const answer = await agent.claim('seed', attempt); return answer.status === 200 && answer.body; });
    return { seed: claimed.parameters as unknown as SeedClaim, finish: () => agent.report('seed', attempt, claimed.claim) };
  };
  return { agent, claim };
}

/** The whole attempt: lifecycle has heard that the disk is written. */
export async function install(rack: Rack, what: Install): Promise<SeedClaim> {
  const { seed, finish } = await (await startInstall(rack, what)).claim();
  await finish();
  await rack.putPolicy(policy({ answer: 'local', operation: null }));
  await waitFor(async () => (await fetchScript(rack)).includes('# ironbus: policy-local'));
  return seed;
}

type Keys = { consumer_key: string; token_key: string; token_secret: string };
export type Datasource = { datasource: { MAAS: Keys & { metadata_url: string } }; reporting: Record<string, unknown>; network: unknown };

/** The file that the agent writes for the MAAS data source. */
export const datasourceOf = ({ config }: SeedClaim): Datasource =>
  Object.fromEntries(text(config).split('\n').filter((line) => /^\w+: \{/.test(line)).map((line) => [line.split(':')[0], JSON.parse(line.replace(/^\w+: /, '')) as unknown])) as Datasource;

export const oauthHeader = ({ consumer_key: consumer, token_key: token, token_secret: secret }: Keys, timestamp = ''): string =>
  `OAuth oauth_nonce="1", ${timestamp}oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="${consumer}", oauth_token="${token}", oauth_signature="%26${secret}"`;
