/**
 * Asks on the wire whether addresses are in use: ARP probes on the device's own link (RFC 5227), ICMP echo behind a relay.
 * Decides nothing: the answer names who was heard. Between questions the kernel filters out everything, so that it costs nothing.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { parseMac, type Ipv4, type Mac } from '@ironbus/contracts';
import { systemClock, type Logger } from '@ironbus/runtime';
import { arpProbe, arpSender } from '../core/arp.ts';
import { echoAnswerer, echoRequest } from '../core/icmp-echo.ts';
import { arpSenders, nothing } from '../core/socket-filter.ts';
import { openEchoSocket, type EchoSocket } from './echo-socket.ts';
import { openPacketSocket, type PacketSocket } from './packet-socket.ts';
import { unavailable, type Sent } from './raw-socket.ts';

export type ProberOptions = { device: string; index: number; log: Pick<Logger, 'debug'>; now: () => number };
/** `from` is the source of an ICMP echo; an ARP probe has none. */
export type Ask = { from: Ipv4; how: 'arp' | 'icmp'; timeoutMs: number };
/** `mac` is null where it was heard through a router. */
export type Holder = { mac: Mac | null };
type Asking = { how: Ask['how']; waiting: Set<Ipv4>; found: Map<Ipv4, Holder>; finish: () => void };

const ethertypeArp = 0x0806;
/** One lost packet must not hide a holder: asked at once, and those silent again at half time. */
const times = 2;

export class AddressProber {
  readonly #options: ProberOptions;
  readonly #asking = new Set<Asking>();
  readonly #echoId = { id: randomInt(0x10000), cookie: randomBytes(8) };
  readonly #arp: PacketSocket;
  #echo: EchoSocket | undefined;
  #sequence = 0;
  /** Questions by ARP under way: the filter is open while there are any. */
  #byArp = 0;

  /** Rejects PORT_UNAVAILABLE: no koffi, no CAP_NET_RAW, no such device, no Ethernet. */
  static async open(options: ProberOptions, signal: AbortSignal): Promise<AddressProber> {
    signal.throwIfAborted();
    return new AddressProber(options);
  }

  private constructor(options: ProberOptions) {
    this.#options = options;
    const { device, index, log } = options;
    this.#arp = openPacketSocket({
      device, index, protocol: ethertypeArp, filter: nothing, onFrame: (frame) => this.#hearArp(frame),
      onError: (error) => log.debug({ device, err: error }, 'address probe socket'),
    });
  }

  /**
   * Those of the addresses that somebody uses, this host included. Resolves once all of them answered, else after
   * `timeoutMs`. Rejects PORT_UNAVAILABLE where not one could be asked for.
   */
  async inUse(addresses: readonly Ipv4[], ask: Ask): Promise<ReadonlyMap<Ipv4, Holder>> {
    const startedMs = this.#options.now();
    const found = ownAmong(addresses);
    const waiting = new Set(addresses.filter((address) => !found.has(address)));
    if (waiting.size === 0) return found;
    if (ask.how === 'icmp') this.#echo ??= this.#openEcho();
    await new Promise<void>((resolve, reject) => {
      const cancel: (() => void)[] = [];
      const finish = (): void => {
        for (const each of cancel) each();
        this.#end(asking);
        resolve();
      };
      const asking: Asking = { how: ask.how, waiting, found, finish };
      this.#begin(asking);
      const why = this.#ask(asking, ask.from);
      if (why !== undefined) {
        this.#end(asking);
        return reject(unavailable(`no probe leaves ${this.#options.device} (${why})`));
      }
      for (let n = 1; n < times; n += 1) cancel.push(systemClock.setTimeout(ask.timeoutMs * n / times, () => { this.#ask(asking, ask.from); }));
      cancel.push(systemClock.setTimeout(ask.timeoutMs, asking.finish));
    });
    const { device, log, now } = this.#options;
    log.debug({ device, asked: addresses.length, used: found.size, ms: now() - startedMs }, 'addresses probed');
    return found;
  }

  /** Questions under way end with what was heard so far. */
  async close(): Promise<void> {
    for (const asking of this.#asking) asking.finish();
    await this.#arp.close();
    await this.#echo?.close();
  }

  #begin(asking: Asking): void {
    this.#asking.add(asking);
    if (asking.how === 'arp' && this.#byArp++ === 0) this.#arp.filter(arpSenders(this.#options.index));
  }

  #end(asking: Asking): void {
    if (this.#asking.delete(asking) && asking.how === 'arp' && --this.#byArp === 0) this.#arp.filter(nothing);
  }

  /** Sends to all that are still silent; the reason where not one packet left. */
  #ask({ how, waiting }: Asking, from: Ipv4): string | undefined {
    const sent = [...waiting].map((address) => how === 'arp' ? this.#arp.send(arpProbe(this.#arp.mac, address)) : this.#sendEcho(from, address));
    const failures = sent.flatMap((each) => each.ok ? [] : [each.why]);
    if (failures.length > 0) this.#options.log.debug({ device: this.#options.device, reason: failures[0], count: failures.length }, 'address probes not sent');
    return failures.length === sent.length ? failures[0] : undefined;
  }

  #sendEcho(from: Ipv4, to: Ipv4): Sent {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return this.#echo?.send(echoRequest({ from, to, sequence: this.#sequence, ...this.#echoId }), to) ?? { ok: false, why: 'closed' };
  }

  #openEcho(): EchoSocket {
    const { device, log } = this.#options;
    return openEchoSocket({
      onPacket: (packet) => {
        const address = echoAnswerer(packet, this.#echoId);
        if (address !== undefined) this.#heard('icmp', address, null);
      },
      onError: (error) => log.debug({ device, err: error }, 'echo socket'),
    });
  }

  #hearArp(frame: Buffer): void {
    const sender = arpSender(frame);
    if (sender !== undefined) this.#heard('arp', sender.address, sender.mac);
  }

  #heard(how: Ask['how'], address: Ipv4, mac: Mac | null): void {
    for (const asking of this.#asking) {
      if (asking.how !== how || !asking.waiting.delete(address)) continue;
      asking.found.set(address, { mac });
      if (asking.waiting.size === 0) asking.finish();
    }
  }
}

/** This host does not answer its own probes. */
function ownAmong(addresses: readonly Ipv4[]): Map<Ipv4, Holder> {
  const own = new Map(Object.values(networkInterfaces()).flat().map((each) => [each?.address, each?.mac] as const));
  return new Map(addresses.filter((address) => own.has(address)).map((address) => [address, { mac: parseMac(own.get(address) ?? '') ?? null }]));
}
