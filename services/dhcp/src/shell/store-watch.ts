/**
 * Says loudly when Redis is away and when it is back: an error in the log, an event, the text in /readyz. Knows it from the
 * connection, and from questions that got no answer: a Redis that hangs keeps its connection for a while.
 * Decides nothing about leases: what was extended and refused meanwhile is told to it.
 */
import { dhcpStoreLost, dhcpStoreRegained } from '@ironbus/contracts';
import type { Bus, Log } from '@ironbus/bus';
import type { Ready } from '@ironbus/runtime';

export type StoreWatchOptions = {
  bus: Pick<Bus, 'observe' | 'origin'>; log: Pick<Log, 'info' | 'error'>;
  ready: () => Ready;
  /** Leases that can be extended from memory. */
  knownLeases: () => number;
  /** A clock that only goes forward. */
  nowMs: () => number;
};
type Away = { sinceMs: number; why: string; extended: number; refused: number };

/** At the start the connection may take this long before it is a loss. */
const patienceMs = 5_000;
/** That long after a question without an answer Redis counts as away, whatever the connection says. */
const doubtMs = 3_000;
/** How often the log repeats it. */
const repeatMs = 60_000;

export class StoreWatch {
  readonly #options: StoreWatchOptions;
  readonly #startedAtMs: number;
  #away: Away | undefined;
  #saidAtMs = 0;
  #failedAtMs: number | undefined;
  #wasThere = false;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
    this.#startedAtMs = options.nowMs();
  }

  /** A lease was extended from memory because Redis did not answer. */
  noteExtended(): void {
    this.#failed();
    if (this.#away !== undefined) this.#away.extended += 1;
  }

  /** A client got nothing because Redis did not answer. */
  noteRefused(): void {
    this.#failed();
    if (this.#away !== undefined) this.#away.refused += 1;
  }

  /** Called every second: notices the loss and the return. */
  check(): void {
    const why = this.#whyAway();
    if (why === undefined) return this.#back();
    if (!this.#wasThere && this.#failedAtMs === undefined && this.#options.nowMs() - this.#startedAtMs < patienceMs) return;
    this.#lost(why);
  }

  /** For /readyz. */
  health(): Ready {
    const why = this.#whyAway();
    if (why === undefined) return { ready: true };
    const away = this.#away;
    const counts = away === undefined ? '' : ` (for ${this.#awaySeconds(away)} s: ${away.extended} extended, ${away.refused} refused)`;
    return { ready: false, why: `${why}: known leases are extended from memory, new ones are refused${counts}` };
  }

  /** Whether new leases can be given out now, for the entry in dhcp-servers. */
  isThere(): boolean {
    return this.#whyAway() === undefined;
  }

  #failed(): void {
    this.#failedAtMs = this.#options.nowMs();
    this.check();
  }

  #whyAway(): string | undefined {
    const state = this.#options.ready();
    if (!state.ready) return state.why;
    const doubt = this.#failedAtMs !== undefined && this.#options.nowMs() - this.#failedAtMs < doubtMs;
    return doubt ? 'redis does not answer questions' : undefined;
  }

  #lost(why: string): void {
    const { bus, log, knownLeases, nowMs } = this.#options;
    const first = this.#away === undefined;
    this.#away ??= { sinceMs: nowMs(), why, extended: 0, refused: 0 };
    this.#away.why = why;
    if (!first && nowMs() - this.#saidAtMs < repeatMs) return;
    this.#saidAtMs = nowMs();
    const known = knownLeases();
    const { extended, refused } = this.#away;
    log.error({ reason: why, knownLeases: known, awaySeconds: this.#awaySeconds(this.#away), extended, refused }, 'redis is away: known leases are extended from memory, new ones are refused');
    if (first) bus.observe(dhcpStoreLost, { key: instanceToken(bus.origin.instance), data: { instance: bus.origin.instance, why: why.slice(0, 500), knownLeases: known } });
  }

  #back(): void {
    this.#wasThere = true;
    this.#failedAtMs = undefined;
    const away = this.#away;
    if (away === undefined) return;
    this.#away = undefined;
    const { bus, log } = this.#options;
    const data = { instance: bus.origin.instance, awaySeconds: this.#awaySeconds(away), extended: away.extended, refused: away.refused };
    log.info({ reason: away.why, ...data }, 'redis is back: new leases are given out again');
    bus.observe(dhcpStoreRegained, { key: instanceToken(bus.origin.instance), data });
  }

  #awaySeconds({ sinceMs }: Away): number {
    return Math.round((this.#options.nowMs() - sinceMs) / 100) / 10;
  }
}

/** The instance as a subject token: lower case, letters, digits and dashes, at most 63. */
export const instanceToken = (instance: string): string => instance.toLowerCase().replace(/[^a-z0-9-]/g, '-').slice(0, 63);
