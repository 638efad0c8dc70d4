/** Racks: the tokens that let them in, and the ones that joined. */
import { createPublicKey } from 'node:crypto';
import { IronbusError, Rack, RackIdText } from '@ironbus/contracts';
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Context } from '../context.ts';

const JoinBody = Type.Object({ token: Type.String({ maxLength: 100 }), rack: RackIdText, publicKey: Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' }) }, { additionalProperties: false });

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
