/** power.requested → the BMC → power.changed or power.failed. */
import { IronbusError, powerChanged, powerFailed, powerObserved, type powerRequested, type Event } from '@ironbus/contracts';
import { react, type Bus } from '@ironbus/bus';
import { within, type Logger } from '@ironbus/runtime';
import type { PowerConfig } from '../config.ts';
import { failureAnswer, type Answer } from '../core/answer.ts';
import { openBmc } from './bmc.ts';
import type { RunIpmi } from './ipmitool.ts';
import type { Known } from './known.ts';
import type { Newest } from './newest.ts';
import type { OpenParameters } from './parameters.ts';

export type Requested = Event<typeof powerRequested>;
export type Hands = {
  config: PowerConfig; log: Logger; bus: Bus; run: RunIpmi; parameters: OpenParameters; known: Known; newest: Newest;
  /** Resolves when this rack's boot policies are at that revision. */
  policiesReached(revision: number): Promise<void>;
  stopping: AbortSignal;
};

/** Carries a request out once: its answer is kept before it is told, and a redelivery tells the kept one. */
export async function onPowerRequested(hands: Hands, event: Requested): Promise<void> {
  const { subject: node, data } = event;
  const { known, log } = hands;
  if (data.rack !== hands.config.rackId || data.type === 'manual') return;
  const before = await known.answered(node);
  if (before !== undefined && (before.sequence > data.sequence || (before.sequence === data.sequence && before.told))) {
    return log.debug({ node, eventId: event.id, reason: 'already-answered' }, 'power request ignored');
  }
  await known.whileBusy(node, async () => {
    const answer = before?.sequence === data.sequence ? before.answer : await carryOut(hands, event);
    await known.keep(node, { sequence: data.sequence, answer, told: false });
    await tell(hands, event, answer);
    await known.keep(node, { sequence: data.sequence, answer, told: true });
  });
}

/** Rejects for what is not the machine's doing: the request is then delivered again. */
async function carryOut(hands: Hands, event: Requested): Promise<Answer> {
  const { subject: node, data } = event;
  const started = Date.now();
  try {
    return await hands.newest.during(node, data.sequence, async (superseded) => {
      const signal = AbortSignal.any([superseded, hands.stopping]);
      await waitForPolicy(hands, data, signal);
      const bmc = openBmc({ run: hands.run, parameters: hands.parameters(node), firmware: data.firmware, times: hands.config, signal });
      const switched = await bmc.apply(data.action, data.bootDevice);
      if (data.action === 'status') return { is: 'observed', state: switched.state };
      return { is: 'changed', ...switched, seconds: (Date.now() - started) / 1000 };
    });
  } catch (error) {
    const answer = failureAnswer(error);
    if (answer === undefined) throw error;
    return answer;
  }
}

/** Rack services must answer by the new policy before the machine asks. */
async function waitForPolicy({ policiesReached, config }: Hands, { action, policyRevision }: Requested['data'], signal: AbortSignal): Promise<void> {
  if (policyRevision === undefined || (action !== 'on' && action !== 'cycle')) return;
  const outcome = await within(orAborted(policiesReached(policyRevision), signal), config.policySeconds * 1000);
  if (outcome === 'late') throw new IronbusError('NOT_READY', `boot policy revision ${policyRevision} has not reached this rack within ${config.policySeconds} s`);
}

/** Rejects with the signal's reason when that comes first; a later failure of the promise is nobody's any more. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

async function tell({ bus, log, known }: Hands, event: Requested, answer: Answer): Promise<void> {
  const { subject: node, data: { sequence, action } } = event;
  const { is, ...said } = answer;
  const fields = { node, eventId: event.id, action, ...said };
  if (answer.is === 'failed') {
    await bus.publish(powerFailed, react(event, powerFailed, { key: node, data: { sequence, action, reason: answer.reason, message: answer.message, final: true } }));
    known.forget(node);
    return log.warn(fields, 'power request failed');
  }
  if (answer.is === 'observed') await bus.publish(powerObserved, react(event, powerObserved, { key: node, data: { sequence, action, state: answer.state } }));
  else await bus.publish(powerChanged, react(event, powerChanged, { key: node, data: { sequence, action, state: answer.state, previous: answer.previous, bootDeviceVerified: answer.bootDeviceVerified, seconds: answer.seconds } }));
  known.note(node, answer.state);
  log.info(fields, is === 'changed' ? 'power changed' : 'power state read');
}
