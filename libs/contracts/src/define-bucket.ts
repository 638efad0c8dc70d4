/** A JetStream key-value bucket: configuration that one service publishes and others watch. */
import type { Static, TSchema } from 'typebox';
import { lazyCheck, type Violation } from './define-event.ts';
import type { ServiceName } from './services.ts';

export type BucketDefinition<Name extends string = string, Value extends TSchema = TSchema> = {
  readonly bucket: Name;
  readonly owner: ServiceName;
  readonly doc: string;
  readonly key: string;
  readonly value: Value;
  /** Kept revisions per key, 1 to 64. */
  readonly history: number;
  readonly check: (value: unknown) => Violation[];
};

export type ValueOf<B> = B extends BucketDefinition<string, infer S> ? Static<S> : never;

/** Declares one bucket. Keys are `[a-z0-9._-]`, values JSON that the schema admits. */
export function defineBucket<const Name extends string, S extends TSchema>(
  declared: Omit<BucketDefinition<Name, S>, 'check' | 'history'> & { history?: number },
): BucketDefinition<Name, S> {
  return Object.freeze({ history: 1, ...declared, check: lazyCheck(declared.value) });
}
