/** What the bus's own integration tests share: a small catalogue, a log that remembers, and buses that are closed. */
import { after, before } from 'node:test';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Type } from 'typebox';
import { defineBucket, defineEvent, type EventDefinition, type Event, type Origin } from '@ironbus/contracts';
import { openBus, ensureTopology, type Bus, type BusOptions } from '../bus.ts';
import { startNats, type NatsServer } from '../../../testkit/src/nats-server.ts';
import type { Log } from '../types.ts';

export const probeDone = defineEvent({ type: 'probe.done', owner: 'dhcp', stream: 'FACTS', key: 'mac', doc: 'test', data: { n: Type.Integer() } });
export const probeFailed = defineEvent({ type: 'probe.failed', owner: 'dhcp', stream: 'FACTS', key: 'mac', doc: 'test', data: { why: Type.String() } });
export const probeSeen = defineEvent({ type: 'probe.seen', owner: 'dhcp', stream: 'OBSERVATIONS', key: 'mac', doc: 'test', data: { n: Type.Integer() } });
export const probes = defineBucket({ bucket: 'probes', owner: 'dhcp', doc: 'test', key: 'name', history: 2, value: Type.Object({ n: Type.Integer() }) });
export const topology = { catalog: [probeDone, probeFailed, probeSeen] as readonly EventDefinition[], buckets: [probes] };

export const dhcp: Origin = { service: 'dhcp', rack: 'rack1', instance: 'a' };
export const api: Origin = { service: 'api', rack: 'rack1', instance: 'a' };

export type Line = { level: string; message: string; fields: Record<string, unknown> };

export function rememberingLog(): Log & { lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, message: string) => { lines.push({ level, message, fields: fields as Record<string, unknown> }); };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A nats-server of the file's own, and JetStream as its clients see it, from before the first test to after the last. */
export function useJetStream(): { nats: NatsServer; raw: NatsConnection; jsm: JetStreamManager } {
  const used = {} as { nats: NatsServer; raw: NatsConnection; jsm: JetStreamManager };
  before(async () => {
    used.nats = await startNats();
    used.raw = await connect({ servers: used.nats.url });
    used.jsm = await jetstreamManager(used.raw);
  });
  after(async () => { await used.raw.close(); await used.nats.stop(); });
  return used;
}

/** A bus whose counts are in `counts` by name. */
export function testBus(servers: string, options: Partial<BusOptions> = {}): Bus & { counts: Map<string, number>; lines: Line[] } {
  const counts = new Map<string, number>();
  const log = rememberingLog();
  const count = (what: string): void => { counts.set(what, (counts.get(what) ?? 0) + 1); };
  const bus = openBus({ servers, origin: dhcp, log, count, ...options });
  return Object.assign(bus, { counts, lines: log.lines });
}

/** A connected bus on streams and buckets that are there. */
export async function readyBus(server: NatsServer, options: Partial<BusOptions> = {}): Promise<ReturnType<typeof testBus>> {
  const bus = testBus(server.url, options);
  await ensureTopology(bus, topology);
  return bus;
}

export const numberOf = (event: Pick<Event, 'data'>): number => (event.data as { n: number }).n;
