/** Who signs a request with the credentials of a deployment attempt (OAuth 1.0 PLAINTEXT). */
import { IronbusError, type NodeId } from '@ironbus/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Grant } from '../core/grant.ts';
import type { Ledger } from '../core/ledger.ts';
import { areThese, nodeOf, parseOauth } from '../core/oauth.ts';
import { identify } from './asker.ts';
import type { Context } from './context.ts';
import type { About } from './granted.ts';
import { refused } from './observe.ts';

export type Signed = { node: NodeId; ledger: Ledger & { grant: Grant }; about: About };

/**
 * Throws AUTH_REQUIRED; it is published. Node puts `Date` on every answer, which cloud-init has to find on this one: it sets its clock's
 * skew by it and tries again.
 */
export async function requireSigned(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<Signed> {
  const asking = identify(context, request);
  const path = request.url.split('?')[0] ?? '';
  const given = parseOauth(request.headers.authorization);
  const node = given && nodeOf(given);
  const ledger = node === undefined ? undefined : await context.ledgers.read(node);
  if (given !== undefined && node !== undefined && ledger?.grant !== undefined && areThese(given, ledger.grant.credentials)) {
    return { node, ledger: ledger as Signed['ledger'], about: { asking, mac: ledger.mac, path } };
  }
  refused(context, { asking, mac: asking.binding?.mac ?? null, path }, given === undefined ? 'oauth-missing' : 'oauth-wrong');
  reply.header('www-authenticate', 'OAuth realm="ironbus"');
  throw new IronbusError('AUTH_REQUIRED', 'the request is not signed with the credentials of this deployment');
}
