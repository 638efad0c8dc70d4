/**
 * What the limits dropped, told outside: a counter for each limit under /metrics, and `dhcp.flood-limited` at the first
 * drop and then at most every ten seconds for one thing, with the count since. A flood makes few events, whatever it
 * makes up: things beyond the bound are told of together, as `others`.
 */
import type { Bus } from '@ironbus/bus';
import { dhcpFloodLimited } from '@ironbus/contracts';
import type { Cancel, Clock, Health } from '@ironbus/runtime';
import { Counter } from 'prom-client';
import { type Arrival, type LimitName, limitedThing } from '../core/limits.ts';

export type FloodReportParts = { bus: Pick<Bus, 'observe'>; registry: Health['metrics']; clock: Clock };
type Entry = { device: string; limit: LimitName; of: string; dropped: number };

const everyMs = 10_000;
const mostThings = 256;
const others = 'others';
const longestName = 200;

export class FloodReport {
  readonly #parts: FloodReportParts;
  readonly #limited: Counter<'limit'>;
  readonly #entries = new Map<string, Entry>();
  #cancel: Cancel | undefined;
  #stopped = false;

  constructor(parts: FloodReportParts) {
    this.#parts = parts;
    const registers = [parts.registry];
    this.#limited = new Counter({ name: 'dhcp_limited_total', help: 'Packets dropped by a limit against floods', labelNames: ['limit'], registers });
    for (const limit of ['client', 'port', 'relay', 'device']) this.#limited.inc({ limit }, 0);
  }

  /** Counts one dropped packet. Returns at once and never throws. */
  dropped(packet: Arrival, limit: LimitName): void {
    this.#limited.inc({ limit });
    if (this.#stopped) return;
    const { entry, first } = this.#entry(packet.device, limit, limitedThing(packet, limit).slice(0, longestName));
    entry.dropped += 1;
    if (first) this.#tell(entry);
    this.#cancel ??= this.#parts.clock.setTimeout(everyMs, () => this.#tellAll());
  }

  /** Tells what was not told yet. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    for (const entry of this.#entries.values()) this.#tell(entry);
    this.#entries.clear();
  }

  #entry(device: string, limit: LimitName, of: string): { entry: Entry; first: boolean } {
    const key = `${device} ${limit} ${of}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return { entry: known, first: false };
    // A device and a limit are few by themselves, so that `others` needs no bound.
    if (this.#entries.size >= mostThings && of !== others) return this.#entry(device, limit, others);
    const entry = { device, limit, of, dropped: 0 };
    this.#entries.set(key, entry);
    return { entry, first: true };
  }

  /** What was not dropped again for a whole turn is forgotten: its next drop is told at once. */
  #tellAll(): void {
    this.#cancel = undefined;
    for (const [key, entry] of this.#entries) {
      if (entry.dropped === 0) this.#entries.delete(key);
      else this.#tell(entry);
    }
    if (this.#entries.size > 0) this.#cancel = this.#parts.clock.setTimeout(everyMs, () => this.#tellAll());
  }

  #tell(entry: Entry): void {
    const { device, limit, of, dropped } = entry;
    if (dropped === 0) return;
    entry.dropped = 0;
    this.#parts.bus.observe(dhcpFloodLimited, { key: deviceToken(device), data: { device, limit, of, dropped } });
  }
}

/** A device's name as a subject token: lower case, what is no letter or digit as a dash. */
const deviceToken = (device: string): string => device.toLowerCase().replace(/[^a-z0-9]/g, '-');
