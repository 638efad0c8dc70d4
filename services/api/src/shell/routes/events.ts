/** The log as Server-Sent Events: facts with their sequence as id, so that a reader goes on where it stopped; observations live only. */
import { once } from 'node:events';
import { catalog, IronbusError, macToken, provisionalNodeId, type Envelope, type Node, type StreamName } from '@ironbus/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { mayMatch } from '../../core/subjects.ts';
import type { AnyEvent, Context } from '../context.ts';
import { findNode } from '../requests.ts';

const Query = Type.Object({
  subject: Type.Optional(Type.String({ pattern: '^([a-z0-9-]+|\\*)(\\.([a-z0-9-]+|\\*)){0,3}(\\.>)?$|^>$', maxLength: 200 })),
  since: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$', description: 'a sequence' })), node: Type.Optional(Type.String({ maxLength: 63 })),
}, { additionalProperties: false });
type Query = Static<typeof Query>;
const Named = Type.Object({ id: Type.String({ minLength: 1, maxLength: 63 }) });

const typesOf = (stream: StreamName): string[] => catalog.filter((event) => event.stream === stream).map((event) => event.type);
const facts = typesOf('FACTS');
const observed = new Set(typesOf('OBSERVATIONS'));

export function eventRoutes(app: FastifyInstance, context: Context): void {
  const streams = new Set<FastifyReply>();
  app.addHook('preClose', async () => { for (const reply of streams) reply.sse.close(); });
  app.get<{ Querystring: Query }>('/events', { sse: 'only', schema: { querystring: Query, tags: ['events'], summary: 'Every event as it happens; from sequence `since` (or Last-Event-ID) on, if given' } }, async (request, reply) => {
    await stream(context, request, reply);
    streams.add(reply);
    reply.sse.onClose(() => streams.delete(reply));
  });
  app.get<{ Params: Static<typeof Named> }>('/machines/:id/events', { schema: { params: Named, tags: ['events'], summary: 'What the log says of one machine, oldest first' } }, async (request) => {
    const node = await findNode(context, request.params.id);
    return readLog(context, keysOf(node).map((key) => `*.*.*.${key}`));
  });
}

/** Events are keyed by the node's id, by the id it had before lifecycle named it, or by a MAC. */
const keysOf = (node: Pick<Node, 'id' | 'macs'>): string[] => [node.id, ...node.macs.flatMap((mac) => [macToken(mac), provisionalNodeId(mac)])];

function belongsTo(node: Pick<Node, 'id' | 'macs'>): (event: Envelope) => boolean {
  const keys = new Set(keysOf(node));
  return (event) => event.nodeid === node.id || keys.has(event.subject);
}

/** The answer's head is sent once nothing can be missed any more. A slow reader holds back facts and loses observations. */
async function stream(context: Context, request: FastifyRequest<{ Querystring: Query }>, reply: FastifyReply): Promise<void> {
  const { subject = '*.*.*.*', node } = request.query;
  const wanted = node === undefined ? () => true : belongsTo(await findNode(context, node));
  requireBus(context);
  const closed = once(reply.raw, 'close');
  const send = async (event: AnyEvent, id?: number): Promise<void> => {
    if (!wanted(event) || !reply.sse.isConnected) return;
    await Promise.race([closed, reply.sse.send({ event: event.type, data: event, ...(id !== undefined && { id: String(id) }) })]);
  };
  const live = context.bus.tail(subject, (event) => { if (observed.has(event.type) && !reply.raw.writableNeedDrain) return send(event); });
  const log = facts.some((type) => mayMatch(subject, type))
    ? context.bus.history({ stream: 'FACTS', subjects: [subject], fromSequence: startOf(request) }, (event, { sequence }) => send(event, sequence))
    : undefined;
  reply.sse.keepAlive();
  reply.sse.onClose(() => { void Promise.all([live.stop(), log?.stop()]); });
  await Promise.race([closed, Promise.all([live.whenLive(), log?.caughtUp()])]);
  if (!reply.sse.isConnected) return;
  reply.sse.sendHeaders();
  reply.raw.flushHeaders(); // else they wait for the first event
}

/** Last-Event-ID is what a reader saw last, `since` the first sequence it wants. */
function startOf(request: FastifyRequest<{ Querystring: Query }>): number | 'new' {
  const last = request.headers['last-event-id'];
  if (typeof last === 'string' && /^[0-9]{1,15}$/.test(last)) return Number(last) + 1;
  return request.query.since === undefined ? 'new' : Number(request.query.since);
}

function requireBus({ bus }: Context): void {
  const state = bus.ready();
  if (!state.ready) throw new IronbusError('BUS_UNREACHABLE', state.why);
}

/** What FACTS holds of these subjects now, oldest first. */
async function readLog(context: Context, subjects: string[]): Promise<AnyEvent[]> {
  requireBus(context);
  const found: AnyEvent[] = [];
  await using reading = context.bus.history({ stream: 'FACTS', subjects }, (event) => { found.push(event); });
  await reading.caughtUp();
  return found;
}
