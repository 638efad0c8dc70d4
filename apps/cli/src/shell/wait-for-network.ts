/** Waiting until a rack says what became of a network's mode. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createVerdict, type Outcome } from '../core/becoming.ts';
import { CliError } from '../core/errors.ts';
import type { NetworkStatus } from '../core/network.ts';
import type { Client } from './client.ts';
import { path } from './context.ts';

export const patienceMs = 12_000;
const betweenMs = 400;

export const readStatus = (client: Client, id: string): Promise<NetworkStatus> => client.get<NetworkStatus>(path`/api/v1/networks/${id}/status`);

/** Undefined for a network that there is none of yet. */
export async function statusBefore(client: Client, id: string): Promise<NetworkStatus | undefined> {
  try {
    return await readStatus(client, id);
  } catch (error) {
    if (error instanceof CliError && error.code === 'NETWORK_UNKNOWN') return undefined;
    throw error;
  }
}

/** The last status seen, and whether it is the end. */
export async function waitForNetwork(client: Client, id: string, { before, signal }: { before: NetworkStatus | undefined; signal: AbortSignal }): Promise<{
  status: NetworkStatus; outcome: Outcome }> {
  const verdict = createVerdict(before);
  const endAt = Date.now() + patienceMs;
  for (;;) {
    const status = await readStatus(client, id);
    const outcome = verdict(status);
    if (outcome.settled || Date.now() >= endAt || signal.aborted) return { status, outcome };
    await sleep(betweenMs, undefined, { signal }).catch((error: unknown) => { if (!signal.aborted) throw error; });
  }
}
