/** Pulls for ever: over broken connections, servers that come back empty, and consumers or streams that were deleted. */
import { backOffMs, pause } from './back-off.ts';
import type { Link, Session } from './connect.ts';
import { Pull, type Pulled, type Target } from './pull.ts';

export type KeepPulling = {
  link: Link;
  /** For logs: who reads. */
  what: string;
  /** Makes sure of the consumer, at each session and after each loss. Rejects where that is not possible (yet). */
  prepare: (session: Session) => Promise<Target>;
  room: () => number;
  onMessage: (message: Pulled) => void;
};

export class Puller {
  readonly #plan: KeepPulling;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #restart = new AbortController();
  #pull: Pull | undefined;
  #failures = 0;

  constructor(plan: KeepPulling) {
    this.#plan = plan;
    this.#running = this.#run();
  }

  /** To be called whenever there is room again. */
  more(): void {
    this.#pull?.more();
  }

  /** Begins anew with `prepare`, e.g. after a gap. */
  restart(): void {
    this.#restart.abort();
  }

  /** Messages that were on their way still arrive while this waits, and none after it. */
  stop(): Promise<void> {
    this.#stop.abort();
    this.#restart.abort();
    return this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const session = await this.#plan.link.nextSession(this.#stop.signal);
      if (session === undefined) return;
      const why = await this.#once(session);
      if (why === undefined || session.ended.aborted || this.#stop.signal.aborted) continue;
      this.#failures++;
      const waitMs = backOffMs(this.#failures, { firstMs: 100, mostMs: 5000 });
      this.#plan.link.log[this.#failures > 2 ? 'warn' : 'debug']({ reader: this.#plan.what, reason: why, waitMs }, 'reading was interrupted');
      await pause(waitMs, AbortSignal.any([session.ended, this.#stop.signal]));
    }
  }

  /** Reads until something ends it; returns what went wrong, undefined where nothing did. */
  async #once(session: Session): Promise<string | undefined> {
    this.#restart = new AbortController();
    try {
      const target = await this.#plan.prepare(session);
      const { room, onMessage } = this.#plan;
      const stop = AbortSignal.any([this.#stop.signal, this.#restart.signal]);
      this.#pull = new Pull(session, { target, room, onMessage, onLive: () => (this.#failures = 0), stop });
      const end = await this.#pull.over;
      return end === 'stopped' ? undefined : end;
    } catch (error) {
      return (error as Error).message;
    } finally {
      this.#pull = undefined;
    }
  }
}
