/** Events to and from NATS messages. The subject says what permissions allowed, so an envelope must agree with it. */
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { Envelope, lazyCheck, readEvent, subjectOf, type Event, type EventDefinition, type Violation } from '@ironbus/contracts';

export type Incoming = { subject: string; data: Uint8Array; headers?: MsgHdrs | undefined };
export type Decoded = { ok: true; event: Event } | { ok: false; why: Violation[] };

const checkEnvelope = lazyCheck(Envelope);
const traceHeader = 'traceparent';

/** The id goes into `Nats-Msg-Id`: JetStream drops a second one within its duplicate window. `json`: the event's JSON, where it is there already. */
export function encodeEvent(event: Event, json?: string): { subject: string; payload: string; headers: MsgHdrs } {
  const fields = headers();
  fields.set('Nats-Msg-Id', event.id);
  if (event.traceparent !== undefined) fields.set(traceHeader, event.traceparent);
  return { subject: subjectOf(event), payload: json ?? JSON.stringify(event), headers: fields };
}

/** Reads one message; without definitions only the envelope is checked. Never throws. */
export function decodeEvent(message: Incoming, definitions?: readonly EventDefinition[]): Decoded {
  const value = parseJson(message.data);
  if (value === undefined) return refuse('/', 'is not JSON');
  const read = definitions === undefined ? readAny(value) : readEvent(definitions, value);
  if (!read.ok) return read;
  const subject = subjectOf(read.event);
  if (subject !== message.subject) return refuse('/subject', `belongs on ${subject}, but came on ${message.subject}`);
  return { ok: true, event: withTrace(read.event, message.headers) };
}

/** The text as JSON; undefined where it is none. */
export function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8')) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readAny(value: unknown): Decoded {
  const why = checkEnvelope(value);
  return why.length > 0 ? { ok: false, why } : { ok: true, event: value as Event };
}

function withTrace(event: Event, fields: MsgHdrs | undefined): Event {
  const traceparent = fields?.get(traceHeader);
  const usable = event.traceparent === undefined && traceparent !== undefined && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent);
  return usable ? { ...event, traceparent } : event;
}

const refuse = (path: string, message: string): Decoded => ({ ok: false, why: [{ path, message }] });
