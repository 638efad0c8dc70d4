/**
 * Publishing many facts with one sync of the disk: JetStream's atomic batch publish (ADR-50 of nats-architecture-and-design).
 * With `sync_interval: always` a server of 2.15 writes such a batch with one fsync of the stream, not one per message; an
 * older one is as slow as before and as safe. All or nothing is stored, and the ack comes after the disk (docs/adr/0012).
 */
import type { MsgHdrs } from '@nats-io/transport-node';
import type { Event } from '@ironbus/contracts';
import { randomUUID } from 'node:crypto';
import { requestTimeoutMs, type Link, type Session } from './connect.ts';
import { encodeEvent } from './messages.ts';
import { orLost } from './publish.ts';
import { compareVersions } from './server-gate.ts';
import type { Count } from './types.ts';

/** `json`: the event's own JSON where the caller has it already; it goes out as it is. */
export type BatchEvent = { event: Event; json?: string | undefined };
/** Not stored, or not known to be: publish each event by itself, its id makes that harmless. */
export type Batched = { ok: true } | { ok: false; why: string };

/** nats-server's default of `max_batch_size` is 1,000 messages. */
export const mostInBatch = 1_000;
/** Older servers refuse `Nats-Msg-Id` inside a batch. */
const firstServer = '2.12.1';
/** nats-server's errors.json: not enabled on the stream, a header of ours unsupported, more messages than the server allows. */
const lastingRefusals: readonly number[] = [10174, 10177, 10199];
/** Sessions whose server said that it takes no batch of ours, with its reason. */
const refused = new WeakMap<Session, string>();

type Answer = { seq?: number; count?: number; error?: { err_code: number; description: string } };

/**
 * Publishes 2 to 1,000 events of one stream as one batch. Never rejects. A batch that holds one event the server has
 * already (`Nats-Msg-Id` within the duplicate window) is refused as a whole.
 */
export async function publishBatch(link: Link, events: readonly BatchEvent[], count: Count): Promise<Batched> {
  const session = link.session;
  if (session === undefined) return no('there is no connection to NATS');
  const never = refused.get(session) ?? tooOld(session);
  if (never !== undefined) return no(never);
  try {
    const answer = await orLost(session, send(session, events));
    const failed = judge(session, answer, events.length);
    if (failed !== undefined) return no(failed);
  } catch (error) {
    return no((error as Error).message);
  }
  for (const { event } of events) count('published', { type: event.type });
  return { ok: true };
}

/** Only the last message asks for an answer: it says whether all of them are stored. */
async function send({ nc }: Session, events: readonly BatchEvent[]): Promise<Answer> {
  const batch = randomUUID();
  const last = events.length - 1;
  const messages = events.map((each, at) => ({ ...encodeEvent(each.event, each.json), at }));
  for (const { subject, payload, headers: fields, at } of messages.slice(0, last)) nc.publish(subject, payload, { headers: inBatch(fields, batch, at) });
  const { subject, payload, headers: fields } = messages[last] as (typeof messages)[number];
  const commit = inBatch(fields, batch, last);
  commit.set('Nats-Batch-Commit', '1');
  const reply = await nc.request(subject, payload, { headers: commit, timeout: requestTimeoutMs });
  return reply.json<Answer>();
}

function inBatch(fields: MsgHdrs, batch: string, at: number): MsgHdrs {
  fields.set('Nats-Batch-Id', batch);
  fields.set('Nats-Batch-Sequence', String(at + 1));
  return fields;
}

/** Why the batch is not stored, undefined where it is. */
function judge(session: Session, answer: Answer, wanted: number): string | undefined {
  if (answer.error === undefined) return answer.count === wanted ? undefined : `${answer.count ?? 0} of ${wanted} messages were stored together`;
  const why = `${answer.error.description} (error ${answer.error.err_code})`;
  if (lastingRefusals.includes(answer.error.err_code)) refused.set(session, why);
  return why;
}

function tooOld({ nc }: Session): string | undefined {
  const version = nc.info?.version ?? '0.0.0';
  return compareVersions(version, firstServer) < 0 ? `nats-server ${version} has no batches with ids` : undefined;
}

const no = (why: string): Batched => ({ ok: false, why });
