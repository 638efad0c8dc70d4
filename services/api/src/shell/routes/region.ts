/** Networks and racks. */
import { createPublicKey } from 'node:crypto';
import { IronbusError, Network, Rack, RackIdText, validateNetworks, type Network as NetworkValue } from '@ironbus/contracts';
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { completeNetwork, NetworkInput } from '../../core/networks.ts';
import type { Context } from '../context.ts';

const Named = Type.Object({ id: Type.String({ minLength: 1, maxLength: 63 }) });
type Named = Static<typeof Named>;
const JoinBody = Type.Object({ token: Type.String({ maxLength: 100 }), rack: RackIdText, publicKey: Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' }) }, { additionalProperties: false });

export function networkRoutes(app: FastifyInstance, context: Context): void {
  const { networks } = context.records;
  app.get('/networks', { schema: { tags: ['networks'], summary: 'All networks', response: { 200: Type.Array(Network) } } }, () => networks.list());
  app.get<{ Params: Named }>('/networks/:id', { schema: { params: Named, tags: ['networks'], summary: 'One network' } }, async (request) => (await found(context, request.params.id)).value);
  app.post<{ Body: NetworkInput }>('/networks', { schema: { body: NetworkInput, tags: ['networks'], summary: 'Serve a network; without a mode nothing on it is answered' } }, async (request, reply) =>
    reply.code(201).send(await saveNetwork(context, request.body, 0)));
  app.put<{ Params: Named; Body: NetworkInput }>('/networks/:id', { schema: { params: Named, body: NetworkInput, tags: ['networks'], summary: 'Change a network; it counts from the next packet' } }, async (request) => {
    if (request.body.id !== request.params.id) throw new IronbusError('REQUEST_INVALID', `the body names network ${request.body.id}, the address ${request.params.id}: a network keeps its id`);
    return saveNetwork(context, request.body, (await found(context, request.params.id)).version);
  });
  app.delete<{ Params: Named }>('/networks/:id', { schema: { params: Named, tags: ['networks'], summary: 'Stop serving a network' } }, async (request, reply) => {
    await networks.write(request.params.id, null, (await found(context, request.params.id)).version);
    return reply.code(204).send();
  });
}

async function found(context: Context, id: string) {
  const record = await context.records.networks.read(id);
  if (record === undefined) throw new IronbusError('NETWORK_UNKNOWN', `there is no network ${JSON.stringify(id)}: "ironbus networks list" shows them`);
  return record;
}

/** Checks the network together with all others, then writes it. Throws NETWORK_INVALID, STORE_CONFLICT. */
export async function saveNetwork(context: Context, input: NetworkInput, expectedVersion: number): Promise<NetworkValue> {
  const network = completeNetwork(input, { rack: context.config.rackId as NetworkValue['rack'], bootPort: context.config.bootPort });
  const others = (await context.records.networks.list()).filter((other) => other.id !== network.id);
  const problems = validateNetworks([...others, network]).filter((problem) => problem.network === network.id);
  for (const { path, message } of problems.filter(({ severity }) => severity === 'warning')) context.log.warn({ network: network.id, path, reason: message }, 'network may not work as meant');
  const violations = problems.filter(({ severity }) => severity === 'error').map(({ path, message }) => ({ path, message }));
  if (violations.length > 0) throw Object.assign(new IronbusError('NETWORK_INVALID', violations.map(({ path, message }) => `${network.id}${path}: ${message}`).join('; ')), { violations });
  await context.records.networks.write(network.id, network, expectedVersion);
  return network;
}

export function rackRoutes(app: FastifyInstance, context: Context): void {
  const { racks } = context.records;
  app.get('/racks', { schema: { tags: ['racks'], summary: 'Racks that have joined', response: { 200: Type.Array(Rack) } } }, () => racks.list());
  app.post('/racks/tokens', { schema: { tags: ['racks'], summary: 'A token that lets one rack join within the hour' } }, async (_request, reply) =>
    reply.code(201).send({ token: await context.keys.joinToken() }));
  app.post<{ Body: Static<typeof JoinBody> }>('/racks/join', {
    config: { public: true, rateLimit: { max: 30, timeWindow: '1 minute' } },
    schema: { body: JoinBody, tags: ['racks'], summary: 'Join as a rack: the token is the authority, the X25519 key is what secrets are sealed to' },
  }, async (request) => {
    const { token, rack: id, publicKey } = request.body;
    assertX25519(publicKey);
    await context.keys.spendJoinToken(token, `${id} ${publicKey}`);
    const known = await racks.read(id);
    const rack = { id, publicKey, joinedAt: new Date().toISOString() };
    if (known?.value.publicKey !== publicKey) await racks.write(id, rack, known?.version ?? 0);
    await context.secrets.resealFor(rack);
    return { rack: id, apiKey: await context.keys.issueForRack(id) };
  });
}

function assertX25519(publicKey: string): void {
  try {
    createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(publicKey, 'base64').toString('base64url') }, format: 'jwk' });
  } catch (cause) {
    throw new IronbusError('REQUEST_INVALID', 'publicKey is not an X25519 public key (32 bytes in base64)', { cause });
  }
}
