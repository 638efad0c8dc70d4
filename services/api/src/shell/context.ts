/** What every route and worker of the api stands on. */
import type { Bus } from '@ironbus/bus';
import type { Event, EventDefinition, Origin } from '@ironbus/contracts';
import type { Logger } from '@ironbus/runtime';
import type { Store } from '@ironbus/store';
import type { ApiConfig } from '../config.ts';
import type { Identity } from '../core/keys.ts';
import type { ImageStore } from './image-store.ts';
import type { KeyStore } from './key-store.ts';
import type { NodeView } from './node-view.ts';
import type { Records } from './records.ts';
import type { Secrets } from './secrets.ts';
import type { Waiters } from './waiters.ts';

export type Context = {
  config: ApiConfig; log: Logger; origin: Origin; bus: Bus; store: Store;
  keys: KeyStore; nodes: NodeView; records: Records; secrets: Secrets; images: ImageStore; waiters: Waiters;
};

export type AnyEvent = Event<EventDefinition>;

declare module 'fastify' {
  interface FastifyRequest { identity?: Identity }
}
