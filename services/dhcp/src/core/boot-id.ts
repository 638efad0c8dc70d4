/** When a machine's packets belong to a new boot (design.md, "Boot policy and bindings"). */
import type { Stage } from './client.ts';

export const silenceMs = 120_000;
/** The word of a power change comes after the change: BMCs are polled, and a machine may ask for an address before. */
export const powerWordMs = 15_000;

export type Boot = { bootId: string; stage: Stage; seenAtMs: number; beganAtMs: number };
/** One packet; `powerChangedAtMs` is the last change that the power service told of. `extending`: an address in use is renewed. */
export type Sign = { stage: Stage; atMs: number; powerChangedAtMs?: number | undefined; extending: boolean };
export type BootChange = 'first' | 'power' | 'stage-backwards' | 'silence';

const order: Record<Stage, number> = { firmware: 0, ipxe: 1, os: 2 };

/** Why a new boot id is due; undefined while the boot goes on. A renewal comes from a running system: its silence means nothing. */
export function newBoot(known: Boot | undefined, sign: Sign): BootChange | undefined {
  if (known === undefined) return 'first';
  if (sign.extending) return undefined;
  const forward = order[sign.stage] > order[known.stage];
  const changed = sign.powerChangedAtMs;
  if (!forward && changed !== undefined && changed > known.seenAtMs && changed - known.beganAtMs > powerWordMs) return 'power';
  if (order[sign.stage] < order[known.stage]) return 'stage-backwards';
  return sign.atMs - known.seenAtMs > silenceMs ? 'silence' : undefined;
}
