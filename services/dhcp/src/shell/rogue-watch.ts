/**
 * Hears DHCP servers on the wires of this rack that are neither ours nor a sibling's: their answers as far as those are
 * broadcast or sent here, and the servers that clients name in their REQUESTs. Remembers them; where Ironbus is the
 * authority it tells too. Sends nothing.
 */
import { dhcpRogueServerSeen, type ForeignServer, type Ipv4, type Mac, type Network } from '@ironbus/contracts';
import type { Bus } from '@ironbus/bus';
import type { Logger } from '@ironbus/runtime';
import { describeServer, nameServer, readServerAnswer, serverKey, type SeenServer } from '../core/foreign-server.ts';
import { OtherServers } from '../core/other-servers.ts';
import { serverAnswers } from '../core/socket-filter.ts';
import { readUdpFrame } from '../core/udp-frame.ts';
import type { Closable } from './device-keeper.ts';
import { openPacketSocket } from './packet-socket.ts';

export type WatchParts = {
  networks: () => readonly Network[];
  /** Whether Ironbus answers there as the authority: another server is then an event. Elsewhere it is expected. */
  isAuthority: (network: Network) => boolean;
  /** Server ids that are no strangers: this server's and its siblings'. */
  own: () => ReadonlySet<string>;
  bus: Pick<Bus, 'observe'>; log: Pick<Logger, 'warn' | 'debug'>; now: () => number;
};

const ethertypeIpv4 = 0x0800;

export class RogueWatch {
  readonly #parts: WatchParts;
  readonly #others = new OtherServers();

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** Devices to listen on. */
  devices(): ReadonlySet<string> {
    return new Set(this.#parts.networks().filter(isWatched).map((network) => network.interface));
  }

  /** Until it is closed. Throws PORT_UNAVAILABLE with what is missing. */
  listen({ device, index }: { device: string; index: number }): Closable {
    return openPacketSocket({
      device, index, protocol: ethertypeIpv4, filter: serverAnswers(index), onFrame: (frame) => this.#hear(device, frame),
      onError: (error) => this.#parts.log.debug({ device, err: error }, 'listening for other dhcp servers'),
    });
  }

  /** A client's REQUEST named this server (option 54): it got an offer there, although that was not heard here. */
  sawRequestFor(network: Network, serverId: Ipv4, client: Mac): void {
    if (this.#parts.own().has(serverId)) return;
    this.#parts.log.debug({ network: network.id, server: serverId, mac: client }, 'a client chose another dhcp server');
    this.#note(network, { serverId, from: serverId, mac: null, offered: null, bootFile: null });
  }

  /** What was heard there within a day, the newest first. */
  others(network: string): SeenServer[] {
    return this.#others.of(network, this.#parts.now());
  }

  #hear(device: string, frame: Buffer): void {
    const answer = readServerAnswer(readUdpFrame(frame));
    if (answer === undefined) return;
    const server = describeServer(answer);
    if (this.#parts.own().has(serverKey(server))) return;
    for (const network of this.#parts.networks()) if (isWatched(network) && network.interface === device) this.#note(network, server);
  }

  #note(network: Network, server: ForeignServer): void {
    const { now, bus, log, isAuthority, networks } = this.#parts;
    this.#others.keepOnly(new Set(networks().map(({ id }) => id)));
    this.#others.hear(network.id, server, now());
    if (!isAuthority(network) || !this.#others.due(network.id, server, now())) return;
    const device = network.interface;
    log.warn({ network: network.id, device, server: nameServer(server), offered: server.offered }, 'another dhcp server answers on a network of ours');
    bus.observe(dhcpRogueServerSeen, { key: network.id, data: { network: network.id, device, ...server } });
  }
}

/** A network behind a relay has no wire here; one that is off is somebody else's. */
const isWatched = ({ mode, relayed }: Network): boolean => mode !== 'off' && !relayed;
