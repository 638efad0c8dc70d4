/**
 * How an event type is declared: once, as data. The catalogue, the JSON Schemas, the AsyncAPI document, the event-flow
 * diagram, NATS permissions and the TypeScript types are all derived from these declarations.
 */
import { Type, type Static, type TObject, type TProperties, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ServiceName } from './services.ts';

/** FACTS is the log that replays; OBSERVATIONS is bounded and short-lived, and no transition may need it. */
export type StreamName = 'FACTS' | 'OBSERVATIONS';
/** What the last subject token is: a MAC without separators, a node id, or the name of the thing itself (lower case, what is no letter or digit as a dash). */
export type KeyKind = 'mac' | 'node' | 'network' | 'image' | 'profile' | 'layer' | 'rack' | 'address' | 'user' | 'instance' | 'device';

export type Violation = { path: string; message: string };

export type EventDefinition<Name extends string = string, Data extends TSchema = TSchema> = {
  readonly type: Name;
  readonly owner: ServiceName;
  readonly stream: StreamName;
  readonly key: KeyKind;
  readonly doc: string;
  readonly data: Data;
  /** Every violation of the schema, none when the data is valid. */
  readonly check: (data: unknown) => Violation[];
};

export type DataOf<D> = D extends EventDefinition<string, infer S> ? Static<S> : never;

type Declared<Name extends string, P extends TProperties> = {
  type: Name; owner: ServiceName; stream: StreamName; key: KeyKind; doc: string; data: P;
};

/** Declares one event type. Readers tolerate fields newer than themselves, so objects stay open. */
export function defineEvent<const Name extends string, P extends TProperties>(declared: Declared<Name, P>): EventDefinition<Name, TObject<P>> {
  if (!/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/.test(declared.type)) throw new Error(`event type ${declared.type} is not <noun>.<fact>`);
  const data = Type.Object(declared.data, { additionalProperties: true });
  return Object.freeze({ ...declared, data, check: lazyCheck(data) });
}

/** A checker that compiles on its first use: a service pays only for the types it touches. */
export function lazyCheck(schema: TSchema): (value: unknown) => Violation[] {
  let compiled: ReturnType<typeof Compile<TSchema>> | undefined;
  return (value) => {
    compiled ??= Compile(schema);
    if (compiled.Check(value)) return [];
    return compiled.Errors(value).map((error) => ({ path: error.instancePath || '/', message: error.message }));
  };
}
