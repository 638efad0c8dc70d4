/**
 * What this rack sees on its wires, and how it stands on each network: other servers, sibling replicas, addresses in use,
 * its own address. Wires the parts together; each of them says what it is for.
 */
import { networkInterfaces } from 'node:os';
import { dhcpAddressConflict, type Ipv4, type Mac, type Network, type Origin, type ServedNetwork } from '@ironbus/contracts';
import type { Bus } from '@ironbus/bus';
import { createPart, systemClock, type Health, type Logger, type Part } from '@ironbus/runtime';
import { servedLately } from '../core/authority.ts';
import { mergeSeen } from '../core/foreign-server.ts';
import { ownAddresses, serverAddressOn, type ServerAddress } from '../core/server-address.ts';
import { AddressProber, type Holder } from './address-prober.ts';
import { AuthorityGate } from './authority-gate.ts';
import { DeviceKeeper, type Closable } from './device-keeper.ts';
import type { Conflict } from './lease-stock.ts';
import type { Networks } from './networks.ts';
import { ProbeRequests } from './probe-requests.ts';
import { RogueWatch } from './rogue-watch.ts';
import { probeServers } from './server-probe.ts';
import { ServerStatus } from './server-status.ts';
import { makeSelf, Siblings } from './siblings.ts';
import type { StoreWatch } from './store-watch.ts';

export type LanParts = { bus: Bus; origin: Origin; networks: Networks; store: StoreWatch; log: Logger; now: () => number; onStanding: () => void };

const lookMs = 1_000;
const arpMs = 300;
const icmpMs = 500;
/** One card that answers for more addresses than this in one look answers for everybody: a router with proxy ARP. */
const mostOfOneCard = 4;

