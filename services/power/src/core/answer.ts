/** What a request is answered with: kept until it was published, so that a request carried out is never carried out again. */
import { IronbusError, type ErrorCode, type PowerState } from '@ironbus/contracts';

export type Answer =
  | { is: 'changed'; state: PowerState; previous: PowerState; bootDeviceVerified: boolean | null; seconds: number }
  | { is: 'observed'; state: PowerState }
  | { is: 'failed'; reason: string; message: string };
/** `told`: it was published. */
export type Answered = { sequence: number; answer: Answer; told: boolean };

/** Why a request is given up: a newer one for the same machine is there. */
export class Superseded extends Error {
  constructor(sequence: number) {
    super(`a newer request (${sequence}) came before this one was done`);
    this.name = 'Superseded';
  }
}

/** The region or the rack, not the machine; the bus tries such a request again for as long as it takes. */
const worldIsAway: ReadonlySet<ErrorCode> = new Set(['BUS_UNREACHABLE', 'STORE_UNREACHABLE', 'NOT_READY']);

/**
 * A failure's answer; undefined for what is not the machine's doing: bus and store away, a boot policy that this rack has
 * not seen yet (lifecycle's deadline ends that wait, a newer request supersedes it), the service stopping, defects.
 */
export function failureAnswer(error: unknown): Answer | undefined {
  if (error instanceof Superseded) return { is: 'failed', reason: 'power-superseded', message: error.message };
  if (!(error instanceof IronbusError) || worldIsAway.has(error.code)) return undefined;
  return { is: 'failed', reason: error.code.toLowerCase().replaceAll('_', '-'), message: error.message.slice(0, 2000) };
}
