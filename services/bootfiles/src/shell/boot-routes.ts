/** GET and HEAD of boot scripts: facts in, the table decides, text out. */
import { IronbusError, macToken, parseMac, provisionalNodeId, type Mac } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { decideAnswer, mayRepeat, needsLedger, type Answer, type Facts } from '../core/answer.ts';
import { renderGrub } from '../core/grub.ts';
import { renderIpxe, type BootAnswer } from '../core/ipxe.ts';
import { cut, layeredArguments, layersFor, splitArguments } from '@ironbus/installers';
import { commandLine, macInPath, memoryTestOptions } from '../core/kernel.ts';
import { memoryTest, menuFor } from '../core/menu.ts';
import { renderPxelinux } from '../core/pxelinux.ts';
import { askerOf, identify, type Asking } from './asker.ts';
import { bootInstaller } from './install.ts';
import type { Context } from './context.ts';
import { refused, scriptServed, type ScriptFlavour } from './observe.ts';
import { record } from './recording.ts';

/** `url` is the script's own, without a query. */
type Render = (boot: BootAnswer, place: { mac: Mac; asking: Asking; url: string; query: unknown }) => string;
type Script = { flavour: ScriptFlavour; render: Render };
/** As long as a real one, so that HEAD and GET agree; it opens nothing. */
const placeholderToken = 'A'.repeat(43);
const type = 'text/plain; charset=utf-8';

export function addBootRoutes(app: FastifyInstance, context: Context): void {
  const route = (name: string, script: Script): void => {
    for (const url of [`/boot/:mac/${name}`, `/boot/:mac/choice/:choice/${name}`]) {
      app.route({ method: ['GET', 'HEAD'], url, handler: (request, reply) => serve(context, { ...script, name }, request, reply) });
    }
  };
  route('script.ipxe', { flavour: 'ipxe', render: (boot, { mac, asking }) => renderIpxe(boot, { baseUrl: asking.baseUrl, mac }) });
  route('grub.cfg', { flavour: 'grub', render: (boot, place) => renderGrub(boot, grubPlace(place)) });
  route('pxelinux.cfg', { flavour: 'pxelinux', render: (boot, { asking, url }) => renderPxelinux(boot, { prefix: asking.baseUrl, again: url }) });
}

/** `?via=tftp`: for GRUBs without the http module that got here otherwise, as by a config of somebody else. */
function grubPlace({ mac, asking, query }: Parameters<Render>[1]): { sources: string[]; again: string } {
  const { host, hostname } = new URL(asking.baseUrl);
  const tftp = (query as { via?: unknown }).via === 'tftp';
  const device = tftp ? `(tftp,${asking.network?.serverAddress ?? hostname})` : `(http,${host})`;
  return { sources: [device], again: tftp ? `${device}/grub/grub.cfg` : `${device}/boot/${macInPath(mac)}/grub.cfg` };
}

async function serve(given: Context, script: Script & { name: string }, request: FastifyRequest, reply: FastifyReply): Promise<string> {
  const { context, holds } = record(given);
  const { mac: spelled, choice } = request.params as { mac: string; choice?: string };
  const mac = parseMac(spelled);
  if (mac === undefined) throw new IronbusError('FILE_UNKNOWN', 'a boot path holds a MAC such as 52-54-00-77-00-01');
  const asking = identify(context, request);
  const path = request.url.split('?')[0] ?? '';
  const answer = await answerFor(context, mac, asking, choice);
  const boot = await bootAnswer(context, answer, { mac, asking, choice, mints: request.method !== 'HEAD' });
  if (answer.refused !== undefined) refused(context, { asking, mac, path }, answer.refused);
  const text = script.render(boot, { mac, asking, url: `${asking.baseUrl}/boot/${macInPath(mac)}/${script.name}`, query: request.query });
  if (request.method === 'GET') {
    const tell = (times?: number): void => scriptServed(given, { asking, mac, path }, { rule: boot.rule, answer: boot.answer, flavour: script.flavour, times });
    tell();
    if (request.url === path && mayRepeat({ ...answer, answer: boot.answer }, asking)) given.again.keep(request.raw, { text, type, holds, tell });
  }
  reply.type(type).header('cache-control', 'no-store');
  return text;
}

