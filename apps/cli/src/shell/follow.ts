/** The event stream for as long as it takes: reconnected where it breaks, going on after the last fact seen. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Envelope } from '@ironbus/contracts';
import { CliError } from '../core/errors.ts';
import type { Client } from './client.ts';

export type Followed = { event: Envelope; sequence: string | undefined };
export type Follow = {
  query: string;
  signal: AbortSignal;
  /** Once for each connection: from then on nothing is missed. */
  onOpen?: () => void;
  onBreak?: (why: string) => void;
};

const lastRetryMs = 10_000;

/** Throws what the first connection throws, and later what another try would not mend. Ends when `signal` aborts. */
export async function* follow(client: Client, { query, signal, onOpen, onBreak }: Follow): AsyncGenerator<Followed> {
  let lastId: string | undefined;
  for (let attempt = 0, opened = false; !signal.aborted; attempt += 1) {
    try {
      const messages = await client.events(query, { lastId, signal });
      opened = true;
      attempt = 0;
      onOpen?.();
      for await (const { id, data } of messages) {
        lastId = id ?? lastId;
        yield { event: JSON.parse(data) as Envelope, sequence: id };
      }
      onBreak?.('the region closed the stream');
    } catch (error) {
      if (signal.aborted) return;
      const broken = !(error instanceof CliError) || ['UNREACHABLE', 'BUS_UNREACHABLE', 'STORE_UNREACHABLE'].includes(error.code);
      if (!opened || !broken) throw error;
      onBreak?.((error as Error).message);
    }
    await sleep(Math.min(lastRetryMs, 500 * 2 ** attempt), undefined, { signal }).catch(() => undefined);
  }
}
