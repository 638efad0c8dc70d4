/** What every route and worker of the api stands on. */
import type { Bus, View } from '@ironbus/bus';
import type { dhcpServersBucket, Event, EventDefinition, Origin } from '@ironbus/contracts';
import type { Logger } from '@ironbus/runtime';
import type { Store } from '@ironbus/store';
import type { ApiConfig } from '../config.ts';
import type { SchemaCheck } from '../core/cloud-config.ts';
import type { Identity } from '../core/keys.ts';
import type { ImageStore } from './image-store.ts';
import type { KeyStore } from './key-store.ts';
import type { LeaseView } from './lease-view.ts';
import type { NodeView } from './node-view.ts';
import type { Records } from './records.ts';
import type { Secrets } from './secrets.ts';
import type { Waiters } from './waiters.ts';

export type Context = {
  config: ApiConfig; log: Logger; origin: Origin; bus: Bus; store: Store;
  keys: KeyStore; nodes: NodeView; leases: LeaseView; records: Records; secrets: Secrets; images: ImageStore; waiters: Waiters;
  /** cloud-init’s own opinion of a cloud-config. */
  cloudConfig: SchemaCheck;
  /** The dhcp replicas, as they tell of themselves. */
  dhcpServers: View<typeof dhcpServersBucket>;
};

export type AnyEvent = Event<EventDefinition>;

declare module 'fastify' {
  interface FastifyRequest { identity?: Identity }
}
