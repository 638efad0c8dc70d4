/** Networks: what they are, how they stand at their racks, and what a DHCP server that is not ours has to say instead. */
import { dhcpProbed, IronbusError, Network, networkProbeRequested, newEventId, validateNetworks, type DataOf } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';
import { fabricsOf } from '../../core/fabrics.ts';
import { foreignServerNames, foreignSettings, type ForeignServerName } from '../../core/foreign-settings/foreign-settings.ts';
import { statusOf, type NetworkStatus } from '../../core/network-status.ts';
import { NetworkInput } from '../../core/networks.ts';
import type { Context } from '../context.ts';
import { removeNetwork, saveNetwork } from '../save-network.ts';

const Named = Type.Object({ id: Type.String({ minLength: 1, maxLength: 63 }) });
type Named = Static<typeof Named>;
const closed = { additionalProperties: false } as const;
const Force = Type.Object({ force: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])) }, closed);
type Force = Static<typeof Force>;
const Server = Type.Object({ server: Type.Union(foreignServerNames.map((name) => Type.Literal(name))) }, closed);
const tags = ['networks'];

export function networkRoutes(app: FastifyInstance, context: Context): void {
  readRoutes(app, context);
  changeRoutes(app, context);
  serviceRoutes(app, context);
}

function readRoutes(app: FastifyInstance, context: Context): void {
  const { networks } = context.records;
  app.get('/networks', { schema: { tags, summary: 'All networks', response: { 200: Type.Array(Network) } } }, () => networks.list());
  app.get<{ Params: Named }>('/networks/:id', { schema: { params: Named, tags, summary: 'One network' } }, async (request) =>
    (await found(context, request.params.id)).value);
  app.get('/fabrics', { schema: { tags, summary: 'The wires: fabrics, their VLANs, the networks on each' } }, async () => fabricsOf(await networks.list()));
}

function changeRoutes(app: FastifyInstance, context: Context): void {
  app.post<{ Body: NetworkInput }>('/networks', { schema: { body: NetworkInput, tags, summary: 'Serve a network; without a mode nothing on it is answered' } },
    async (request, reply) =>
    reply.code(201).send(await saveNetwork(context, request.body, { expected: undefined })));
  const put = { params: Named, querystring: Force, body: NetworkInput, tags,
    summary: 'Change a network; it counts from the next packet. Addresses in use are left alone unless `force`' };
  app.put<{ Params: Named; Querystring: Force; Body: NetworkInput }>('/networks/:id', { schema: put }, async (request) => {
    if (request.body.id !== request.params.id) throw new IronbusError('REQUEST_INVALID',
      `the body names network ${request.body.id}, the address ${request.params.id}: a network keeps its id`);
    return saveNetwork(context, request.body, { expected: await found(context, request.params.id), force: request.query.force === 'true' });
  });
  const remove = { params: Named, querystring: Force, tags, summary: 'Stop serving a network; one with addresses in use only with `force`' };
  app.delete<{ Params: Named; Querystring: Force }>('/networks/:id', { schema: remove }, async (request, reply) => {
    await removeNetwork(context, await found(context, request.params.id), request.query.force === 'true');
    return reply.code(204).send();
  });
}

function serviceRoutes(app: FastifyInstance, context: Context): void {
  app.get<{ Params: Named }>('/networks/:id/status',
    { schema: { params: Named, tags, summary: 'How the network stands at each dhcp replica, and which other servers they saw' } }, async (request) =>
    readStatus(context, (await found(context, request.params.id)).value));
  app.post<{ Params: Named }>('/networks/:id/probe', { schema: { params: Named, tags, summary: 'Ask which DHCP servers answer on the network' } },
    async (request, reply) =>
    probe(context, (await found(context, request.params.id)).value, reply));
  const settings = { params: Named, querystring: Server, tags, summary: 'What another DHCP server has to be told so that machines boot from here' };
  app.get<{ Params: Named; Querystring: { server: ForeignServerName } }>('/networks/:id/foreign-settings', { schema: settings }, async (request) => {
    const { value } = await found(context, request.params.id);
    return { network: value.id, ...foreignSettings(request.query.server, value) };
  });
}

async function found(context: Context, id: string) {
  const record = await context.records.networks.read(id);
  if (record === undefined) throw new IronbusError('NETWORK_UNKNOWN', `there is no network ${JSON.stringify(id)}: "ironbus networks list" shows them`);
  return record;
}

async function readStatus({ dhcpServers, records }: Context, network: Network): Promise<NetworkStatus> {
  const problems = validateNetworks([...(await records.networks.list()).filter(({ id }) => id !== network.id), network]);
  return statusOf(network, [...dhcpServers.entries()].map(([, server]) => server), { nowMs: Date.now(), problems });
}

/** What the rack found (200), or 202 with the operation where it has not answered yet. */
async function probe(context: Context, { id: network, rack }: Network, reply: FastifyReply): Promise<unknown> {
  const id = newEventId();
  const waiter = context.waiters.answerTo(id, context.config.probeSeconds);
  try {
    await context.bus.publish(networkProbeRequested, { key: network, id, correlationid: id, data: { network, rack } });
    const fact = await waiter.answer;
    return fact?.type === dhcpProbed.type ? fact.data as DataOf<typeof dhcpProbed> : reply.code(202).send({ operation: id });
  } finally {
    waiter.cancel();
  }
}
