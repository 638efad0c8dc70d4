/**
 * Install configurations. Fetching one is the claim: from then on the machine’s disk may have changed, and after as many claims as
 * the policy allows the attempt has failed. HEAD claims nothing.
 *
 * `/install/<node>/<token>/<file>` is what boot scripts name. `/install/<file>` is for media and loaders that can carry no token: there
 * the binding of the address alone says which machine asks, and a boot is known by its id (where only the neighbour table knows the address, there is none).
 *
 * Anaconda names the cards of its machine in `X-RHN-Provisioning-MAC-<n>: <device> <MAC>` (boot option inst.ks.sendmac): evidence
 * that must agree with the binding, never more than it.
 */
import { createHash } from 'node:crypto';
import { IronbusError, parseMac, type Mac } from '@ironbus/contracts';
import { kinds } from '@ironbus/installers';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { installOf } from '../core/plan.ts';
import { bootWithoutToken } from '../core/tokens.ts';
import { askerOf, identify, type Asking } from './asker.ts';
import { answerFor } from './boot-routes.ts';
import type { Context } from './context.ts';
import { configPath, installingFor, renderInstall, type Installing } from './install.ts';
import { unmanaged } from './machine-routes.ts';
import { serveInitrd } from './joined-initrd.ts';
import { hashToken, newToken, type FoundToken } from './ledgers.ts';
import { refused } from './observe.ts';

type Params = { node?: string; token?: string; file: string };
/** `boot` stands for one boot in the ledger; `secret` proves the call home. */
type Asked = Installing & { token: FoundToken | undefined; file: string; boot: string; secret: string; configUrl: string; path: string };

export function addInstallRoutes(app: FastifyInstance, context: Context): void {
  for (const url of ['/install/:node/:token/:file', '/install/:file']) {
    app.route<{ Params: Params }>({ method: ['GET', 'HEAD'], url, handler: (request, reply) => serve(context, request, reply) });
  }
  app.route<{ Params: { id: string } }>({ method: ['GET', 'HEAD'], url: '/profiles/:id/initrd', handler: (request, reply) => serveInitrd(context, request, reply) });
}

async function serve(context: Context, request: FastifyRequest<{ Params: Params }>, reply: FastifyReply): Promise<string> {
  const asked = await identifyInstaller(context, request);
  const { profile, file, step } = asked;
  const kind = kinds[profile.kind];
  reply.header('cache-control', 'no-store');
  const beside = Object.hasOwn(kind.beside, file) ? kind.beside[file] : undefined;
  if (beside !== undefined) {
    reply.type('text/plain; charset=utf-8');
    return beside(step.deployment);
  }
  if (file !== kind.config) throw new IronbusError('FILE_UNKNOWN', `an installer of kind ${profile.kind} fetches ${kind.config}`);
  const text = await renderInstall(context, { ...asked, phoneHomeUrl: `${asked.asking.baseUrl}/phone-home/${asked.managed ? asked.policy.node : unmanaged}/${asked.secret}` });
  if (request.method === 'GET' && asked.managed) await claim(context, asked);
  reply.type(kind.type);
  return text;
}

