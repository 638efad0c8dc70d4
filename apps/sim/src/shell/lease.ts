/** Discover, offer, request, ack (RFC 2131 §3.1), with the patience of the program that asks. */
import { setTimeout as pause } from 'node:timers/promises';
import { bootFile, encode, findSubOption, ipxeFeatures, IpxeSubOption, MessageType, messageType, serverId, type DhcpMessage } from '@ironbus/wire';
import { clientMessage, patienceOf, proxyWaitMs, type BootStage, type Draft } from '../core/clients.ts';
import type { Spec } from '../core/spec.ts';
import type { Place } from './place.ts';

export type Lease = { address: string; nextServer: string; file: string };
/** Sends one request of a boot, with all its repetitions: the machine may lose its power before it or after its answer came. */
export type Send = <T>(request: string, send: () => Promise<T>) => Promise<T>;
/** `retry` is called before each repetition. */
export type Asker = { spec: Spec; signal: AbortSignal; retry: (what: string) => void; send: Send };

/** Undefined where nobody answered for as long as this client asks. Rejects with the signal's reason. */
export async function takeLease(place: Place, asker: Asker, stage: BootStage): Promise<Lease | undefined> {
  const { spec, signal } = asker;
  const { collectMs } = patienceOf(stage, spec.firmware);
  const xid = place.dice.u32();
  const offer = await asker.send(`discover ${stage}`, () => ask(place, asker, { spec, stage, type: MessageType.discover, xid }));
  if (offer === undefined) return undefined;
  const moreMs = stage === 'ipxe' && !saysNoProxy(offer) ? proxyWaitMs : collectMs;
  if (moreMs > 0) await pause(moreMs * place.pace, undefined, { signal });
  const ack = await asker.send(`request ${stage}`, () => ask(place, asker, { spec, stage, type: MessageType.request, xid, address: offer.yiaddr, server: serverId(offer) }));
  if (ack === undefined || messageType(ack) !== MessageType.ack) return undefined;
  return { address: ack.yiaddr, nextServer: ack.siaddr, file: bootFile(ack) ?? '' };
}

const saysNoProxy = (offer: DhcpMessage): boolean => findSubOption(ipxeFeatures(offer)?.subOptions, IpxeSubOption.noProxyDhcp)?.[0] === 1;

async function ask({ wire, dice, pace }: Place, { spec, signal, retry }: Asker, draft: Omit<Draft, 'secs' | 'giaddr'>): Promise<DhcpMessage | undefined> {
  const answered = Promise.withResolvers<DhcpMessage>();
  const wanted = draft.type === MessageType.discover ? [MessageType.offer] : [MessageType.ack, MessageType.nak];
  const beganAt = performance.now();
  const unlisten = wire.listen(draft.xid, (answer) => {
    if ((wanted as (number | undefined)[]).includes(messageType(answer)) && dice.copies() > 0) answered.resolve(answer);
  });
  try {
    const { discoverMs, requestMs, jitterMs } = patienceOf(draft.stage, spec.firmware);
    for (const [round, waitMs] of (draft.type === MessageType.discover ? discoverMs : requestMs).entries()) {
      signal.throwIfAborted();
      if (round > 0) retry(`dhcp-${draft.stage}`);
      const secs = Math.floor((performance.now() - beganAt) / (1_000 * pace));
      const bytes = encode(clientMessage({ ...draft, secs, giaddr: wire.relay }));
      for (let copy = dice.copies(); copy > 0; copy -= 1) wire.send(bytes, spec.mac);
      const answer = await within(answered.promise, (waitMs + jitterMs * (2 * dice.roll() - 1)) * pace, signal);
      if (answer !== undefined) return answer;
    }
    return undefined;
  } finally {
    unlisten();
  }
}

/**
 * What the promise gives, or undefined once the time is over. Rejects with the signal's reason. A machine is on time, but a process that
 * plays thousands may not be: what came in time and waits in a socket is read first, for as long as the timer was late.
 */
export function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    let timer: NodeJS.Timeout;
    const dueAt = performance.now() + ms;
    const settle = (): void => { clearTimeout(timer); signal.removeEventListener('abort', onAbort); };
    const onAbort = (): void => { settle(); reject(signal.reason); };
    const onDue = (): void => {
      const lateMs = performance.now() - dueAt;
      timer = setTimeout(() => { settle(); resolve(undefined); }, lateMs > mostLateMs ? lateMs : 0);
    };
    timer = setTimeout(onDue, ms);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then((value) => { settle(); resolve(value); }, (error: unknown) => { settle(); reject(error); });
  });
}

/** Later than this is no rounding. */
const mostLateMs = 20;
