/** Installer profiles and the layers their templates see: checked when written, previewed for a machine, never rendered into a file. */
import { bootPoliciesBucket, IronbusError, Layer, LayerId, macToken, parseIpv4, Profile, type Network } from '@ironbus/contracts';
import { checkProfile, formatProblem, imageFile, imagesOf, splitArguments, whyRefused, type ImageUrls, type ProfileProblem } from '@ironbus/installers';
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { completeProfile, composeFor, LayerInput, networkFor, previewOf, ProfileInput, type For as Target, type Preview, type Region } from '../../core/profiles.ts';
import type { Context } from '../context.ts';
import { findNode } from '../requests.ts';

const Named = Type.Object({ id: Type.String({ minLength: 1, maxLength: 63 }) });
type Named = Static<typeof Named>;
const For = Type.Object({ machine: Type.String({ minLength: 1, maxLength: 63 }) }, { additionalProperties: false });
const tags = ['profiles'];

export function profileRoutes(app: FastifyInstance, context: Context): void {
  app.get('/profiles', { schema: { tags, summary: 'All installer profiles', response: { 200: Type.Array(Profile) } } }, () => context.records.profiles.list());
  app.get<{ Params: Named }>('/profiles/:id', { schema: { params: Named, tags, summary: 'One profile' } }, async (request) => (await foundProfile(context, request.params.id)).value);
  const add = { body: ProfileInput, tags, summary: 'Add a profile; its template is rendered for an example machine and checked first' };
  app.post<{ Body: ProfileInput }>('/profiles', { schema: add }, async (request, reply) =>
    reply.code(201).send(await saveProfile(context, request.body, 0)));
  const change = { params: Named, body: ProfileInput, tags, summary: 'Change a profile as a whole; machines that have not fetched it yet get the new one' };
  app.put<{ Params: Named; Body: ProfileInput }>('/profiles/:id', { schema: change }, async (request) => {
    if (request.body.id !== request.params.id) throw new IronbusError('REQUEST_INVALID', `the body is profile ${request.body.id}, the path says ${request.params.id}: a profile keeps its id`);
    return saveProfile(context, request.body, (await foundProfile(context, request.params.id)).version);
  });
  app.delete<{ Params: Named }>('/profiles/:id', { schema: { params: Named, tags, summary: 'Remove a profile that no machine is being installed by' } }, async (request, reply) => {
    const { value, version } = await foundProfile(context, request.params.id);
    const users = (await context.nodes.list()).filter((node) => node.deployment?.profile === value.id && node.status === 'Deploying');
    if (users.length > 0) throw new IronbusError('PROFILE_IN_USE', `${users.map((node) => node.hostname).join(', ')} ${users.length === 1 ? 'is' : 'are'} being installed by ${value.id}: wait, or abort first`);
    await context.records.profiles.write(value.id, null, version);
    return reply.code(204).send();
  });
  const show = { params: Named, querystring: For, tags, summary: 'What a machine would be told: the rendered configuration without secrets, and the kernel’s command line by source' };
  app.post<{ Params: Named; Querystring: Static<typeof For> }>('/profiles/:id/preview', { schema: show }, async (request) =>
    preview(context, (await foundProfile(context, request.params.id)).value, { node: await findNode(context, request.query.machine) }));
  layerRoutes(app, context);
}

function layerRoutes(app: FastifyInstance, context: Context): void {
  const Id = Type.Object({ id: LayerId });
  app.get('/layers', { schema: { tags, summary: 'Values, snippets and kernel arguments by scope', response: { 200: Type.Array(Layer) } } }, () => context.records.layers.list());
  app.get<{ Params: Named }>('/layers/:id', { schema: { params: Id, tags, summary: 'One layer: global, tag-<tag> or machine-<id>' } }, async (request) => (await foundLayer(context, request.params.id)).value);
  app.put<{ Params: Named; Body: LayerInput }>('/layers/:id', { schema: { params: Id, body: LayerInput, tags, summary: 'Set a layer as a whole' } }, async (request) => {
    const { id } = request.params;
    const layer: Layer = { id, values: {}, snippets: {}, kernelArguments: '', ...request.body };
    const violations = splitArguments(layer.kernelArguments).refused.map((word) => ({ path: '/kernelArguments', message: whyRefused(word) }));
    if (violations.length > 0) throw Object.assign(new IronbusError('REQUEST_INVALID', `layer ${id}: ${violations.map(({ message }) => message).join('; ')}`), { violations });
    await context.records.layers.write(id, layer, (await context.records.layers.read(id))?.version ?? 0);
    return layer;
  });
  app.delete<{ Params: Named }>('/layers/:id', { schema: { params: Id, tags, summary: 'Remove a layer' } }, async (request, reply) => {
    await context.records.layers.write(request.params.id, null, (await foundLayer(context, request.params.id)).version);
    return reply.code(204).send();
  });
}

