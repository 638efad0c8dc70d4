/** Reads every BMC's power state now and then, a few at a time; publishes only what differs from the last known state. */
import { setTimeout as pause } from 'node:timers/promises';
import { type bmcBucket, IronbusError, powerObserved, type PowerState } from '@ironbus/contracts';
import type { View } from '@ironbus/bus';
import { openBmc } from './bmc.ts';
import type { Hands } from './on-power-requested.ts';

const atOnce = 8;
type Seen = { state: PowerState; why?: IronbusError };

/** Goes on until the service stops; a BMC that fails is state `error`, published once. A machine that is being switched is left alone. */
export async function pollForEver(hands: Hands, view: View<typeof bmcBucket>): Promise<void> {
  const { config: { pollSeconds, rackId }, stopping } = hands;
  while (pollSeconds > 0 && !stopping.aborted) {
    await pause(pollSeconds * 1000, undefined, { signal: stopping }).catch(() => stopping.aborted);
    const nodes = [...view.entries()].filter(([, value]) => value.sealed.rack === rackId).map(([node]) => node);
    for (let at = 0; at < nodes.length && !stopping.aborted; at += atOnce) {
      await Promise.all(nodes.slice(at, at + atOnce).map((node) => observe(hands, node)));
    }
  }
}

async function observe(hands: Hands, node: string): Promise<void> {
  const { known, log } = hands;
  if (known.isBusy(node)) return;
  const before = known.state(node);
  const { state, why } = await read(hands, node);
  if (hands.stopping.aborted || known.isBusy(node) || known.state(node) !== before || state === before) return;
  known.note(node, state);
  if (why !== undefined) log.warn({ node, reason: why.code, message: why.message }, 'power state could not be read');
  await hands.bus.publish(powerObserved, { key: node, nodeid: node, data: { sequence: 0, action: 'status', state } }).catch((error: unknown) => {
    known.forget(node);
    log.warn({ node, err: error }, 'power state was not published');
  });
}

async function read({ run, parameters, config, stopping }: Hands, node: string): Promise<Seen> {
  try {
    return { state: await openBmc({ run, parameters: parameters(node), firmware: null, times: { ...config, attempts: 1 }, signal: stopping }).state() };
  } catch (error) {
    if (error instanceof IronbusError) return { state: 'error', why: error };
    if (stopping.aborted) return { state: 'unknown' };
    throw error;
  }
}
