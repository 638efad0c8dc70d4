/**
 * The other dhcp replicas, as the bucket `dhcp-servers` tells of them: who answers with us on a network, and which addresses
 * are no strangers'. Only a hint for who answers first; no address is given by it.
 * Alive is what was heard within 15 s by our own clock: theirs may be wrong, and what a snapshot holds may be days old.
 */
import { createHash, randomUUID } from 'node:crypto';
import { dhcpServersBucket, type DhcpServer, type Origin, type ServedNetwork } from '@ironbus/contracts';
import type { Bus, Log, View } from '@ironbus/bus';
import type { Ready } from '@ironbus/runtime';
import type { SiblingReplica } from '../core/replica-duty.ts';

export type Sibling = SiblingReplica & { instance: string };
/** This process: one instance of a rack, and one start of it. */
export type Self = { rack: Origin['rack']; instance: string; key: string; start: string; startedAt: string };
export type SiblingsOptions = {
  bus: Pick<Bus, 'watch'>; log: Pick<Log, 'info' | 'error'>; self: Self;
  /** How each network stands at this replica. */
  own: () => readonly ServedNetwork[];
  /** A clock that only goes forward, such as performance.now(). */
  nowMs: () => number;
};
type Heard = {
  key: string; entry: DhcpServer;
  /** Undefined: only ever read from a snapshot. */
  heardAtMs: number | undefined;
  knownAtMs: number; stopped: boolean;
};
type List = { list: readonly Sibling[]; untilMs: number };

const staleMs = 15_000;
/** Longer than a moved address takes to be told of: a replica tells of a change at once, and every 5 s anyway. */
const clashMs = 6_000;
const rememberMs = 3_600_000;
const aMinuteMs = 60_000;

export const makeSelf = ({ rack, instance }: Pick<Origin, 'rack' | 'instance'>, startedAt: Date): Self =>
  ({ rack, instance, key: `${rack}.${keyOf(instance)}`, start: randomUUID(), startedAt: startedAt.toISOString() });

/** Bucket keys are lower case; an instance id that is not gets a few digits that keep it apart from those that read alike. */
function keyOf(instance: string): string {
  if (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(instance)) return instance;
  const readable = instance.toLowerCase().replace(/[^a-z0-9_-]+/g, '-');
  return `${readable}-${createHash('sha256').update(instance).digest('hex').slice(0, 8)}`;
}

export class Siblings {
  readonly #options: SiblingsOptions;
  readonly #view: View<typeof dhcpServersBucket>;
  /** By key and start, without this process itself: our own predecessor, and one who uses our name, are others. */
  readonly #heard = new Map<string, Heard>();
  readonly #lists = new Map<string, List>();
  readonly #clashes = new Map<string, number>();
  readonly #said = new Set<string>();
  /** Since when our own entries came back without a gap: that long nobody's silence was the bus's. */
  #hearing: { sinceMs: number; lastMs: number } | undefined;

  constructor(options: SiblingsOptions) {
    this.#options = options;
    this.#view = options.bus.watch(dhcpServersBucket, { onChange: (key, entry) => this.#onChange(key, entry) });
  }

  /** Whether the whole bucket was read since the start. */
  heard(): boolean {
    return this.#view.synced();
  }

  /** Replicas of this rack that serve the network, dead ones too, each address once. Cheap enough for every packet. */
  of(network: string): readonly Sibling[] {
    const nowMs = this.#options.nowMs();
    const known = this.#lists.get(network);
    if (known !== undefined && nowMs <= known.untilMs) return known.list;
    const made = this.#listOf(network, nowMs);
    this.#lists.set(network, made);
    return made.list;
  }

