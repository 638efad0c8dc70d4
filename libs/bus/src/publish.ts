/** Publishing facts: one JetStream publish, acknowledged, or an error that says what to do. */
import { InvalidArgumentError, PermissionViolationError } from '@nats-io/transport-node';
import { JetStreamApiError } from '@nats-io/jetstream';
import { IronbusError, type Event } from '@ironbus/contracts';
import { requestTimeoutMs, type Link, type Session } from './connect.ts';
import { encodeEvent } from './messages.ts';
import type { Count, Published } from './types.ts';

/**
 * Publishes a made event and waits for JetStream's ack, 4 s at most. Rejects BUS_UNREACHABLE where the outcome is
 * unknown or nothing took it: publish the same event again, its id makes that harmless.
 */
export async function publishEvent(link: Link, event: Event, count: Count): Promise<Published> {
  const session = link.require();
  const message = encodeEvent(event);
  try {
    const publishing = session.js.publish(message.subject, message.payload, { headers: message.headers, timeout: requestTimeoutMs });
    const ack = await orLost(session, publishing);
    count('published', { type: event.type });
    return { sequence: ack.seq, duplicate: ack.duplicate };
  } catch (error) {
    throw asBusError(error, `publishing ${event.type}`);
  }
}

/** Does not wait for an answer that can no longer come: rejects BUS_UNREACHABLE as soon as the connection breaks. */
export function orLost<T>(session: Session, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new IronbusError('BUS_UNREACHABLE', 'the connection to NATS broke before the answer came'));
    const settled = (): void => session.ended.removeEventListener('abort', lost);
    session.ended.addEventListener('abort', lost);
    answer.then(resolve, reject).finally(settled);
  });
}

/** What a failed request to NATS means to the caller. */
export function asBusError(error: unknown, doing: string): IronbusError {
  if (error instanceof IronbusError) return error;
  const { message } = error as Error;
  const cause = (error as Error).cause;
  if (error instanceof PermissionViolationError || cause instanceof PermissionViolationError) {
    return new IronbusError('EVENT_FOREIGN', `NATS refuses ${doing}: this user has no permission for it`, { cause: error, detail: message });
  }
  if (error instanceof InvalidArgumentError) return new IronbusError('EVENT_INVALID', `${doing} failed: ${message}`, { cause: error });
  if (error instanceof JetStreamApiError) {
    return new IronbusError('BUS_UNREACHABLE', `JetStream refused ${doing}: ${message}`, { cause: error, detail: `error ${error.code}` });
  }
  const noStream = message.includes('jetstream is not enabled') || message.includes('no responders');
  const why = noStream ? 'no stream takes it (yet), or JetStream is starting' : message;
  return new IronbusError('BUS_UNREACHABLE', `${doing} had no answer: ${why}`, { cause: error });
}