/** Throws FILE_UNKNOWN for whoever is not expected here and now, NOT_READY where that may change by itself. */
async function identifyInstaller(context: Context, request: FastifyRequest<{ Params: Params }>): Promise<Asked> {
  const { params } = request;
  const asking = identify(context, request);
  const path = request.url.split('?')[0] ?? '';
  const token = params.token === undefined ? undefined : await context.ledgers.find(hashToken(params.token));
  const mac = params.token === undefined ? asking.binding?.mac : token?.mac;
  const refuse = (reason: string): IronbusError => {
    refused(context, { asking, mac: mac ?? asking.binding?.mac ?? null, path }, reason);
    return new IronbusError('FILE_UNKNOWN', 'there is nothing at this address');
  };
  if (params.token !== undefined && (token === undefined || token.node !== params.node)) throw refuse('install-token-wrong');
  if (mac === undefined || askerOf(mac, asking.binding, context.views.policyOf) !== 'bound') {
    refused(context, { asking, mac: mac ?? null, path }, `asker-${asking.binding === undefined ? 'unbound' : 'foreign'}`);
    throw new IronbusError('NOT_READY', 'the rack does not know this address as this machine’s: ask again');
  }
  if (!cardsAgree(context, request, mac)) throw refuse('provisioning-mac-foreign');
  const answer = await answerFor(context, mac, asking, token?.choice);
  if (answer.answer === 'retry') throw new IronbusError('NOT_READY', `the rack can not answer now (${answer.rule}): ask again`);
  if (answer.answer !== 'install' || (token !== undefined && token.attempt !== answer.attempt)) throw refuse('install-out-of-turn');
  const found = installingFor(context, answer, { mac, asking, choice: token?.choice });
  if (found === undefined) throw new IronbusError('NOT_READY', 'the profile has not arrived at the rack yet: ask again');
  return { ...found, token, file: params.file, path, ...bootOf(params.token, { mac, asking, node: found.policy.node, file: params.file }) };
}

/** The token stands for its boot, and a call home derived from it stays the same however often the file is fetched. */
function bootOf(token: string | undefined, { mac, asking, node, file }: { mac: Mac; asking: Asking; node: string; file: string }): Pick<Asked, 'boot' | 'secret' | 'configUrl'> {
  if (token === undefined) return { boot: hashToken(bootWithoutToken(mac, asking.binding?.bootId ?? null, newToken())), secret: newToken(), configUrl: `${asking.baseUrl}/install/${file}` };
  const secret = createHash('sha256').update(`phone-home/${token}`).digest('base64url');
  return { boot: hashToken(token), secret, configUrl: `${asking.baseUrl}${configPath(node, token, file)}` };
}

/** One of the cards that Anaconda names is one of this machine’s, or it names none. */
function cardsAgree({ views }: Context, { headers }: FastifyRequest, mac: Mac): boolean {
  const named = Object.entries(headers).filter(([name]) => /^x-rhn-provisioning-mac-\d+$/.test(name)).map(([, value]) => parseMac(`${value}`.trim().split(/\s+/).at(-1) ?? ''));
  const node = views.policyOf(mac)?.node;
  return named.length === 0 || named.some((card) => card !== undefined && (card === mac || (node !== undefined && views.policyOf(card)?.node === node)));
}

/** Throws FILE_UNKNOWN where the ledger refuses: the attempt is over, or its claims are used up. */
async function claim(context: Context, { policy, mac, asking, token, boot, secret, path }: Asked): Promise<void> {
  const install = installOf(context.views.policyOf(mac));
  const step = install?.run.steps[0];
  if (install === undefined || step === undefined) throw new IronbusError('INTERNAL', 'an installation without its step');
  const speaker = {
    node: policy.node, known: true, mac, rack: context.config.rackId, network: asking.network?.id ?? null, address: asking.address, ledgerKey: policy.node, bootId: asking.binding?.bootId ?? null,
  };
  const move = await context.ledgers.apply({ do: 'install', token: boot, mac, run: install.run, step: step.id, phoneHome: hashToken(secret) }, speaker);
  context.log.info({ mac, node: policy.node, attempt: install.run.attempt, claim: move.ok ? move.claim : undefined, reason: move.ok ? undefined : move.refused },
    move.ok ? 'install configuration fetched' : 'install configuration refused');
  if (move.ok) {
    // In use: scripts fetched from now on do not push it out, and older boots of this machine have ended.
    if (token !== undefined) await context.ledgers.use(token, { ledger: token.ledger, node: token.node, attempt: token.attempt, bootId: token.bootId });
    return;
  }
  refused(context, { asking, mac, path }, move.refused);
  throw new IronbusError('FILE_UNKNOWN', `nothing is installed here any more (${move.refused})`);
}