export class Lan {
  readonly gate: AuthorityGate;
  readonly siblings: Siblings;
  readonly rogues: RogueWatch;
  readonly #parts: LanParts;
  readonly #status: ServerStatus;
  readonly #probes: ProbeRequests;
  readonly #listeners: DeviceKeeper<Closable>;
  readonly #probers: DeviceKeeper<AddressProber>;
  #devices = networkInterfaces();
  #own: ReadonlySet<string> = ownAddresses(this.#devices);
  readonly #addresses = new Map<string, ServerAddress>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LanParts) {
    this.#parts = parts;
    const { bus, origin, networks, store, log, now } = parts;
    const nowMs = (): number => performance.now();
    const self = makeSelf(origin, new Date());
    this.siblings = new Siblings({ bus, log, self, own: () => this.served(), nowMs });
    const own = (): ReadonlySet<string> => new Set([...this.#own, ...this.siblings.ourAddresses()]);
    const probe = (device: string, signal: AbortSignal) => probeServers({ device, own }, signal);
    this.gate = new AuthorityGate({
      probe, bus, log, clock: systemClock, onChange: () => this.#changed(),
      servedLately: (network) => servedLately(this.siblings.entries(), network, now()),
    });
    const isAuthority = (network: Network): boolean => network.mode === 'authoritative' && this.gate.answers(network);
    this.rogues = new RogueWatch({ networks: () => networks.list(), isAuthority, own, bus, log, now });
    this.#listeners = new DeviceKeeper({ what: 'other servers’ answers', log, wanted: () => this.rogues.devices(), open: async (device, { index }) => this.rogues.listen({ device, index }) });
    this.#probers = new DeviceKeeper({
      what: 'address probes', log, wanted: () => networks.probedDevices(), open: (device, { index, signal }) => AddressProber.open({ device, index, log, now }, signal),
    });
    this.#status = new ServerStatus({ bus, log, self, siblings: this.siblings, nowMs, read: () => ({ storeReady: store.isThere(), networks: this.served() }) });
    this.#probes = new ProbeRequests({
      bus, log, now, probe, networksHeard: () => networks.whenHeard(), network: (id) => networks.list().find((network) => network.id === id),
      onOutcome: (device, outcome) => this.gate.learn(device, outcome),
    });
  }

  /** No other replica serves the network, as far as the bus tells. */
  isAlone(network: string): boolean {
    return this.siblings.heard() && !this.siblings.isServedBesides(network);
  }

  part(): Part {
    return createPart({
      name: 'lan',
      start: async () => {
        this.#timer = setInterval(() => this.#look(), lookMs);
        this.#status.start();
        this.#probes.start();
        await Promise.all([this.#listeners.start(), this.#probers.start()]);
      },
      stop: async () => {
        clearInterval(this.#timer);
        await Promise.all([this.#probes.stop(), this.gate.stop(), this.#status.stop(), this.#listeners.stop(), this.#probers.stop()]);
        await this.siblings.stop();
      },
    });
  }

  health(health: Health): void {
    health.check('siblings', () => this.siblings.ready());
  }

  /** Networks changed. */
  sync(): void {
    this.#addresses.clear();
    // A sibling must not look like a stranger, and our own entry of before a restart must not be missed.
    if (this.siblings.heard()) this.gate.sync(this.#parts.networks.list());
    void this.#listeners.sync();
    void this.#probers.sync();
    this.#changed();
  }

  /** All addresses of this host. */
  own(): ReadonlySet<string> {
    return this.#own;
  }

  /** The address that this replica is known by on a network; undefined where it is not on it. */
  serverAddress(network: Network): Ipv4 | undefined {
    const found = this.#addressOn(network);
    return found.ok ? found.address : undefined;
  }

  /** How each network stands here. */
  served(): ServedNetwork[] {
    return this.#parts.networks.list().map((network) => {
      const address = this.#addressOn(network);
      const { state, why, others } = this.gate.state(network.id);
      const seen = mergeSeen([...others, ...this.rogues.others(network.id)]);
      if (!address.ok && network.mode !== 'off') return { network: network.id, serverAddress: network.serverAddress, state: address.state, why: address.why, others: seen };
      const waiting = !this.siblings.heard() && network.mode === 'authoritative';
      return { network: network.id, serverAddress: address.ok ? address.address : network.serverAddress, state: waiting ? 'probing' : state, why, others: seen };
    });
  }

  /** Who uses addresses that should be free; undefined where the network is not to be probed or can not be. */
  probeAddresses(network: Network, addresses: readonly Ipv4[]): Promise<ReadonlyMap<Ipv4, Holder>> | undefined {
    const prober = network.probeAddresses === false ? undefined : this.#probers.get(network.interface);
    const from = this.serverAddress(network);
    if (prober === undefined || from === undefined) return undefined;
    const asked = network.relayed ? prober.inUse(addresses, { from, how: 'icmp', timeoutMs: icmpMs }) : prober.inUse(addresses, { from, how: 'arp', timeoutMs: arpMs });
    return asked.then((found) => this.#believable(network, found));
  }

  tellConflict({ network, address, usedBy, quarantinedUntilMs }: Conflict): void {
    const { bus, log } = this.#parts;
    log.warn({ network: network.id, address, usedBy }, 'a free address is in use by somebody without a lease: it is quarantined; move that machine, or take the address out of the dynamic range');
    const data = { network: network.id, device: network.interface, address, usedBy, how: network.relayed ? 'icmp' as const : 'arp' as const, quarantinedUntil: new Date(quarantinedUntilMs).toISOString() };
    bus.observe(dhcpAddressConflict, { key: network.id, data });
  }

  #believable(network: Network, found: ReadonlyMap<Ipv4, Holder>): ReadonlyMap<Ipv4, Holder> {
    const byCard = new Map<Mac | null, number>();
    for (const { mac } of found.values()) byCard.set(mac, (byCard.get(mac) ?? 0) + 1);
    const everybody = [...byCard].find(([mac, count]) => mac !== null && count > mostOfOneCard)?.[0];
    if (everybody === undefined) return found;
    this.#parts.log.warn({ network: network.id, usedBy: everybody }, 'one card answers for all addresses (proxy ARP?): its answers do not count');
    return new Map([...found].filter(([, { mac }]) => mac !== everybody));
  }

  #addressOn(network: Network): ServerAddress {
    const known = this.#addresses.get(network.id);
    if (known !== undefined) return known;
    const found = serverAddressOn(network, this.#devices);
    this.#addresses.set(network.id, found);
    return found;
  }

  #look(): void {
    this.#devices = networkInterfaces();
    this.#own = ownAddresses(this.#devices);
    this.#addresses.clear();
    this.#parts.store.check();
    if (this.siblings.heard()) this.gate.sync(this.#parts.networks.list());
  }

  #changed(): void {
    this.#status.changed();
    this.#parts.onStanding();
  }
}
