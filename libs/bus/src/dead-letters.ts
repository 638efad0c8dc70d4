/** Messages nobody could handle: kept in the stream DEAD with the reason, on `dead.<durable>.<noun>.<fact>`. */
import { headers } from '@nats-io/transport-node';
import type { Violation } from '@ironbus/contracts';
import { requestTimeoutMs, type Link } from './connect.ts';
import { parseJson } from './messages.ts';
import { asBusError } from './publish.ts';
import type { Pulled, Target } from './pull.ts';

export type DeadReason = 'invalid' | 'exhausted';

export type DeadLetter = {
  reason: DeadReason;
  violations: Violation[];
  /** The last error of the handler, where it was tried. */
  error?: string | undefined;
  durable: string;
  /** How often the handler was tried, over all deliveries that are known. */
  deliveries: number;
  stream: string; sequence: number; at: string;
  /** The message: `data` is its JSON, `base64` its bytes where it is none; neither where it would not fit. */
  original: { subject: string; headers: Record<string, string[]>; data?: unknown; base64?: string };
};

export type Burial = Pick<DeadLetter, 'reason' | 'violations' | 'error' | 'deliveries'>;

const envelopeBytes = 64 * 1024;

export function makeDeadLetter(message: Pulled, from: Target, burial: Burial, maxPayload: number): DeadLetter {
  const { subject, headers: fields, data } = message.msg;
  const value = parseJson(data);
  const body = value === undefined ? { base64: Buffer.from(data).toString('base64') } : { data: value };
  const fits = JSON.stringify(body).length + envelopeBytes < maxPayload;
  return {
    ...burial, violations: burial.violations.slice(0, 50), durable: from.consumer, stream: from.stream, sequence: message.streamSequence,
    at: new Date().toISOString(), original: { subject, headers: Object.fromEntries(fields ?? []), ...(fits && body) },
  };
}

/** `dead.<durable>.<noun>.<fact>`, from the subject the message came on. */
export const deadSubject = (letter: DeadLetter): string => `dead.${letter.durable}.${letter.original.subject.split('.').slice(0, 2).join('.')}`;

/** Publishes and waits for the ack. Rejects BUS_UNREACHABLE; again is harmless within the duplicate window. */
export async function publishDeadLetter(link: Link, message: Pulled, from: Target, burial: Burial): Promise<void> {
  const { js, nc } = link.require();
  const letter = makeDeadLetter(message, from, burial, nc.info?.max_payload ?? 1024 * 1024);
  const fields = headers();
  fields.set('Nats-Msg-Id', `${letter.durable}:${letter.stream}:${letter.sequence}:${message.timestampNanos}`);
  try {
    await js.publish(deadSubject(letter), JSON.stringify(letter), { headers: fields, timeout: requestTimeoutMs });
  } catch (error) {
    throw asBusError(error, `burying ${letter.original.subject}`);
  }
}

/** The newest dead letters, newest first, each with its sequence in DEAD. Rejects BUS_UNREACHABLE. */
export async function listDeadLetters(link: Link, limit = 100): Promise<(DeadLetter & { deadSequence: number })[]> {
  const { jsm } = link.require();
  try {
    const { state } = await jsm.streams.info('DEAD');
    const found: (DeadLetter & { deadSequence: number })[] = [];
    for (let seq = state.last_seq; seq >= state.first_seq && seq > 0 && found.length < limit; seq--) {
      const message = await jsm.streams.getMessage('DEAD', { seq });
      if (message !== null) found.push({ ...message.json<DeadLetter>(), deadSequence: seq });
    }
    return found;
  } catch (error) {
    throw asBusError(error, 'reading dead letters');
  }
}
