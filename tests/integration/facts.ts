/** The log as a reader sees it: everything since sequence 1, live, and what a query of it needs. */
import { openBus, type Bus } from '@ironbus/bus';
import type { Envelope } from '@ironbus/contracts';
import { createLogger } from '@ironbus/runtime';

export type Fact = Envelope & { sequence: number; data: Record<string, unknown> };
export type Facts = {
  readonly bus: Bus;
  /** FACTS so far, in order. */
  readonly seen: readonly Fact[];
  of(node: string, ...types: string[]): Fact[];
  /** A stream read anew from sequence 1 until its end. */
  replay(stream?: string): Promise<Fact[]>;
  close(): Promise<void>;
};

export function openFacts(natsUrl: string): Facts {
  const log = createLogger({ svc: 'facts', level: 'silent' });
  const bus = openBus({ servers: natsUrl, origin: { service: 'api', rack: 'rack1', instance: 'reader' }, log });
  const seen: Fact[] = [];
  bus.history({ stream: 'FACTS' }, (event, { sequence }) => { seen.push({ ...event, sequence } as Fact); });
  return {
    bus, seen,
    of: (node, ...types) => seen.filter((fact) => (fact.nodeid === node || fact.subject === node) && (types.length === 0 || types.includes(fact.type))),
    async replay(stream = 'FACTS') {
      const all: Fact[] = [];
      await using log = bus.history({ stream }, (event, { sequence }) => { all.push({ ...event, sequence } as Fact); });
      await log.caughtUp();
      return all;
    },
    close: () => bus.close(),
  };
}

/** `New → Commissioning` and so on, in order. */
export const transitions = (facts: readonly Fact[]): string[] =>
  facts.filter((fact) => fact.type === 'node.transitioned').map(({ data }) => `${String(data['from'])} → ${String(data['to'])}`);
