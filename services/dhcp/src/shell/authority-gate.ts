/**
 * Holds back a network set to authoritative until no other server answers on its wire. Performs what core/authority.ts
 * says: probes, waits, tells. One probe of a device is enough for all networks on it.
 */
import { dhcpAuthorityRefused, type Network, type ServedNetwork } from '@ironbus/contracts';
import type { Bus } from '@ironbus/bus';
import type { Cancel, Clock, Logger } from '@ironbus/runtime';
import { afterProbe, claim, remedy, type Authority, type ProbeOutcome, type Said } from '../core/authority.ts';
import { nameServer } from '../core/foreign-server.ts';

export type GateParts = {
  /** Rejects only when the signal aborts. */
  probe: (device: string, signal: AbortSignal) => Promise<ProbeOutcome>;
  /** Whether this rack was its authority a short while ago (`servedLately` of the bucket dhcp-servers). Asked again while probing. */
  servedLately: (network: Network) => boolean;
  bus: Pick<Bus, 'observe'>; log: Pick<Logger, 'info' | 'warn' | 'error'>; clock: Clock;
  /** A network's standing changed: what is told about it is old. */
  onChange: (network: string) => void;
};
export type NetworkStanding = Pick<ServedNetwork, 'state' | 'why' | 'others'>;
type Held = { network: Network; terms: string; fresh: boolean; authority: Authority; cancel: Cancel | undefined };

export class AuthorityGate {
  readonly #parts: GateParts;
  readonly #held = new Map<string, Held>();
  /** Every network of the last `sync`, those that need no authority too. */
  #networks = new Map<string, Network>();
  readonly #underWay = new Map<string, Promise<ProbeOutcome>>();
  readonly #stopper = new AbortController();

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** Called with all networks of the rack whenever one changed, and once the bucket dhcp-servers was heard. */
  sync(networks: readonly Network[]): void {
    const before = this.#networks;
    this.#networks = new Map(networks.map((network) => [network.id, network]));
    for (const [id, { cancel }] of this.#held) if (this.#networks.get(id)?.mode !== 'authoritative') { cancel?.(); this.#held.delete(id); }
    for (const network of networks) if (network.mode === 'authoritative') this.#hold(network, !before.has(network.id));
  }

  async stop(): Promise<void> {
    this.#stopper.abort(new Error('the service stops'));
    for (const { cancel } of this.#held.values()) cancel?.();
    await Promise.allSettled(this.#underWay.values());
  }

  /** Whether packets of this network may be answered now; what mode proxy answers is not the gate's matter. */
  answers(network: Network): boolean {
    if (network.mode === 'proxy') return true;
    const held = this.#held.get(network.id);
    if (network.mode !== 'authoritative' || held?.authority.state !== 'authoritative') return false;
    return held.network === network || held.terms === termsOf(network);
  }

  state(network: string): NetworkStanding {
    const held = this.#held.get(network);
    if (held === undefined) return { state: this.#networks.get(network)?.mode ?? 'off', why: null, others: [] };
    const { state, why, others } = held.authority;
    return { state, why, others: [...others] };
  }

  /** A fresh probe that a person asked for: networks that were refused need not wait a minute. It takes no authority away. */
  learn(device: string, outcome: ProbeOutcome): void {
    for (const held of this.#held.values()) if (held.network.interface === device && held.authority.state === 'refused') this.#judge(held, outcome);
  }

  /** The terms of a claim are what a new probe is due for; `fresh`: this process never saw the network otherwise. */
  #hold(network: Network, appeared: boolean): void {
    const terms = termsOf(network);
    const known = this.#held.get(network.id);
    const servedBefore = (appeared || known?.fresh === true) && this.#parts.servedLately(network);
    if (known?.terms === terms) {
      known.network = network;
      if (!(known.authority.state === 'probing' && servedBefore)) return;
    }
    known?.cancel?.();
    const authority = claim({ relayed: network.relayed, forced: network.force === true, servedLately: servedBefore }, this.#nowMs());
    const held: Held = { network, terms, fresh: appeared || known?.terms === terms, authority, cancel: undefined };
    this.#held.set(network.id, held);
    this.#parts.onChange(network.id);
    this.#schedule(held);
  }

  #schedule(held: Held): void {
    const { probeAtMs } = held.authority;
    held.cancel?.();
    held.cancel = undefined;
    if (probeAtMs === undefined || this.#stopper.signal.aborted) return;
    const delayMs = probeAtMs - this.#nowMs();
    if (delayMs > 0) held.cancel = this.#parts.clock.setTimeout(delayMs, () => { void this.#probe(held); });
    else void this.#probe(held);
  }

  async #probe(held: Held): Promise<void> {
    try {
      const outcome = await this.#probeOnce(held.network.interface);
      if (this.#held.get(held.network.id) === held) this.#judge(held, outcome);
    } catch (error) {
      if (this.#stopper.signal.aborted) return;
      this.#parts.log.error({ network: held.network.id, err: error }, 'other dhcp servers could not be looked for');
      this.#judge(held, { ok: false, missing: false, why: String(error) });
    }
  }

  #probeOnce(device: string): Promise<ProbeOutcome> {
    const running = this.#underWay.get(device) ?? this.#parts.probe(device, this.#stopper.signal).finally(() => { this.#underWay.delete(device); });
    this.#underWay.set(device, running);
    return running;
  }

  #judge(held: Held, outcome: ProbeOutcome): void {
    const { authority, said } = afterProbe(held.authority, outcome, { forced: held.network.force === true, nowMs: this.#nowMs() });
    const changed = said !== undefined || authority.state !== held.authority.state || authority.why !== held.authority.why || authority.others.length > 0;
    held.authority = authority;
    this.#tell(held, said);
    if (changed) this.#parts.onChange(held.network.id);
    this.#schedule(held);
  }

  #tell({ network, authority }: Held, said: Said): void {
    const { log, bus } = this.#parts;
    const { id, interface: device } = network;
    const others = authority.others.map(nameServer);
    switch (said) {
      case undefined: return;
      case 'nobody-else': return log.info({ network: id, device }, 'no other dhcp server answers, the network is answered');
      case 'others-gone': return log.info({ network: id, device }, 'the other dhcp servers are gone, the network is answered from now on');
      case 'forced-beside-others': return log.warn({ network: id, device, others }, 'the network is forced: answered beside other dhcp servers');
      case 'unprobed': return log.warn({ network: id, device, reason: authority.why }, 'the network is not answered');
      case 'refused': {
        log.warn({ network: id, device, others, remedy }, 'the network is not answered: other dhcp servers answer there');
        const servers = authority.others.map(({ seenAt: _, ...server }) => server);
        return bus.observe(dhcpAuthorityRefused, { key: id, data: { network: id, device, servers } });
      }
    }
  }

  #nowMs(): number {
    return this.#parts.clock.now().getTime();
  }
}

const termsOf = ({ interface: device, relayed, force }: Network): string => `${device} ${relayed} ${force === true}`;
