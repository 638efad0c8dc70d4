/** Answers router solicitations of one link with an empty advertisement, unless another router is there (docs/adr/0003). */
import { readFile } from 'node:fs/promises';
import { systemClock, wait, type Logger } from '@ironbus/runtime';
import { emptyAdvertisement, OtherRouters, parseIpv6, readNeighbourDiscovery, solicitation } from '../core/router-advertisement.ts';
import { openIcmp6Socket, type Icmp6Socket } from './icmp6-socket.ts';

export type AdvertiserOptions = { device: string; index: number; log: Logger; now: () => number };

const allRouters = 'ff02::2';
/** IFA_F_TENTATIVE. */
const tentative = 0x40;
/** A booting rack of machines asks a few times each; a flood gets no more than this. */
const mostPerSecond = 200;

export class RouterAdvertiser {
  readonly #options: AdvertiserOptions;
  readonly #source: Uint8Array;
  readonly #socket: Icmp6Socket;
  readonly #others = new OtherRouters();
  #second = 0;
  #sent = 0;

  /** Rejects PORT_UNAVAILABLE, and where the device has no link-local address (yet). */
  static async open(options: AdvertiserOptions, signal: AbortSignal): Promise<RouterAdvertiser> {
    const source = await linkLocalOf(options.device, signal);
    if (source === undefined) throw new Error(`${options.device} has no usable IPv6 link-local address: iPXE will wait 16 s for a router there`);
    return new RouterAdvertiser(options, source);
  }

  private constructor(options: AdvertiserOptions, source: Uint8Array) {
    this.#options = options;
    this.#source = source;
    const { device, index, log } = options;
    this.#socket = openIcmp6Socket({
      device, index, onMessage: (bytes, from) => this.#hear(bytes, from),
      onError: (error) => log.debug({ device, err: error }, 'advertisement not sent'),
    });
    this.#socket.send(solicitation({ source, destination: parseIpv6(allRouters) ?? source }), allRouters);
  }

  close(): Promise<void> {
    return this.#socket.close();
  }

  #hear(bytes: Buffer, from: string): void {
    const { device, log, now } = this.#options;
    const heard = readNeighbourDiscovery(bytes);
    const destination = parseIpv6(from);
    if (heard === undefined || destination === undefined || destination[0] !== 0xfe) return;
    if (heard.kind === 'advertisement') {
      const silentBefore = this.#others.present(now());
      this.#others.hear(from, heard.lifetimeSeconds, now());
      if (this.#others.present(now()) !== silentBefore) log.info({ device, router: from, lifetimeSeconds: heard.lifetimeSeconds }, silentBefore ? 'no other IPv6 router any more' : 'another IPv6 router is here, staying silent');
      return;
    }
    if (this.#others.present(now()) || !this.#mayAnswer(now())) return;
    this.#socket.send(emptyAdvertisement({ source: this.#source, destination }), from);
    log.debug({ device, to: from }, 'router solicitation answered');
  }

  #mayAnswer(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#sent = 0;
    }
    this.#sent += 1;
    return this.#sent <= mostPerSecond;
  }
}

/** Waits up to 3 s: a device that just came up is still asking whether its address is free (RFC 4862 §5.4). */
async function linkLocalOf(device: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  for (let tries = 0; tries < 30; tries += 1) {
    const row = await addressRow(device);
    const usable = row !== undefined && (Number.parseInt(row[4] ?? '0', 16) & tentative) === 0;
    if (usable) return Uint8Array.from(Buffer.from(row[0] ?? '', 'hex'));
    await wait(systemClock, 100, signal);
  }
  return undefined;
}

/** The link-local row of /proc/net/if_inet6: address, index, prefix length, scope 20, flags, device. */
async function addressRow(device: string): Promise<string[] | undefined> {
  const text = await readFile('/proc/net/if_inet6', 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').map((line) => line.split(/\s+/)).find((fields) => fields[5] === device && fields[3] === '20');
}
