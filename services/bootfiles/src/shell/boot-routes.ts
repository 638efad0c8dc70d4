/** GET and HEAD of boot scripts: facts in, the table decides, text out. */
import { IronbusError, macToken, parseMac, type Mac } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { decideAnswer, needsLedger, type Answer, type Facts } from '../core/answer.ts';
import { renderGrub } from '../core/grub.ts';
import { renderIpxe, type BootAnswer } from '../core/ipxe.ts';
import { commandLine, splitArguments } from '../core/kernel.ts';
import { askerOf, identify, type Asking } from './asker.ts';
import type { Context } from './context.ts';
import { refused, scriptServed } from './observe.ts';

type Render = (boot: BootAnswer, place: { mac: Mac; asking: Asking; query: unknown }) => string;
/** As long as a real one, so that HEAD and GET agree; it opens nothing. */
const placeholderToken = 'A'.repeat(43);

export function addBootRoutes(app: FastifyInstance, context: Context): void {
  const route = (path: string, render: Render): void => {
    app.route({ method: ['GET', 'HEAD'], url: `/boot/:mac/${path}`, handler: (request, reply) => serve(context, render, request, reply) });
  };
  route('script.ipxe', (boot, { mac, asking }) => renderIpxe(boot, { baseUrl: asking.baseUrl, mac }));
  route('grub.cfg', (boot, { mac, asking, query }) => renderGrub(boot, { device: grubDevice(asking, query), mac }));
}

/** `?via=tftp`: for signed GRUBs without the http module. */
function grubDevice(asking: Asking, query: unknown): string {
  const { host, hostname } = new URL(asking.baseUrl);
  return (query as { via?: unknown }).via === 'tftp' ? `(tftp,${asking.network?.serverAddress ?? hostname})` : `(http,${host})`;
}

async function serve(context: Context, render: Render, request: FastifyRequest, reply: FastifyReply): Promise<string> {
  const mac = parseMac((request.params as { mac: string }).mac);
  if (mac === undefined) throw new IronbusError('FILE_UNKNOWN', 'a boot path holds a MAC such as 52-54-00-77-00-01');
  const asking = identify(context, request);
  const path = request.url.split('?')[0] ?? '';
  const answer = await answerFor(context, mac, asking);
  const boot = await bootAnswer(context, request.method, answer, { mac, asking });
  if (answer.refused !== undefined) refused(context, { asking, mac, path }, answer.refused);
  if (request.method === 'GET') scriptServed(context, { asking, mac, path }, { ...answer, rule: boot.rule, answer: boot.answer });
  reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store');
  return render(boot, { mac, asking, query: request.query });
}

/** The table’s answer to one MAC. The ledger is read only where it has a say, so that deployed machines boot without Redis. */
export async function answerFor(context: Context, mac: Mac, asking: Asking): Promise<Answer> {
  const { views, ledgers } = context;
  const policy = views.policyOf(mac);
  const facts: Omit<Facts, 'ledger'> = {
    mac, asker: askerOf(mac, asking.binding, views.policyOf), heard: views.heard(), away: views.away(), policy, network: asking.network,
  };
  const first = decideAnswer({ ...facts, ledger: undefined });
  if (!needsLedger(policy) || first.answer === 'retry') return first;
  try {
    return decideAnswer({ ...facts, ledger: await ledgers.read(policy.node) });
  } catch (error) {
    return whileStoreIsAway(context, error, first);
  }
}

/** Without the ledger nobody knows what was done: ask again later. */
function whileStoreIsAway(context: Context, error: unknown, answer: Answer): Answer {
  if (!(error instanceof IronbusError) || error.retry !== 'backoff') throw error;
  context.log.warn({ node: answer.node, reason: error.message }, 'ledger not readable, machine has to ask again');
  return { ...answer, rule: 'ledger-away', answer: 'retry' };
}

async function bootAnswer(context: Context, method: string, answer: Answer, place: { mac: Mac; asking: Asking }): Promise<BootAnswer> {
  if (answer.answer !== 'agent' && answer.answer !== 'hold') return { answer: answer.answer, rule: answer.rule };
  try {
    const token = method === 'HEAD' ? placeholderToken : await mint(context, answer, place);
    return { answer: answer.answer, rule: answer.rule, architecture: 'amd64', commandLine: commandLineFor(context, token, place) };
  } catch (error) {
    return { answer: 'retry', rule: whileStoreIsAway(context, error, answer).rule };
  }
}

const mint = ({ ledgers }: Context, answer: Answer, { mac, asking }: { mac: Mac; asking: Asking }): Promise<string> => ledgers.mint(mac, {
  ledger: answer.attempt === 0 ? `mac-${macToken(mac)}` : answer.node, node: answer.node, attempt: answer.attempt, bootId: asking.binding?.bootId ?? null,
});

function commandLineFor({ config, log, views }: Context, token: string, { mac, asking }: { mac: Mac; asking: Asking }): string[] {
  const quick = splitArguments(config.kernelArguments);
  const extra = splitArguments(views.policyOf(mac)?.kernelArguments ?? '');
  const left = [...quick.refused, ...extra.refused];
  if (left.length > 0) log.warn({ mac, arguments: left }, 'kernel arguments left out: not plain words, or ours to say');
  return commandLine({ baseUrl: asking.baseUrl, token, mac, quick: quick.words, extra: extra.words });
}
