/**
 * Who may take up the server's time: token buckets per client, switch port, relay and device, so that a flood of unknown
 * MACs, or one machine that repeats itself, never keeps a known machine from booting (docs/adr/0011-flood-limits.md).
 * Known machines (a lease, a reservation, a boot policy) pass by all but their own bucket. An unknown one pays at its port,
 * relay and device once, as a newcomer; its next packets are follow-ups with a bucket of their own, so that a flood of
 * new MACs cannot break an exchange that began.
 * Pure: no clock, fixed memory, a bounded number of steps for each packet. Not here: what a drop looks like outside
 * (shell/flood-report.ts), and who may take the last addresses (pool-reserve.ts).
 */
import { RateTable, type Rate } from './rate-table.ts';

export type { Rate } from './rate-table.ts';

export type Arrival = {
  device: string; mac: string;
  /** The MAC has a lease, a reservation or a boot policy. */
  known: boolean;
  /** 0.0.0.0 where no relay was involved. */
  giaddr: string;
  /** Option 82's circuit and remote id (RFC 3046 §3.1, 3.2) as hex; undefined where the relay does not name the port. */
  circuit: string | undefined;
  /** A frame's worth costs one token everywhere, so that long datagrams cost what they take. */
  bytes: number;
  /** How much of what may be under way at once is: 0 to 1. */
  load?: number;
};
export type LimitName = 'client' | 'port' | 'relay' | 'device';
export type Verdict = 'ok' | LimitName;

export type LimitOptions = {
  /** Packets of one MAC, known or not. */
  client: Rate;
  /** Unknown MACs behind one port of one relay. */
  port: Rate;
  /** Unknown MACs behind one relay. */
  relay: Rate;
  /** Unknown MACs on a device without a relay. */
  device: Rate;
  /** Unknown MACs are refused while more than this share of the server is busy; 0 is off. */
  unknownLoad: number;
  /** Secret and random, new at each start. */
  seed: number;
};

/** Why these numbers: docs/adr/0011-flood-limits.md. */
export const defaultLimits: Omit<LimitOptions, 'seed'> = {
  client: { perSecond: 32, burst: 128 },
  port: { perSecond: 64, burst: 4_096 },
  relay: { perSecond: 2_000, burst: 65_536 },
  device: { perSecond: 500, burst: 4_096 },
  unknownLoad: 0.5,
};

/** How long an unknown MAC counts as met: as long as an offer is held by default. */
const metMs = 60_000;
/** Follow-ups for each newcomer: a REQUEST, and a retry of both. */
const followUps = 4;
/** Relays on one device together, so that made-up relay addresses gain nothing. */
const relaysTogether = 2;
const frameBytes = 1_500;
/**
 * Longer datagrams are not looked at: the payload of a jumbo frame of 9,000 bytes, far above what any client or relay sends
 * (the longest of our captures has 548). 64 KB of tiny options would cost a hundred times what a DISCOVER does.
 */
export const longestPacketBytes = 9_000 - 28;
const entries = { clients: 65_536, places: 16_384, devices: 1_024 };

/** One bucket that a packet has to pay at. */
type Toll = { limit: LimitName; table: RateTable; key: number; rate: Rate };

export class Limits {
  readonly #options: LimitOptions;
  /** Apart, so that spoofed MACs push no known one out; ports and relays apart for the same reason. */
  readonly #known: RateTable;
  readonly #unknown: RateTable;
  readonly #ports: RateTable;
  readonly #relays: RateTable;
  readonly #devices: RateTable;
  readonly #followUps: { direct: Rate; relayed: Rate };
  readonly #together: Rate;

  constructor(options: LimitOptions) {
    const { seed, device, relay } = options;
    this.#options = options;
    this.#known = new RateTable({ entries: entries.clients, seed });
    this.#unknown = new RateTable({ entries: entries.clients, seed });
    this.#ports = new RateTable({ entries: entries.places, seed });
    this.#relays = new RateTable({ entries: entries.places, seed });
    this.#devices = new RateTable({ entries: entries.devices, seed });
    this.#together = times(relay, relaysTogether);
    this.#followUps = { direct: times(device, followUps), relayed: times(relay, relaysTogether * followUps) };
  }

  /** `ok`, or the first limit that is used up; a refused packet takes no token, so it uses up nobody else's. Never throws. */
  admit(packet: Arrival, nowMs: number): Verdict {
    const { client } = this.#options;
    const table = packet.known ? this.#known : this.#unknown;
    const own: Toll = { limit: 'client', table, key: table.keyOf(packet.mac), rate: client };
    const cost = Math.max(1, Math.ceil(packet.bytes / frameBytes));
    if (!passes(own, cost, nowMs)) return 'client';
    if (!packet.known) {
      const refused = this.#admitUnknown(packet, table.tookSince(own.key, nowMs - metMs), { cost, nowMs });
      if (refused !== undefined) return refused;
    }
    pay(own, cost, nowMs);
    return 'ok';
  }

  #admitUnknown(packet: Arrival, met: boolean, { cost, nowMs }: { cost: number; nowMs: number }): LimitName | undefined {
    const most = this.#options.unknownLoad;
    // Who began may go on a little longer than newcomers may come.
    if (most > 0 && (packet.load ?? 0) > (met ? (1 + most) / 2 : most)) return 'device';
    const tolls = met ? [this.#followUp(packet)] : this.#newcomer(packet);
    for (const toll of tolls) if (!passes(toll, cost, nowMs)) return toll.limit;
    for (const toll of tolls) pay(toll, cost, nowMs);
    return undefined;
  }

  #newcomer({ device, giaddr, circuit }: Arrival): Toll[] {
    const { port, relay, device: direct } = this.#options;
    if (giaddr === '0.0.0.0') return [{ limit: 'device', table: this.#devices, key: this.#devices.keyOf(device), rate: direct }];
    const from = `${device} ${giaddr}`;
    const tolls: Toll[] = [
      { limit: 'relay', table: this.#relays, key: this.#relays.keyOf(from), rate: relay },
      { limit: 'device', table: this.#devices, key: this.#devices.keyOf(`${device} relayed`), rate: this.#together },
    ];
    if (circuit !== undefined) tolls.unshift({ limit: 'port', table: this.#ports, key: this.#ports.keyOf(`${from} ${circuit}`), rate: port });
    return tolls;
  }

  #followUp({ device, giaddr }: Arrival): Toll {
    const lane = giaddr === '0.0.0.0' ? 'direct' : 'relayed';
    return { limit: 'device', table: this.#devices, key: this.#devices.keyOf(`${device} follow-up ${lane}`), rate: this.#followUps[lane] };
  }
}

const times = ({ perSecond, burst }: Rate, factor: number): Rate => ({ perSecond: perSecond * factor, burst: burst * factor });
const passes = ({ table, key, rate }: Toll, cost: number, nowMs: number): boolean => table.has(key, rate, cost, nowMs);
const pay = ({ table, key, rate }: Toll, cost: number, nowMs: number): void => table.take(key, rate, cost, nowMs);

/** What a limit's name stands for in a report: the MAC, the port, the relay, the device. */
export function limitedThing({ device, mac, giaddr, circuit }: Arrival, limit: LimitName): string {
  switch (limit) {
    case 'client': return mac;
    case 'port': return `${giaddr} ${circuit ?? ''}`;
    case 'relay': return giaddr;
    case 'device': return device;
    default: return limit satisfies never;
  }
}
