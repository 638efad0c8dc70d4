/** network.probe-requested → a probe of the network's wire → dhcp.probed. One replica of the rack acts on each request. */
import { dhcpProbed, type Event, type ForeignServer, type Network, type networkProbeRequested } from '@ironbus/contracts';
import { react, type Bus, type Subscription } from '@ironbus/bus';
import { orAborted, type Logger } from '@ironbus/runtime';
import type { ProbeOutcome } from '../core/authority.ts';
import { probeNetwork } from '../manifest.ts';

export type ProbeRequestParts = {
  bus: Bus; log: Pick<Logger, 'info'>; now: () => number;
  /** Resolves once the networks were heard. */
  networksHeard: () => Promise<void>;
  network: (id: string) => Network | undefined;
  probe: (device: string, signal: AbortSignal) => Promise<ProbeOutcome>;
  /** What a probe found, for those who would ask the same. */
  onOutcome: (device: string, outcome: ProbeOutcome) => void;
};
type Requested = Event<typeof networkProbeRequested>;
type Result = { device: string; servers: ForeignServer[]; failure: string | null };

/** Nobody waits for an older one any more; a durable that was made anew reads the whole log. */
const lateMs = 10 * 60_000;

export class ProbeRequests {
  readonly #parts: ProbeRequestParts;
  readonly #stopper = new AbortController();
  #subscription: Subscription | undefined;

  constructor(parts: ProbeRequestParts) {
    this.#parts = parts;
  }

  start(): void {
    const { bus } = this.#parts;
    this.#subscription = bus.consume({
      durable: `${probeNetwork.durable}-${bus.origin.rack}`, definitions: probeNetwork.events, handler: (event) => this.#on(event),
    });
  }

  /** A request under way is left to another replica, or to this one after its restart. */
  async stop(): Promise<void> {
    this.#stopper.abort(new Error('the service stops'));
    await this.#subscription?.stop();
  }

  async #on(event: Requested): Promise<void> {
    const { bus, log, now } = this.#parts;
    const { network, rack } = event.data;
    if (rack !== bus.origin.rack) return;
    if (now() - Date.parse(event.time) > lateMs) return log.info({ network, eventId: event.id, reason: 'late' }, 'probe request ignored');
    const result = await this.#probe(network);
    await bus.publish(dhcpProbed, react(event, dhcpProbed, { key: network, data: { network, ...result } }));
    log.info({ network, device: result.device, servers: result.servers.length, eventId: event.id, reason: result.failure }, 'network probed');
  }

  async #probe(id: string): Promise<Result> {
    await orAborted(this.#parts.networksHeard(), this.#stopper.signal);
    const network = this.#parts.network(id);
    const failed = (failure: string): Result => ({ device: network?.interface ?? '', servers: [], failure: failure.slice(0, 500) });
    if (network === undefined) return failed(`this rack has no network ${id}`);
    if (network.relayed) return failed('the network is behind a relay: this rack has no wire there to ask on');
    const outcome = await this.#parts.probe(network.interface, this.#stopper.signal);
    this.#parts.onOutcome(network.interface, outcome);
    return outcome.ok ? { device: network.interface, servers: [...outcome.servers], failure: null } : failed(outcome.why);
  }
}
