/** Machines: the read model, and requests that lifecycle answers. */
import {
  BmcParameters, Hostname, IronbusError, MacAddress, nodeCreateRequested, nodeDeployRequested, nodeRemoveRequested, nodeUpdateRequested,
  provisionalNodeId, StatusName, type Image, type Node, type Profile, type RackId,
} from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { actions, checkSshKey, DeployBody, PowerInput } from '../../core/requests.ts';
import { checkSecretsSize, checkSize, checkUserData, sha256Hex } from '../../core/user-data.ts';
import type { Context } from '../context.ts';
import { ask, claimRequest, findNode } from '../requests.ts';
import { profileFor } from './profiles.ts';

const Named = Type.Object({ id: Type.String({ minLength: 1, maxLength: 63 }) });
type Named = Static<typeof Named>;
const Filter = Type.Object({
  status: Type.Optional(StatusName), hostname: Type.Optional(Type.String()), mac: Type.Optional(Type.String()), tag: Type.Optional(Type.String()),
}, { additionalProperties: false });
const CreateBody = Type.Object({ macs: Type.Array(MacAddress, { minItems: 1, maxItems: 64 }), hostname: Type.Optional(Hostname), power: Type.Optional(PowerInput) }, { additionalProperties: false });
const UpdateBody = Type.Object({ hostname: Type.Optional(Hostname), tags: nodeUpdateRequested.data.properties.tags, power: Type.Optional(PowerInput) }, { additionalProperties: false });

export function machineRoutes(app: FastifyInstance, context: Context): void {
  readRoutes(app, context);
  changeRoutes(app, context);
  for (const action of actions) {
    const schema = { params: Named, body: action.body, tags: ['machines'], summary: action.doc };
    app.post<{ Params: Named; Body: Record<string, unknown> }>(`/machines/:id/${action.path}`, { schema, preValidation: bodyOrEmpty }, async (request, reply) => {
      const node = await findNode(context, request.params.id);
      const owner = action.path === 'allocate' ? { owner: request.identity?.user } : {};
      return ask(context, request, reply, { definition: action.event, node: node.id, data: { ...owner, ...request.body } });
    });
  }
  app.post<{ Params: Named; Body: DeployBody }>('/machines/:id/deploy', { schema: { params: Named, body: DeployBody, tags: ['machines'], summary: 'Put an operating system on its disk' } }, async (request, reply) => {
    const node = await findNode(context, request.params.id);
    return deploy(context, node, request, reply);
  });
}

/** Most actions need no settings, so no body either. */
const bodyOrEmpty = async (request: { body: unknown }): Promise<void> => { request.body ??= {}; };

function readRoutes(app: FastifyInstance, context: Context): void {
  app.get<{ Querystring: Static<typeof Filter> }>('/machines', { schema: { querystring: Filter, tags: ['machines'], summary: 'All machines, filtered' } }, async (request) => {
    const { status, hostname, mac, tag } = request.query;
    return (await context.nodes.list()).filter((node) =>
      (status === undefined || node.status === status) && (hostname === undefined || node.hostname === hostname)
      && (mac === undefined || node.macs.some((own) => own === mac.toLowerCase())) && (tag === undefined || node.tags.includes(tag)));
  });
  app.get<{ Params: Named }>('/machines/:id', { schema: { params: Named, tags: ['machines'], summary: 'One machine, by id or hostname, with its inventory' } }, async (request) => {
    const node = await findNode(context, request.params.id);
    return { ...node, inventory: await context.nodes.inventory(node) ?? null };
  });
}

function changeRoutes(app: FastifyInstance, context: Context): void {
  app.post<{ Body: Static<typeof CreateBody> }>('/machines', { schema: { body: CreateBody, tags: ['machines'], summary: 'Make a machine by hand; its first network boot matches it by MAC' } }, async (request, reply) => {
    const { macs, hostname, power } = request.body;
    if (power?.type === 'ipmi') throw new IronbusError('REQUEST_INVALID', 'make the machine first, then PATCH its power settings: they are sealed under its id');
    const made = await ask(context, request, reply, { definition: nodeCreateRequested, node: provisionalNodeId(macs[0]!), data: { macs, ...(hostname !== undefined && { hostname }) } });
    return reply.statusCode === 202 ? made : reply.code(201).send(made);
  });
  app.patch<{ Params: Named; Body: Static<typeof UpdateBody> }>('/machines/:id', { schema: { params: Named, body: UpdateBody, tags: ['machines'], summary: 'Change hostname, tags or power settings' } }, async (request, reply) => {
    const node = await findNode(context, request.params.id);
    const { power, ...settings } = request.body;
    const data = { ...settings, ...(power !== undefined && await powerSettings(context, node, power)) };
    return ask(context, request, reply, { definition: nodeUpdateRequested, node: node.id, data });
  });
  app.delete<{ Params: Named }>('/machines/:id', { schema: { params: Named, tags: ['machines'], summary: 'Forget a machine' } }, async (request, reply) => {
    const node = await findNode(context, request.params.id);
    const gone = await ask(context, request, reply, { definition: nodeRemoveRequested, node: node.id, data: {} });
    if (reply.statusCode === 202) return gone;
    await context.secrets.removeBmc(node.id);
    return reply.code(204).send();
  });
}

