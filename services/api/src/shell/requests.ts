/** Publishing a request for a node and waiting for what comes of it. */
import { errorTable, IronbusError, newEventId, nodeRequestRefused, parseMac, type DataOf, type ErrorCode, type EventDefinition, type EventId, type Node } from '@ironbus/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { keyedRequestId, requestHash } from '../core/idempotency.ts';
import type { AnyEvent, Context } from './context.ts';

const rememberSeconds = 86_400;

/** A request's identity; `outcome` where the same request was made and answered before. */
export type Claimed = { id: EventId; keyed: boolean; outcome?: AnyEvent };

/** A new id, or the one that the Idempotency-Key stands for. Throws REQUEST_CONFLICT where the key was used for another request. */
export async function claimRequest(context: Context, request: FastifyRequest): Promise<Claimed> {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || key === '') return { id: newEventId(), keyed: false };
  const { redis } = context.store;
  const id = keyedRequestId(request.identity?.user ?? '', key);
  const mine = requestHash(key, request);
  const stored = await redis.set(context.store.key('idempotency', id), mine, 'EX', rememberSeconds, 'NX');
  if (stored !== 'OK' && await redis.get(context.store.key('idempotency', id)) !== mine) {
    throw new IronbusError('REQUEST_CONFLICT', `Idempotency-Key ${key.slice(0, 40)} was used for a different request in the last day: choose a new one`);
  }
  const outcome = stored === 'OK' ? null : await redis.get(context.store.key('outcome', id));
  return { id, keyed: true, ...(outcome !== null && { outcome: JSON.parse(outcome) as AnyEvent }) };
}

/** Keeps what came of a request that had an Idempotency-Key, so that the same request again is answered, not repeated. */
export async function rememberOutcome({ store }: Pick<Context, 'store'>, fact: AnyEvent): Promise<void> {
  const id = fact.causationid;
  if (id === undefined || await store.redis.exists(store.key('idempotency', id)) === 0) return;
  await store.redis.set(store.key('outcome', id), JSON.stringify(fact), 'EX', rememberSeconds, 'NX');
}

type Asked<D extends EventDefinition> = { definition: D; node: string; data: Omit<DataOf<D>, 'requestedBy'>; claimed?: Claimed };

/** The node (200), or 202 with the operation where the outcome is still open after the configured wait; a refusal is thrown as its code. */
export async function ask<D extends EventDefinition>(context: Context, request: FastifyRequest, reply: FastifyReply, asked: Asked<D>): Promise<unknown> {
  const claimed = asked.claimed ?? await claimRequest(context, request);
  if (claimed.outcome !== undefined) return answer(context, claimed.outcome);
  const { id } = claimed;
  const waiter = context.waiters.answerTo(id, context.config.waitSeconds);
  const data = { requestedBy: request.identity?.user ?? 'unknown', ...asked.data } as unknown as DataOf<D>;
  try {
    await context.bus.publish(asked.definition, { key: asked.node, nodeid: asked.node, id, correlationid: id, data });
    const fact = await waiter.answer;
    if (fact === undefined) return reply.code(202).send({ operation: id });
    if (claimed.keyed) await rememberOutcome(context, fact);
    return await answer(context, fact);
  } finally {
    waiter.cancel();
  }
}

async function answer(context: Context, fact: AnyEvent): Promise<unknown> {
  if (fact.type === nodeRequestRefused.type) {
    const { code, message } = fact.data as DataOf<typeof nodeRequestRefused>;
    throw new IronbusError(code in errorTable ? code as ErrorCode : 'NODE_STATE', message);
  }
  await context.nodes.apply(fact);
  return (fact.data as { node?: Node }).node ?? fact.data;
}

/** Throws NODE_UNKNOWN. A machine may be named by its id, its hostname or one of its MACs. */
export async function findNode(context: Context, name: string): Promise<Node> {
  const byId = await context.nodes.get(name);
  if (byId !== undefined) return byId;
  const mac = parseMac(name);
  const node = (await context.nodes.list()).find((candidate) => candidate.hostname === name || (mac !== undefined && candidate.macs.includes(mac)));
  if (node === undefined) throw new IronbusError('NODE_UNKNOWN', `there is no machine ${JSON.stringify(name)}: "ironbus machines list" shows them`);
  return node;
}