  /** What replicas of any rack are known by, ourselves included: the dead ones' too, for an hour. */
  ourAddresses(): ReadonlySet<string> {
    const networks = [...this.#heard.values()].flatMap(({ entry }) => entry.networks);
    return new Set([...this.#options.own(), ...networks].filter(hasAddress).map(({ serverAddress }) => serverAddress));
  }

  isOurs(address: string): boolean {
    return this.ourAddresses().has(address);
  }

  /** What was heard of this rack within an hour or lies in the bucket: our own predecessor's entry too, not our own. */
  entries(): DhcpServer[] {
    return [...this.#heard.values()].map(({ entry }) => entry).filter(({ rack }) => rack === this.#options.self.rack);
  }

  /** Whether nothing was heard of a replica for 15 s, or it said that it stops. */
  isStale(instance: string): boolean {
    const { rack } = this.#options.self;
    return ![...this.#heard.values()].some((heard) => heard.entry.rack === rack && heard.entry.instance === instance && this.#isLive(heard));
  }

  /** Whether another live replica of this rack serves the network. */
  isServedBesides(network: string): boolean {
    return this.of(network).some(({ live, state }) => live && state !== 'off' && state !== 'no-device');
  }

  /** For /readyz: not ready where another process has our name or our address. */
  ready(): Ready {
    const troubles = this.#troubles();
    return troubles.length === 0 ? { ready: true } : { ready: false, why: troubles.join('; ') };
  }

  /** Called every second or so: says each trouble once, and forgets what is long gone. */
  check(): void {
    const troubles = this.#troubles();
    for (const trouble of troubles) if (!this.#said.has(trouble)) this.#options.log.error({ reason: trouble }, 'two dhcp processes are in each other’s way');
    this.#said.clear();
    for (const trouble of troubles) this.#said.add(trouble);
    const nowMs = this.#options.nowMs();
    for (const [id, heard] of this.#heard) if (!this.#isCurrent(heard) && nowMs - heard.knownAtMs > rememberMs) this.#drop(id);
  }

  /** Keys of the bucket that nobody renewed for an hour in which we heard everything: their hosts are gone. */
  buriable(): string[] {
    const nowMs = this.#options.nowMs();
    const hearing = this.#hearing;
    if (hearing === undefined || nowMs - hearing.lastMs > staleMs || nowMs - hearing.sinceMs < aMinuteMs) return [];
    const old = [...this.#heard.values()].filter((heard) => this.#isCurrent(heard) && nowMs - heard.knownAtMs > rememberMs);
    return old.map(({ key }) => key).filter((key) => key !== this.#options.self.key);
  }

  stop(): Promise<void> {
    return this.#view.stop();
  }

  #onChange(key: string, entry: DhcpServer | undefined): void {
    this.#lists.clear();
    if (entry === undefined) {
      for (const heard of this.#heard.values()) if (heard.key === key) Object.assign(heard, { stopped: true, knownAtMs: this.#options.nowMs() });
      return;
    }
    if (startOf(entry) === this.#options.self.start) return this.#hearSelf();
    const id = `${key} ${startOf(entry)}`;
    const nowMs = this.#options.nowMs();
    const before = this.#heard.get(id);
    const heard: Heard = { key, entry, heardAtMs: this.heard() ? nowMs : before?.heardAtMs, knownAtMs: nowMs, stopped: false };
    this.#heard.set(id, heard);
    const { log, self } = this.#options;
    if (this.#isLive(heard) && before === undefined && key !== self.key) log.info({ instance: entry.instance, rack: entry.rack }, 'another dhcp replica is there');
  }

  #hearSelf(): void {
    const nowMs = this.#options.nowMs();
    const unbroken = this.#hearing !== undefined && nowMs - this.#hearing.lastMs <= staleMs;
    this.#hearing = { sinceMs: unbroken ? (this.#hearing?.sinceMs ?? nowMs) : nowMs, lastMs: nowMs };
  }

  #listOf(network: string, nowMs: number): List {
    const byAddress = new Map<string, Sibling>();
    let untilMs = Number.POSITIVE_INFINITY;
    for (const heard of this.#heard.values()) {
      const { entry } = heard;
      const served = entry.rack === this.#options.self.rack ? entry.networks.find((one) => one.network === network) : undefined;
      if (served === undefined || !hasAddress(served)) continue;
      const live = this.#isLive(heard);
      if (live) untilMs = Math.min(untilMs, (heard.heardAtMs ?? nowMs) + staleMs);
      // A replica that was started anew is one replica: what lives counts, else what was heard last.
      if (!live && byAddress.get(served.serverAddress)?.live === true) continue;
      byAddress.set(served.serverAddress, { instance: entry.instance, serverAddress: served.serverAddress, state: served.state, storeReady: entry.storeReady, live });
    }
    return { list: [...byAddress.values()], untilMs };
  }

  #troubles(): string[] {
    const { self } = this.#options;
    const live = [...this.#heard.values()].filter((heard) => heard.entry.rack === self.rack && this.#isLive(heard));
    const twin = live.some(({ key }) => key === self.key)
      ? [`another process calls itself ${self.instance} in rack ${self.rack}: give each replica an INSTANCE_ID of its own`] : [];
    return [...twin, ...this.#clashing(live)];
  }

  #clashing(live: readonly Heard[]): string[] {
    const nowMs = this.#options.nowMs();
    const clashes = live.flatMap(({ entry }) => this.#options.own().filter((own) => hasAddress(own) && entry.networks.some((one) => isSame(one, own)))
      .map((own) => `replica ${entry.instance} says that it answers with our address ${own.serverAddress} on network ${own.network} too: give each host an address of its own there`));
    for (const text of [...this.#clashes.keys()]) if (!clashes.includes(text)) this.#clashes.delete(text);
    for (const text of clashes) if (!this.#clashes.has(text)) this.#clashes.set(text, nowMs);
    return clashes.filter((text) => nowMs - (this.#clashes.get(text) ?? nowMs) >= clashMs);
  }

  #isLive({ heardAtMs, stopped }: Heard): boolean {
    return !stopped && heardAtMs !== undefined && this.#options.nowMs() - heardAtMs <= staleMs;
  }

  /** Whether it is what the bucket holds now. */
  #isCurrent({ key, entry }: Heard): boolean {
    const found = this.#view.get(key);
    return found !== undefined && startOf(found) === startOf(entry);
  }

  #drop(id: string): void {
    this.#heard.delete(id);
    this.#lists.clear();
  }
}

const startOf = ({ start, startedAt }: DhcpServer): string => start ?? startedAt;
/** Where a replica is not on the network its `serverAddress` is only the network's. */
const hasAddress = ({ state }: ServedNetwork): boolean => state !== 'no-device' && state !== 'off';
const isSame = (one: ServedNetwork, own: ServedNetwork): boolean => hasAddress(one) && one.network === own.network && one.serverAddress === own.serverAddress;
