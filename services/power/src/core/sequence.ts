/** The order of commands behind one requested action. Each change names the state that has to be read back before the next. */
import type { BootDevice, PowerAction, PowerState } from '@ironbus/contracts';

export type Change = 'on' | 'off' | 'soft';
export type Step =
  | { do: 'set-boot-device'; device: BootDevice }
  | { do: Change; until: PowerState };

/**
 * A cycle is off, confirmed, then on, confirmed: a BMC's own "cycle" can not be told from one that did nothing.
 * Nothing is sent for a state that is there already, except that a cycle always ends with a fresh start.
 */
export function stepsFor(action: PowerAction, device: BootDevice, now: PowerState): Step[] {
  const boot: Step[] = device === 'unchanged' ? [] : [{ do: 'set-boot-device', device }];
  const off: Step[] = now === 'off' ? [] : [{ do: 'off', until: 'off' }];
  const on: Step = { do: 'on', until: 'on' };
  switch (action) {
    case 'status': return [];
    case 'on': return now === 'on' ? boot : [...boot, on];
    case 'off': return off;
    case 'soft': return now === 'off' ? [] : [{ do: 'soft', until: 'off' }];
    case 'cycle': return [...off, ...boot, on];
  }
}

/** Milliseconds before the next reading of a state that is waited for: often at first, then seldom, because BMCs hang under polling. */
export const readAgainMs = (reads: number): number => Math.min(3000, 300 * 1.5 ** (reads - 1));
