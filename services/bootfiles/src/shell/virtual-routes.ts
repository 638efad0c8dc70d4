/**
 * What machines ask the rack's TFTP service for and no disk holds: GRUB and PXELINUX configurations, and what a Raspberry Pi reads.
 * `GET /virtual/<path>` is for that service alone, which says in `Forwarded: for=<address>` (RFC 7239) who asked; from anybody else
 * that would be a way to speak for another machine. The decision is that of every boot script; only the text differs.
 *
 * A GRUB that firmware fetched by HTTP (UEFI HTTP boot) asks bootfiles itself, for `/grub/…`: then the socket says who it is.
 *
 * 200 with text · 204 with `x-ironbus-asset: <path>`, a file of the boot assets · 404 nothing for this machine · 503 ask again.
 */
import { IronbusError, type Mac } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { canonicalAddress } from '../core/address.ts';
import type { Answer } from '../core/answer.ts';
import { parseForwarded } from '../core/forwarded.ts';
import { renderGrub } from '../core/grub.ts';
import type { BootAnswer } from '../core/ipxe.ts';
import { answerPi, needsToken, piArchitecture } from '../core/pi.ts';
import { renderPxelinux } from '../core/pxelinux.ts';
import { isAddressHex, parseVirtual, type VirtualFile } from '../core/virtual.ts';
import { identify, peerOf, type Asking } from './asker.ts';
import { answerFor, bootAnswer } from './boot-routes.ts';
import type { Context } from './context.ts';
import { refused, scriptServed } from './observe.ts';

type Asked = { asking: Asking; mac: Mac | null; path: string; file: VirtualFile; onlyHead?: boolean };

export function addVirtualRoutes(app: FastifyInstance, context: Context): void {
  const trusted = new Set<string>(context.config.trustedProxies.map(canonicalAddress));
  app.get<{ Params: { '*': string } }>('/virtual/*', async (request, reply) => {
    if (!trusted.has(peerOf(request))) throw notTrusted(context, request);
    const asker = parseForwarded(request.headers.forwarded);
    if (asker === undefined) throw new IronbusError('REQUEST_INVALID', 'a virtual file is asked with "Forwarded: for=<address>", one address');
    const file = parseVirtual(request.params['*']);
    if (file === undefined) throw new IronbusError('FILE_UNKNOWN', 'nothing is rendered for this path');
    return answer(context, askedBy(context, request, { asker, file }), reply);
  });
  app.route<{ Params: { '*': string } }>({ method: ['GET', 'HEAD'], url: '/grub/*', handler: async (request, reply) => {
    const file = parseVirtual(`grub/${request.params['*']}`);
    if (file?.flavour !== 'grub') throw new IronbusError('FILE_UNKNOWN', 'nothing is rendered for this path');
    return answer(context, { ...askedBy(context, request, { asker: peerOf(request), file }), onlyHead: request.method === 'HEAD' }, reply);
  } });
}

function notTrusted(context: Context, request: FastifyRequest): IronbusError {
  const asking = identify(context, request);
  refused(context, { asking, mac: asking.binding?.mac ?? null, path: request.url.split('?')[0] ?? '' }, 'not-a-trusted-proxy');
  return new IronbusError('AUTH_FORBIDDEN', 'virtual files are for the rack’s own TFTP service: BOOTFILES_TRUSTED_PROXIES names the addresses it asks from');
}

/** The MAC of the path where it names one: it has to agree with the binding, which the table sees to. */
function askedBy(context: Context, request: FastifyRequest, { asker, file }: { asker: Asking['address']; file: VirtualFile }): Asked {
  const known = identify(context, request, { for: asker });
  const { mac, addressHex } = file.hint;
  const contradicted = addressHex !== undefined && !isAddressHex(addressHex, asker);
  return { asking: { ...known, contradicted }, mac: mac ?? known.binding?.mac ?? null, path: request.url.split('?')[0] ?? '', file };
}