/** Keeps and seals the secret part; gives the part that may be in an event. */
async function powerSettings(context: Context, node: Node, power: PowerInput) {
  const rackId = node.bmcRack ?? node.bootRack ?? (context.config.rackId as RackId);
  if (power.type === 'manual') {
    await context.secrets.removeBmc(node.id);
    return { powerType: power.type, powerAddress: null, powerParametersSet: false, bmcRack: rackId };
  }
  const parameters = { port: 623, cipherSuite: 3, privilege: 'ADMINISTRATOR' as const, ...power };
  if (!Value.Check(BmcParameters, parameters)) throw new IronbusError('REQUEST_INVALID', 'the power settings are incomplete: address, username and password are needed');
  await context.secrets.setBmc(node.id, await joinedRack(context, rackId), parameters);
  return { powerType: power.type, powerAddress: power.address, powerParametersSet: true, bmcRack: rackId };
}

async function joinedRack(context: Context, id: RackId) {
  const rack = await context.records.racks.read(id);
  if (rack === undefined) throw new IronbusError('RACK_UNKNOWN', `rack ${id} has not joined yet, so nothing can be sealed to it: run "ironbus rack join" there first`);
  return rack.value;
}

/** User-data and secrets that nobody will read, since the request came to nothing, are taken back. */
async function deploy(context: Context, node: Node, request: FastifyRequest<{ Body: DeployBody }>, reply: FastifyReply): Promise<unknown> {
  const target = await checkDeployment(context, node, request.body);
  const claimed = await claimRequest(context, request);
  const { userData, secrets, sshKeys = [], owner = request.identity?.user ?? 'unknown', image: _image, profile: _profile, ...rest } = request.body;
  const nothing = userData === undefined && secrets === undefined;
  const rack = nothing || claimed.outcome !== undefined ? undefined : await joinedRack(context, node.bootRack ?? (context.config.rackId as RackId));
  const deployData = rack === undefined ? null : await context.secrets.giveDeployData(node.id, claimed.id, rack, { userData: userData ?? null, ...(secrets !== undefined && { secrets }) });
  const data = { ...rest, ...target, owner, sshKeys, userDataSha256: userData === undefined ? null : sha256Hex(userData), deployData };
  try {
    return await ask(context, request, reply, { definition: nodeDeployRequested, node: node.id, data, claimed });
  } catch (error) {
    const refused = error instanceof IronbusError && error.code !== 'BUS_UNREACHABLE' && error.code !== 'STORE_UNREACHABLE';
    if (refused && deployData !== null) await context.secrets.removeDeployData(deployData);
    throw error;
  }
}

type Target = { image: Image } | { profile: Pick<Profile, 'id' | 'architectures'> };
type Violation = { path: string; message: string };

/** What is deployed, once everything that would fail an hour later in the machine is known to be right. */
async function checkDeployment(context: Context, node: Node, body: DeployBody): Promise<Target> {
  const { image, profile, userData, secrets, sshKeys = [] } = body;
  if ((image === undefined) === (profile === undefined)) throw new IronbusError('REQUEST_INVALID', 'name either an image or a profile to deploy');
  if (image !== undefined && secrets !== undefined) throw new IronbusError('REQUEST_INVALID', 'secrets are for a profile’s template; an image takes user-data');
  const violations: Violation[] = sshKeys.flatMap((key, index) => checkSshKey(key).map((message) => ({ path: `/sshKeys/${index}`, message })));
  const { target, problems } = image === undefined ? await checkInstaller(context, node, body) : { target: await checkImage(context, image), problems: [] };
  violations.push(...problems);
  violations.push(...checkSecretsSize(secrets ?? {}).map((message) => ({ path: '/secrets', message })));
  const ownData = userData === undefined ? [] : image === undefined ? checkSize(userData) : checkUserData(userData, context.cloudConfig);
  violations.push(...ownData.map(({ line, message }) => ({ path: `/userData:${line}`, message })));
  if (violations.length > 0) throw Object.assign(new IronbusError('REQUEST_INVALID', violations.map(({ path, message }) => `${path}: ${message}`).join('; ')), { violations });
  return target;
}

async function checkImage(context: Context, id: string): Promise<Target> {
  const record = await context.records.images.read(id);
  if (record === undefined) throw new IronbusError('IMAGE_UNKNOWN', `there is no image ${JSON.stringify(id)}: "ironbus images list" shows them`);
  const { format } = record.value;
  if (format !== 'raw' && format !== 'rootfs') throw new IronbusError('IMAGE_INVALID', `image ${id} is of format ${format}, which no disk is written with: deploy a profile that names it`);
  return { image: record.value };
}

/** Rendered with this machine’s facts and the secrets that were given. */
async function checkInstaller(context: Context, node: Node, body: DeployBody): Promise<{ target: Target; problems: Violation[] }> {
  const { hostname, sshKeys = [], secrets = {}, userData } = body;
  const { profile, preview } = await profileFor(context, body.profile ?? '', { node, hostname, sshKeys, secrets, userData: userData ?? '' });
  return { target: { profile: { id: profile.id, architectures: profile.architectures } }, problems: preview.problems.map((message) => ({ path: '/profile', message })) };
}
