/** What a service says to and hears from the bus, as data: the event-flow diagram and the checks are drawn from it. */
import type { BucketDefinition } from './define-bucket.ts';
import type { EventDefinition } from './define-event.ts';
import type { ServiceName } from './services.ts';

export type Manifest = {
  readonly service: ServiceName;
  readonly publishes: readonly EventDefinition[];
  readonly consumes: readonly { readonly durable: string; readonly events: readonly EventDefinition[] }[];
  readonly writes: readonly BucketDefinition[];
  readonly watches: readonly BucketDefinition[];
};

/** Refuses, at import, a service that claims another's types or buckets. */
export function defineManifest<const M extends Manifest>(manifest: M): M {
  const foreign = [
    ...manifest.publishes.filter((event) => event.owner !== manifest.service).map((event) => event.type),
    ...manifest.writes.filter((bucket) => bucket.owner !== manifest.service).map((bucket) => bucket.bucket),
  ];
  if (foreign.length > 0) throw new Error(`${manifest.service} can not publish ${foreign.join(', ')}: another service owns it`);
  return Object.freeze(manifest);
}
