/**
 * The envelope of everything on the bus: CloudEvents 1.0 in structured JSON, with Ironbus' extensions.
 * `id` is the NATS message id; a reaction's id is derived from its cause, so a redelivery makes the same ids again.
 */
import { createHash, randomUUID } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { lazyCheck, type EventDefinition, type DataOf, type Violation } from './define-event.ts';
import { EventIdText, Timestamp, Token, type EventId } from './primitives.ts';
import { regionToken, rackServices, type ServiceName } from './services.ts';
import { IronbusError } from './errors.ts';

export const Envelope = Type.Object({
  specversion: Type.Literal('1.0'),
  id: EventIdText,
  type: Type.String({ pattern: '^[a-z]+(-[a-z]+)*\\.[a-z]+(-[a-z]+)*$', maxLength: 64 }),
  source: Type.String({ pattern: '^/(racks/[a-z0-9-]+|region)/[a-z]+/[A-Za-z0-9_.-]+$', maxLength: 200 }),
  subject: Type.String({ pattern: '^[a-z0-9-]+$', maxLength: 64 }),
  time: Timestamp,
  datacontenttype: Type.Literal('application/json'),
  dataschema: Type.String({ maxLength: 200 }),
  nodeid: Type.Optional(Token),
  bootid: Type.Optional(Type.String({ maxLength: 64 })),
  correlationid: Type.Optional(Type.String({ maxLength: 128 })),
  causationid: Type.Optional(Type.String({ maxLength: 128 })),
  traceparent: Type.Optional(Type.String({ pattern: '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' })),
  data: Type.Unknown(),
}, { additionalProperties: true });
export type Envelope = Static<typeof Envelope>;

/** An event whose data was checked against its type. */
export type Event<D extends EventDefinition = EventDefinition> = Omit<Envelope, 'data' | 'type'> & { type: D['type']; data: DataOf<D> };

/** Where an event is made: which service, on which rack (none for region services), which instance of it. */
export type Origin = { service: ServiceName; rack: string; instance: string };

export type Context = {
  nodeid?: string | undefined; bootid?: string | undefined;
  correlationid?: string | undefined; causationid?: string | undefined; traceparent?: string | undefined;
};

export type Draft<D extends EventDefinition> = Context & { key: string; data: DataOf<D>; id?: EventId | undefined; time?: Date | undefined };

const checkEnvelope = lazyCheck(Envelope);

export const newEventId = (): EventId => randomUUID() as EventId;

/** The id of the n-th event of one type that one cause leads to: the same for every redelivery of the cause. */
export function reactionId(cause: string, type: string, ordinal: number | string = 0): EventId {
  return createHash('sha256').update(`${cause}\n${type}\n${ordinal}`).digest('base64url').slice(0, 32) as EventId;
}

/** The rack token of everything an origin publishes. */
export const rackToken = (origin: Origin): string => rackServices.includes(origin.service) ? origin.rack : regionToken;

export function sourceOf(origin: Origin): string {
  const place = rackServices.includes(origin.service) ? `/racks/${origin.rack}` : `/${regionToken}`;
  return `${place}/${origin.service}/${origin.instance}`;
}

/** Builds and checks one event. Throws EVENT_FOREIGN where the origin does not own the type, EVENT_INVALID where data violates the schema. */
export function makeEvent<D extends EventDefinition>(definition: D, origin: Origin, draft: Draft<D>): Event<D> {
  if (definition.owner !== origin.service) {
    throw new IronbusError('EVENT_FOREIGN', `${origin.service} may not publish ${definition.type}: its owner is ${definition.owner}`);
  }
  const { key, data, id, time, ...context } = draft;
  const event = {
    specversion: '1.0' as const, id: id ?? newEventId(), type: definition.type, source: sourceOf(origin), subject: key,
    time: (time ?? new Date()).toISOString(), datacontenttype: 'application/json' as const, dataschema: schemaUri(definition.type),
    ...defined(context), data,
  } as Event<D>;
  refuse(definition.type, [...checkEnvelope(event), ...definition.check(data).map(inData)]);
  return event;
}

function defined(context: Context): Context {
  const { nodeid, bootid, correlationid, causationid, traceparent } = context;
  return {
    ...(nodeid !== undefined && { nodeid }), ...(bootid !== undefined && { bootid }), ...(correlationid !== undefined && { correlationid }),
    ...(causationid !== undefined && { causationid }), ...(traceparent !== undefined && { traceparent }),
  };
}

/** Reads one event from outside. Never throws: a malformed message is a value with every violation. */
export function readEvent<D extends EventDefinition>(definitions: readonly D[], value: unknown): { ok: true; event: Event<D> } | { ok: false; why: Violation[] } {
  const envelope = checkEnvelope(value);
  if (envelope.length > 0) return { ok: false, why: envelope };
  const event = value as Event<D>;
  const definition = definitions.find((candidate) => candidate.type === event.type);
  if (definition === undefined) return { ok: false, why: [{ path: '/type', message: `${event.type} is not a type this consumer reads` }] };
  const why = [...checkOwner(definition, event.source), ...definition.check(event.data).map(inData)];
  return why.length > 0 ? { ok: false, why } : { ok: true, event };
}

export const schemaUri = (type: string): string => `schemas/${type}.json`;

/** `<noun>.<fact>.<rack>.<key>`, e.g. `lease.offered.rack1.525400123456`. */
export function subjectOf(event: Pick<Envelope, 'type' | 'source' | 'subject'>): string {
  const place = event.source.split('/');
  return `${event.type}.${place[1] === 'racks' ? place[2] : regionToken}.${event.subject}`;
}

const inData = (violation: Violation): Violation => ({ ...violation, path: `/data${violation.path === '/' ? '' : violation.path}` });

function checkOwner(definition: EventDefinition, source: string): Violation[] {
  const service = source.split('/').at(-2);
  return service === definition.owner ? [] : [{ path: '/source', message: `${definition.type} belongs to ${definition.owner}, not to ${service}` }];
}

function refuse(type: string, why: Violation[]): void {
  if (why.length === 0) return;
  const text = why.map((violation) => `${violation.path} ${violation.message}`).join('; ');
  throw new IronbusError('EVENT_INVALID', `${type} was not published: ${text}`);
}
