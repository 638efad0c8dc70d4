/** Who an agent is, by its token, and in whose name its events go out. */
import { IronbusError, type Mac, type NodeId } from '@ironbus/contracts';
import type { FastifyRequest } from 'fastify';
import type { Refusal } from '../core/ledger.ts';
import type { Speaker } from '../core/events.ts';
import { askerOf, identify, type Asking } from './asker.ts';
import type { Context } from './context.ts';
import { hashToken, type FoundToken } from './ledgers.ts';
import { refused } from './observe.ts';

export type Session = { token: FoundToken; asking: Asking; path: string };

/** Throws AGENT_TOKEN where the bearer token is absent, unknown or spent. */
export async function openSession(context: Context, request: FastifyRequest): Promise<Session> {
  const asking = identify(context, request);
  const path = request.url.split('?')[0] ?? '';
  const bearer = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(request.headers.authorization ?? '')?.[1];
  const token = bearer === undefined ? undefined : await context.ledgers.find(hashToken(bearer));
  if (token !== undefined) return { token, asking, path };
  refused(context, { asking, mac: asking.binding?.mac ?? null, path }, 'token-unknown');
  throw unknownToken();
}

export const unknownToken = (): IronbusError => new IronbusError('AGENT_TOKEN', 'the boot token is unknown or spent');

/**
 * Plans and secrets go only to the machine that the binding of its address says it is. Throws NOT_READY otherwise: a
 * binding that is late heals the retry, and a stolen token gets nothing however often it is tried.
 */
export function requireBound(context: Context, { token, asking, path }: Session): void {
  const asker = askerOf(token.mac, asking.binding, context.views.policyOf);
  if (asker === 'bound') return;
  refused(context, { asking, mac: token.mac, path }, `asker-${asker}`);
  throw new IronbusError('NOT_READY', 'the rack does not know this address as this machine’s: ask again');
}

/** Events of an enlisting machine carry `mac-…` until lifecycle named it and the agent checked in again. */
export function speakerOf(context: Context, { token, asking }: Session, ledgerKey = token.ledger): Speaker {
  return {
    node: token.node, known: !token.node.startsWith('mac-'), mac: token.mac, rack: context.config.rackId, network: asking.network?.id ?? null,
    bootId: asking.binding?.bootId ?? token.bootId, address: asking.address, ledgerKey,
  };
}

export const supersededError = (reason: Refusal | 'policy-changed'): IronbusError =>
  new IronbusError('AGENT_SUPERSEDED', `the attempt is over or another one began (${reason}): check in again`);

/** Whether the policy still wants what this token's agent was told to do. */
export function stillWanted(context: Context, token: { mac: Mac; node: NodeId; attempt: number }): boolean {
  const policy = context.views.policyOf(token.mac);
  if (token.attempt === 0) return policy === undefined || policy.answer !== 'agent';
  return policy?.answer === 'agent' && policy.node === token.node && policy.operation?.attempt === token.attempt;
}
