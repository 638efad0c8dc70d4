/** What is told of boot requests on OBSERVATIONS: never waits, never fails a request. */
import { bootFileServed, bootRefused, bootScriptServed, macToken, type DataOf, type Mac } from '@ironbus/contracts';
import type { Answer } from '../core/answer.ts';
import { Budget } from '../core/budget.ts';
import { shownPath } from '../core/shown-path.ts';
import type { Asking } from './asker.ts';
import type { Context } from './context.ts';
import type { Sent } from './send-file.ts';

export type ScriptFlavour = NonNullable<DataOf<typeof bootScriptServed>['flavour']>;
export type Request = { asking: Asking; mac: Mac | null; path: string };

function contextOf({ views }: Context, { asking, mac }: Request) {
  const node = (mac === null ? undefined : views.policyOf(mac)?.node) ?? asking.binding?.node ?? undefined;
  return { key: mac === null ? 'unknown' : macToken(mac), nodeid: node, bootid: asking.binding?.bootId ?? undefined };
}
const asked = ({ asking, mac, path }: Request) => ({ address: asking.address, mac, path: shownPath(path) });

/** What one turn of the event loop has to tell goes out together: under load NATS then costs one write for many machines, not one each. */
const untold: (() => void)[] = [];
/**
 * Ten times what 5,000 machines that boot within a minute have to tell. A flood beyond it would push everything else out of the bounded
 * stream; no transition needs an observation, and the log still has each.
 */
const budget = new Budget({ burst: 20_000, perSecond: 1_000 });

function tell(context: Context, what: () => void): void {
  if (!budget.take(performance.now())) return;
  if (budget.refused > 0 && budget.calm) context.log.warn({ count: budget.settle() }, 'boot observations were left out: more were asked in a moment than a rack full of machines asks');
  if (untold.push(what) > 1) return;
  setImmediate(() => {
    for (const each of untold.splice(0)) {
      try {
        each();
      } catch (error) {
        context.log.error({ err: error }, 'a boot observation is no valid event');
      }
    }
  });
}

type Served = Pick<Answer, 'rule' | 'answer'> & { flavour: ScriptFlavour; times?: number | undefined };

/** `times`: what is told stands for so many requests. */
export function scriptServed(context: Context, request: Request, { rule, answer, flavour, times }: Served): void {
  const status = request.mac === null ? null : context.views.policyOf(request.mac)?.status ?? null;
  tell(context, () => context.bus.observe(bootScriptServed, { ...contextOf(context, request), data: { ...asked(request), rule, answer, status, flavour, ...(times !== undefined && { times }) } }));
  context.log.info({ mac: request.mac, address: request.asking.address, rule, answer, status, flavour, times }, 'boot script served');
}

export function fileServed(context: Context, request: Request, sent: Sent): void {
  tell(context, () => context.bus.observe(bootFileServed, { ...contextOf(context, request), data: { ...asked(request), ...sent } }));
  context.log[sent.complete ? 'info' : 'warn']({ mac: request.mac, address: request.asking.address, path: shownPath(request.path), ...sent }, 'boot file served');
}

export function refused(context: Context, request: Request, reason: string): void {
  tell(context, () => context.bus.observe(bootRefused, { ...contextOf(context, request), data: { ...asked(request), reason } }));
  context.log.warn({ mac: request.mac, address: request.asking.address, path: shownPath(request.path), reason }, 'boot request refused');
}