/** The table’s answer to one MAC; `choice` is what a person took of the menu. Deployed machines boot without Redis. */
export async function answerFor(context: Context, mac: Mac, asking: Asking, choice?: string): Promise<Answer> {
  const { views, ledgers } = context;
  const policy = views.policyOf(mac);
  const facts: Omit<Facts, 'ledger'> = {
    mac, asker: asking.contradicted ? 'foreign' : askerOf(mac, asking.binding, views.policyOf), heard: views.heard(), away: views.away(), policy, network: asking.network, choice,
  };
  const first = decideAnswer({ ...facts, ledger: undefined });
  const need = needsLedger(policy);
  if (policy === undefined || need === 'no' || first.answer === 'retry') return first;
  try {
    return decideAnswer({ ...facts, ledger: await ledgers.read(policy.node) });
  } catch (error) {
    return need === 'may' && isAway(error) ? first : whileStoreIsAway(context, error, first);
  }
}

const isAway = (error: unknown): error is IronbusError => error instanceof IronbusError && error.retry === 'backoff';

/** Without the ledger nobody knows what was done: ask again later. */
function whileStoreIsAway(context: Context, error: unknown, answer: Answer): Answer {
  if (!isAway(error)) throw error;
  context.log.warn({ node: answer.node, reason: error.message }, 'ledger not readable, machine has to ask again');
  return { ...answer, rule: 'ledger-away', answer: 'retry' };
}

/** `mints` false leaves a placeholder where the token would be; `architecture` is that of the agent to boot, amd64 unless told. */
export type BootPlace = { mac: Mac; asking: Asking; choice?: string | undefined; mints: boolean; architecture?: 'amd64' | 'arm64' };

/** What the loader is told; an answer that starts the agent names the token of its boot. */
export async function bootAnswer(context: Context, answer: Answer, place: BootPlace): Promise<BootAnswer> {
  if (answer.answer === 'menu') return bootMenu(context, answer, place.asking);
  if (answer.answer === 'memory-test') return { answer: 'memory-test', rule: answer.rule, options: memoryTestOptions(Object.values(wordsFor(context, place)).flat()) };
  if (answer.answer !== 'agent' && answer.answer !== 'hold' && answer.answer !== 'install') return { answer: answer.answer, rule: answer.rule };
  try {
    const token = place.mints ? await tokenFor(context, answer, place) : placeholderToken;
    if (answer.answer === 'install') return bootInstaller(context, answer, { ...place, token });
    return { answer: answer.answer, rule: answer.rule, architecture: place.architecture ?? 'amd64', commandLine: commandLineFor(context, token, place) };
  } catch (error) {
    return { answer: 'retry', rule: whileStoreIsAway(context, error, answer).rule };
  }
}

function bootMenu({ views, assets }: Context, { rule }: Answer, { network, baseUrl }: Asking): BootAnswer {
  const fileUrl = (id: string): string | undefined => {
    const image = views.images.get(id);
    return image === undefined ? undefined : `${baseUrl}/images/${image.sha256}`;
  };
  const hasMemoryTest = Object.values(memoryTest).every((file) => assets.has(`loaders/${file}`));
  return { answer: 'menu', rule, menu: menuFor(network ?? {}, { fileUrl, hasProfile: (id) => views.profiles.get(id) !== undefined, hasMemoryTest }) };
}

const tokenFor = ({ ledgers }: Context, answer: Answer, { mac, asking, choice }: BootPlace): Promise<string> => ledgers.tokenFor(mac, {
  ledger: answer.attempt === 0 ? `mac-${macToken(mac)}` : answer.node, node: answer.node, attempt: answer.attempt, bootId: asking.binding?.bootId ?? null,
  ...(choice !== undefined && { choice }),
});

const commandLineFor = (context: Context, token: string, place: BootPlace): string[] =>
  commandLine({ baseUrl: place.asking.baseUrl, token, mac: place.mac, ...wordsFor(context, place) });

/** Kernel arguments besides those that every agent gets. */
function wordsFor({ config, log, views }: Context, { mac }: BootPlace): { quick: readonly string[]; extra: readonly string[] } {
  const quick = splitArguments(config.kernelArguments);
  const policy = views.policyOf(mac);
  const extra = splitArguments(policy?.kernelArguments ?? '');
  const id = policy?.node ?? provisionalNodeId(mac);
  const layered = layeredArguments({ id }, layersFor({ id, tags: policy?.tags ?? [] }, (layer) => views.layers.get(layer)));
  const left = [...quick.refused, ...extra.refused, ...layered.refused.map(({ word }) => word)];
  if (left.length > 0) log.warn({ mac, arguments: left }, 'kernel arguments left out: not plain words, or ours to say');
  return { quick: quick.words, extra: [...extra.words, ...layered.sources.flatMap(({ words }) => cut(words).before)] };
}