async function answer(context: Context, asked: Asked, reply: FastifyReply): Promise<FastifyReply> {
  const decided = await decide(context, asked);
  if (decided.refused !== undefined) refused(context, asked, decided.refused);
  reply.header('cache-control', 'no-store').type('text/plain; charset=utf-8');
  return asked.file.flavour === 'pi' ? answerToPi(context, decided, { ...asked, file: asked.file }, reply) : answerToLoader(context, decided, asked, reply);
}

/** Without a binding nobody knows who asks. Without a network nobody knows how the machine reaches its rack, which only the agent needs. */
async function decide(context: Context, { asking, mac, file }: Asked): Promise<Pick<Answer, 'rule' | 'answer' | 'refused'> & { full?: Answer }> {
  if (mac === null) return context.views.heard() ? { rule: 'asker-unbound', answer: 'retry', refused: 'asker-unbound' } : { rule: 'region-not-heard', answer: 'retry' };
  const full = await answerFor(context, mac, asking, file.hint.choice);
  if ((full.answer === 'agent' || full.answer === 'hold') && asking.network === undefined) {
    context.log.warn({ mac, address: asking.address, network: asking.binding?.network }, 'no network says how this machine reaches its rack, it has to ask again');
    return { rule: 'network-unknown', answer: 'retry' };
  }
  return { ...full, full };
}

type Decided = Awaited<ReturnType<typeof decide>>;

const bootOf = async (context: Context, { rule, answer, full }: Decided, { asking, mac, file }: Asked, how: { mints: boolean; architecture?: 'arm64' }): Promise<BootAnswer> =>
  full === undefined || mac === null ? { rule, answer: answer as 'retry' } : bootAnswer(context, full, { mac, asking, choice: file.hint.choice, ...how });

async function answerToLoader(context: Context, decided: Decided, asked: Asked, reply: FastifyReply): Promise<FastifyReply> {
  const { flavour } = asked.file;
  const boot = await bootOf(context, decided, asked, { mints: asked.onlyHead !== true });
  if (asked.onlyHead !== true) scriptServed(context, asked, { rule: boot.rule, answer: boot.answer, flavour });
  return reply.send(flavour === 'grub'
    ? renderGrub(boot, { sources: [`(http,${new URL(asked.asking.baseUrl).host})`, ''], again: '/grub/grub.cfg' })
    : renderPxelinux(boot, { prefix: '', again: 'pxelinux.cfg/default' }));
}

/** A Pi asks for many files; its decision is told with the command line, or with the first file it is refused. */
async function answerToPi(context: Context, decided: Decided, asked: Asked & { file: { file: string } }, reply: FastifyReply): Promise<FastifyReply> {
  const { file } = asked.file;
  const boot = await bootOf(context, decided, asked, { mints: needsToken(file), architecture: piArchitecture });
  const told = hasPiKernel(context, boot, asked) ? answerPi(boot, file) : { is: 'wait' } as const;
  if (needsToken(file) || (told.is === 'absent' && /^(start4?\.elf|config\.txt|bootcode\.bin)$/.test(file))) {
    scriptServed(context, asked, { rule: boot.rule, answer: boot.answer, flavour: 'pi' });
  }
  switch (told.is) {
    case 'text': return reply.send(told.text);
    case 'asset': return reply.code(204).header('x-ironbus-asset', told.path).send();
    case 'wait': throw new IronbusError('NOT_READY', `nothing for this machine yet (${boot.rule}): ask again`);
    case 'absent': throw new IronbusError('FILE_UNKNOWN', 'this machine boots its own disk');
  }
}

/** Better no firmware at all than one that then finds no kernel. */
function hasPiKernel({ assets, log }: Context, boot: BootAnswer, { mac }: Asked): boolean {
  const path = `agent/${piArchitecture}/vmlinuz`;
  if (!('commandLine' in boot) || assets.has(path)) return true;
  log.warn({ mac, missing: path }, 'a Raspberry Pi asks for the agent, and its image was not built');
  return false;
}
