/** The agent protocol (docs/architecture/agent-protocol.md): each handler reads, asks the ledger, and answers what it said. */
import { createHash } from 'node:crypto';
import {
  CheckIn, type Claim, ClaimRequest, Heartbeat, Inventory, IronbusError, macToken, nodeHeartbeat, nodeLogReported, type Plan, StepReport, Token,
} from '@ironbus/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type TSchema } from 'typebox';
import { nextWord } from '../core/ledger.ts';
import { planFor, pollSeconds, runOf } from '../core/plan.ts';
import { openSession, requireBound, speakerOf, stillWanted, supersededError, unknownToken, type Session } from './agent-session.ts';
import { answerFor } from './boot-routes.ts';
import type { Context } from './context.ts';
import { prepareClaim } from './prepare-claim.ts';

const logBytes = 64 * 1024;
const inventoryBytes = 700_000;
const StepPath = Type.Object({ step: Token });

/** The token is checked before a body is read. */
export function addAgentRoutes(app: FastifyInstance, context: Context): void {
  const sessions = new WeakMap<FastifyRequest, Session>();
  const onRequest = async (request: FastifyRequest): Promise<void> => { sessions.set(request, await openSession(context, request)); };
  const route = <T>(path: string, schema: Record<string, TSchema>, handle: (session: Session, body: T, step: string) => Promise<unknown>, bodyLimit?: number): void => {
    app.post(`/agent/v1/${path}`, { schema, onRequest, ...(bodyLimit !== undefined && { bodyLimit }) }, async (request, reply) => {
      const answer = await handle(sessions.get(request) as Session, request.body as T, (request.params as { step?: string }).step ?? '');
      return answer === undefined ? reply.code(204).send() : answer;
    });
  };
  route<CheckIn>('check-in', { body: CheckIn }, (session, body) => checkIn(context, session, body));
  route<Inventory>('inventory', { body: Inventory }, (session, body) => takeInventory(context, session, body), inventoryBytes);
  route<{ attempt: number }>('steps/:step/claim', { body: ClaimRequest, params: StepPath }, (session, body, step) => claim(context, session, step, body.attempt));
  route<StepReport>('steps/:step/report', { body: StepReport, params: StepPath }, (session, body, step) => report(context, session, step, body));
  route<Heartbeat>('heartbeat', { body: Heartbeat }, async (session, body) => {
    context.bus.observe(nodeHeartbeat, { ...observed(context, session), data: { mac: session.token.mac, ...body } });
  });
  route<unknown>('log', {}, async (session, body) => {
    context.bus.observe(nodeLogReported, { ...observed(context, session), data: { mac: session.token.mac, text: typeof body === 'string' ? body : '' } });
  }, logBytes);
}

function observed(context: Context, session: Session) {
  const { node, known, bootId } = speakerOf(context, session);
  return { key: node, nodeid: known ? node : undefined, bootid: bootId ?? undefined };
}

async function checkIn(context: Context, session: Session, said: CheckIn): Promise<Plan> {
  const { token, asking } = session;
  if (said.mac !== token.mac) throw unknownToken();
  requireBound(context, session);
  const answer = await answerFor(context, token.mac, asking, token.choice);
  if (answer.answer === 'retry' || answer.rule === 'unknown-region-away') throw new IronbusError('NOT_READY', `the rack can not plan now (${answer.rule}): ask again`);
  const run = runOf(answer, context.views.policyOf(token.mac), asking.network);
  const ledger = run?.attempt === 0 ? `mac-${macToken(token.mac)}` : answer.node;
  const bound = { ledger, node: answer.node, attempt: run?.attempt ?? answer.attempt, bootId: asking.binding?.bootId ?? token.bootId };
  if (await context.ledgers.use(token, bound) === undefined) throw unknownToken();
  // A person at the console of a machine nobody knows: it waits for them, and is not announced.
  if (answer.rule === 'chosen-rescue') return { node: answer.node, operation: 'none', attempt: 0, steps: [], end: 'wait', pollSeconds };
  const move = await context.ledgers.apply({ do: 'check-in', token: token.hash, mac: token.mac, run }, speakerOf(context, { ...session, token: { ...token, ...bound } }), { checkIn: said });
  if (!move.ok) throw supersededError(move.refused);
  context.log.info({ mac: token.mac, node: answer.node, rule: answer.rule, operation: run?.operation ?? 'none', attempt: bound.attempt, firmware: said.firmware }, 'agent checked in');
  return planFor(answer, run, move.ledger);
}

async function takeInventory(context: Context, session: Session, inventory: Inventory): Promise<void> {
  const sha256 = createHash('sha256').update(JSON.stringify(inventory)).digest('hex');
  const move = await context.ledgers.apply({ do: 'inventory', token: session.token.hash, sha256 }, speakerOf(context, session), { inventory });
  if (!move.ok) throw supersededError(move.refused);
}

async function claim(context: Context, session: Session, step: string, attempt: number): Promise<Claim> {
  const { token } = session;
  if (!context.views.heard()) throw new IronbusError('NOT_READY', 'the rack has not heard its policies yet: ask again');
  requireBound(context, session);
  if (attempt !== token.attempt) throw supersededError('superseded');
  if (!stillWanted(context, token)) throw supersededError('policy-changed');
  const prepared = await prepareClaim(context, session, step);
  const move = await context.ledgers.apply({ do: 'claim', token: token.hash, attempt, step, phoneHome: prepared.phoneHomeHash, grant: prepared.grant }, speakerOf(context, session));
  context.log.info({ mac: token.mac, node: token.node, attempt, step, claim: move.ok ? move.claim : undefined, reason: move.ok ? undefined : move.refused }, move.ok ? 'step claimed' : 'claim refused');
  if (!move.ok || move.claim === undefined) throw supersededError(move.ok ? 'step-unknown' : move.refused);
  return { step, attempt, claim: move.claim, kind: prepared.kind, parameters: prepared.parameters } as Claim;
}

/** The ledger says done before the agent hears it: its answer is made of what was committed. */
async function report(context: Context, session: Session, step: string, said: StepReport): Promise<{ next: ReturnType<typeof nextWord> }> {
  const { token } = session;
  const action = { do: 'report', token: token.hash, attempt: said.attempt, step, claim: said.claim, outcome: said.outcome } as const;
  const move = await context.ledgers.apply(action, speakerOf(context, session), { report: said });
  if (!move.ok) throw supersededError(move.refused);
  const word = nextWord(move.ledger);
  context.log.info({ mac: token.mac, node: token.node, attempt: said.attempt, step, outcome: said.outcome, reason: said.reason ?? undefined, next: word }, 'step reported');
  return { next: word };
}