async function saveProfile(context: Context, input: ProfileInput, version: number): Promise<Profile> {
  const profile = completeProfile(input);
  const images = await imageUrls(context);
  const unknown = imagesOf(profile).filter((id) => images[id] === undefined);
  if (unknown.length > 0) throw new IronbusError('IMAGE_UNKNOWN', `there is no image ${unknown.join(', ')}: add it first, "ironbus images add --format file"`);
  const global = await context.records.layers.read('global');
  const found = checkProfile(profile, { images, layers: global === undefined ? [] : [global.value] });
  const violations = [...found, ...found.length === 0 ? await absentFiles(context, profile, images) : []].map(({ path, ...problem }) => ({ path, message: formatProblem(problem) }));
  if (violations.length > 0) throw Object.assign(new IronbusError('PROFILE_INVALID', `profile ${profile.id}: ${violations.map(({ message }) => message).join('; ')}`), { violations });
  await context.records.profiles.write(profile.id, profile, version);
  return profile;
}

/** Kernel and initrd that their discs do not have: better to learn here than in a machine that boots. */
async function absentFiles({ images: store }: Context, profile: Profile, images: ImageUrls): Promise<ProfileProblem[]> {
  const problems: ProfileProblem[] = [];
  for (const part of ['kernel', 'initrd'] as const) {
    const { id, path } = imageFile(profile[part]) ?? { id: '' };
    const sha256 = images[id]?.sha256;
    if (path === undefined || sha256 === undefined || await store.size(sha256) === undefined || await store.hasFile(sha256, path)) continue;
    problems.push({ path: `/${part}`, message: `image ${id} has no file ${JSON.stringify(path)}: look for it in a rack’s /images/${sha256}/tree/` });
  }
  return problems;
}

/** As the machine would be told; throws PROFILE_UNKNOWN for a profile that is none. */
export async function profileFor(context: Context, id: string, target: Target): Promise<{ profile: Profile; preview: Preview }> {
  const { value } = await foundProfile(context, id);
  return { profile: value, preview: await preview(context, value, target) };
}

async function preview(context: Context, profile: Profile, target: Target): Promise<Preview> {
  const layers = new Map((await context.records.layers.list()).map((layer) => [layer.id, layer]));
  const network = networkFor(target.node, await context.records.networks.list(), contains);
  const region: Region = { images: await imageUrls(context), layerOf: (id) => layers.get(id), network };
  return previewOf(composeFor(profile, target, region), await commonArguments(context, target));
}

/** LIFECYCLE_KERNEL_ARGUMENTS, which lifecycle alone knows, and says in each boot policy. A preview without the bus is one without them. */
async function commonArguments({ bus }: Context, { node }: Target): Promise<string> {
  const [mac] = node.macs;
  if (mac === undefined) return '';
  try {
    return (await bus.kv(bootPoliciesBucket).get(macToken(mac)))?.value.kernelArguments ?? '';
  } catch (error) {
    if (error instanceof IronbusError && error.retry === 'backoff') return '';
    throw error;
  }
}

const imageUrls = async ({ records }: Context): Promise<ImageUrls> => Object.fromEntries((await records.images.list()).map((image) => [image.id, image]));

function contains({ cidr }: Network, address: string): boolean {
  const [base = '', bits = '32'] = cidr.split('/');
  const number = (text: string): number | undefined => parseIpv4(text)?.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const [left, right] = [number(base), number(address)];
  const size = 2 ** (32 - Number(bits));
  return left !== undefined && right !== undefined && Math.floor(left / size) === Math.floor(right / size);
}

async function foundProfile(context: Context, id: string) {
  const record = await context.records.profiles.read(id);
  if (record === undefined) throw new IronbusError('PROFILE_UNKNOWN', `there is no profile ${JSON.stringify(id)}: "ironbus profiles list" shows them`);
  return record;
}

async function foundLayer(context: Context, id: string) {
  const record = await context.records.layers.read(id);
  if (record === undefined) throw new IronbusError('PROFILE_UNKNOWN', `there is no layer ${JSON.stringify(id)}: "ironbus layers list" shows them`);
  return record;
}
