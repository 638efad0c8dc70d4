/**
 * This replica's entry in the bucket `dhcp-servers`: that it lives, and how each network stands here. Renewed every 5 s and
 * at once when it changes; taken away by an orderly stop, so that siblings take over without waiting for silence.
 * One write at a time: while NATS is away nothing piles up, and the next try writes what is true then.
 */
import { dhcpServersBucket, type DhcpServer, type ServedNetwork } from '@ironbus/contracts';
import type { Bucket, Bus, Log } from '@ironbus/bus';
import { systemClock, within, type Cancel, type Clock } from '@ironbus/runtime';
import type { Self, Siblings } from './siblings.ts';

export type StatusReading = { storeReady: boolean; networks: readonly ServedNetwork[] };
export type StatusOptions = {
  bus: Pick<Bus, 'kv'>; log: Pick<Log, 'debug' | 'warn' | 'info'>; self: Self; siblings: Siblings; read: () => StatusReading;
  /** Only goes forward: a wall clock set back would silence this replica. */
  nowMs: () => number;
  clock?: Clock;
};

const lookMs = 1_000;
const renewMs = 5_000;
const buryMs = 60_000;
const farewellMs = 2_000;
/** Of the contract: text that an error brought may be longer. */
const mostText = 500;
const mostNetworks = 1_024;

export class ServerStatus {
  readonly #options: StatusOptions;
  readonly #clock: Clock;
  readonly #bucket: Bucket<typeof dhcpServersBucket>;
  #timer: Cancel | undefined;
  #working: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #written: { text: string; atMs: number } | undefined;
  #lastFailure: string | undefined;
  #buriedAtMs = 0;

  constructor(options: StatusOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#bucket = options.bus.kv(dhcpServersBucket);
  }

  start(): void {
    this.#buriedAtMs = this.#options.nowMs();
    this.#look();
  }

  /** Something may stand otherwise now. Returns at once. */
  changed(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#again) this.changed(); // said while the last of the work was done
    });
  }

  /** Whether the entry was written within the last 15 s: else siblings take this replica for dead. */
  isHeard(): boolean {
    return this.#written !== undefined && this.#options.nowMs() - this.#written.atMs <= 3 * renewMs;
  }

  /**
   * Takes the entry away where a sibling goes on serving one of its networks. The last one's stays: it says for an hour
   * that this rack is the authority there, which a restart need not establish again.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.();
    const left = await within(this.#leave(), farewellMs, this.#clock);
    if (left === 'late') this.#options.log.warn({ instance: this.#options.self.instance }, 'siblings were not told of the stop, they notice within 15 s');
  }

  #look(): void {
    this.#timer = this.#clock.setTimeout(lookMs, () => this.#look());
    this.#options.siblings.check();
    this.changed();
  }

  async #work(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      await this.#writeIfDue();
    }
    await this.#bury();
  }

  /** Never rejects. Waits for the bucket's first copy, which holds what a predecessor of ours said. */
  async #writeIfDue(): Promise<void> {
    if (!this.#options.siblings.heard()) return;
    const { entry, text } = this.#entry();
    const nowMs = this.#options.nowMs();
    if (this.#written?.text === text && nowMs - this.#written.atMs < renewMs) return;
    await this.#attempt('the state of this replica could not be told', async () => {
      await this.#bucket.put(this.#options.self.key, entry);
      this.#written = { text, atMs: nowMs };
    });
  }

  /** What is compared is without the time. */
  #entry(): { entry: DhcpServer; text: string } {
    const { self, read } = this.#options;
    const { storeReady, networks } = read();
    const told = networks.slice(0, mostNetworks).map((served) => ({ ...served, why: served.why?.slice(0, mostText) ?? null, others: served.others.slice(0, 64) }));
    const { rack, instance, start, startedAt } = self;
    const entry = { rack, instance, start, startedAt, storeReady, networks: told } as unknown as Omit<DhcpServer, 'at'>;
    return { entry: { ...entry, at: this.#clock.now().toISOString() }, text: JSON.stringify(entry) };
  }

  async #bury(): Promise<void> {
    const { siblings, log } = this.#options;
    if (this.#stopped || this.#options.nowMs() - this.#buriedAtMs < buryMs) return;
    this.#buriedAtMs = this.#options.nowMs();
    for (const key of siblings.buriable()) {
      await this.#attempt('the entry of a dead replica could not be removed', () => this.#bucket.delete(key));
      log.info({ key }, 'a dhcp replica is gone for an hour, its entry is removed');
    }
  }

  async #leave(): Promise<void> {
    const { siblings, self, read } = this.#options;
    await this.#working;
    if (!read().networks.some(({ network }) => siblings.isServedBesides(network))) return;
    await this.#attempt('siblings were not told of the stop, they notice within 15 s', async () => {
      const found = await this.#bucket.get(self.key);
      // What another process wrote under our name is not ours to take away.
      if (found?.value.start === self.start) await this.#bucket.delete(self.key);
    });
  }

  /** The same failure again is not worth a second warning. */
  async #attempt(what: string, task: () => Promise<void>): Promise<void> {
    const { log } = this.#options;
    try {
      await task();
      this.#lastFailure = undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log[reason === this.#lastFailure ? 'debug' : 'warn']({ reason }, what);
      this.#lastFailure = reason;
    }
  }
}
