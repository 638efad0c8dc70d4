/** What a claim hands out, made before the ledger is asked: if it refuses, nothing of this leaves the rack. */
import { IronbusError, type BootPolicy, type Deployment, type StepKind } from '@ironbus/contracts';
import { inNetwork } from '../core/address.ts';
import type { Grant } from '../core/grant.ts';
import { hashCredentials } from '../core/oauth.ts';
import { claimParameters, deploymentOf } from '../core/plan.ts';
import type { SeedFrom } from '../core/seed.ts';
import type { Session } from './agent-session.ts';
import type { Context } from './context.ts';
import { readUserData } from './deploy-data.ts';
import { hashToken, newCredentials, newToken } from './ledgers.ts';

export type Prepared = { kind: StepKind; parameters: Record<string, unknown>; phoneHomeHash: string | undefined; grant?: Grant | undefined };

/** Throws AGENT_SUPERSEDED for a step that is not planned, INTERNAL for one that lifecycle planned wrongly. */
export async function prepareClaim(context: Context, session: Session, stepId: string): Promise<Prepared> {
  const { token, asking } = session;
  if (token.attempt === 0) return { kind: 'inventory', parameters: {}, phoneHomeHash: undefined };
  const policy = context.views.policyOf(token.mac);
  const step = policy?.operation?.steps.find((candidate) => candidate.id === stepId);
  if (policy === undefined || step === undefined) throw new IronbusError('AGENT_SUPERSEDED', `no step ${stepId} is planned: check in again`);
  const kind = step.kind as StepKind;
  const secret = kind === 'seed' ? newToken() : undefined;
  const seed = await seedFrom(context, session, { policy, secret });
  const rack = secret === undefined ? undefined : { baseUrl: asking.baseUrl, node: policy.node, credentials: newCredentials(policy.node) };
  const claimed = claimParameters(step, { baseUrl: asking.baseUrl, assets: context.assets, seed, rack });
  const deployment = deploymentOf(policy);
  const grant = rack === undefined || deployment === undefined ? undefined : {
    credentials: hashCredentials(rack.credentials), deployment, network: asking.network?.id ?? null, address: seed.address ?? null, claimedFrom: asking.address,
  };
  if (claimed.ok) return { kind, parameters: claimed.parameters, phoneHomeHash: secret === undefined ? undefined : hashToken(secret), grant };
  context.log.error({ node: token.node, step: stepId, reason: claimed.why }, 'planned step is malformed');
  throw new IronbusError('INTERNAL', `step ${stepId} is not planned as its kind needs`, { detail: claimed.why });
}

type Needs = { policy: BootPolicy; secret: string | undefined };

/** What seed files are rendered from; user-data is opened only where a secret is to go out, too. */
export async function seedFrom(context: Context, { token, asking }: Session, { policy, secret }: Needs): Promise<Omit<SeedFrom, 'deployment'>> {
  const deployment = deploymentOf(policy);
  return {
    node: policy.node, mac: token.mac, network: asking.network, address: addressFor(policy, deployment, asking),
    userData: secret === undefined || deployment === undefined ? null : await readUserData(context, policy, deployment),
    phoneHomeUrl: secret === undefined ? undefined : `${asking.baseUrl}/phone-home/${policy.node}/${secret}`,
  };
}

/** The reserved address where it is one of this network, else the one the machine has now. */
function addressFor(policy: BootPolicy, deployment: Deployment | undefined, { network, address }: Session['asking']): SeedFrom['address'] {
  if (deployment?.addressing !== 'static' || network === undefined) return undefined;
  const { reservedAddress } = policy;
  return reservedAddress !== null && inNetwork(network, reservedAddress) ? reservedAddress : address;
}
