/** What a deployed system says: that it is up. */
import { IronbusError, parseNodeId } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Speaker } from '../core/events.ts';
import { parsePhoneHome } from '../core/phone-home.ts';
import { identify } from './asker.ts';
import type { Context } from './context.ts';
import { hashToken } from './ledgers.ts';
import { refused } from './observe.ts';

const formBytes = 64 * 1024;
type Named = { node: string; token: string };
/** Who calls from an installation that nobody manages: heard, and told nobody. */
export const unmanaged = 'unmanaged';

export function addMachineRoutes(app: FastifyInstance, context: Context): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  // GET: what installers have is often a wget that can not post. The token in the path is what proves it, by either method.
  app.route<{ Params: Named; Body: unknown }>({ method: ['GET', 'POST'], url: '/phone-home/:node/:token', bodyLimit: formBytes, handler: (request, reply) => phoneHome(context, request, reply) });
}

/** The token alone proves it: a deployed machine may have an address that dhcp never saw. A repeat is answered 200 and told nobody. */
async function phoneHome(context: Context, request: FastifyRequest<{ Params: Named; Body: unknown }>, reply: FastifyReply): Promise<string> {
  reply.type('text/plain; charset=utf-8');
  if (request.params.node === unmanaged) return 'ok\n';
  const asking = identify(context, request);
  const node = parseNodeId(request.params.node);
  const ledger = node === undefined ? undefined : await context.ledgers.read(node);
  const about = { asking, mac: ledger?.mac ?? asking.binding?.mac ?? null, path: request.url };
  if (node === undefined || ledger === undefined) throw wrongToken(context, about);
  const speaker: Speaker = {
    node, known: true, mac: ledger.mac, rack: context.config.rackId, network: asking.network?.id ?? null, address: asking.address, ledgerKey: node,
    bootId: asking.binding?.mac === ledger.mac ? asking.binding.bootId : null,
  };
  const said = parsePhoneHome(typeof request.body === 'string' ? request.body : '');
  const move = await context.ledgers.apply({ do: 'phone-home', hash: hashToken(request.params.token) }, speaker, { phoneHome: said });
  if (!move.ok) throw wrongToken(context, about);
  context.log.info({ node, mac: ledger.mac, attempt: ledger.attempt, repeated: move.facts.length === 0 }, 'machine phoned home');
  return 'ok\n';
}

function wrongToken(context: Context, about: Parameters<typeof refused>[1]): IronbusError {
  refused(context, about, 'phone-home-token-wrong');
  return new IronbusError('FILE_UNKNOWN', 'there is nothing at this address');
}
