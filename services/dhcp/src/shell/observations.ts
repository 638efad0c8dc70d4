/** What goes to OBSERVATIONS about packets: what came, what was refused, what was offered. Never blocks and never fails. */
import {
  dhcpDiscover, dhcpIgnored, dhcpInform, dhcpNak, dhcpRequest, leaseOffered, macToken, parseIpv4, type Context, type Ipv4, type Mac,
} from '@ironbus/contracts';
import type { Bus } from '@ironbus/bus';
import { messageType, MessageType, requestedAddress, type DhcpMessage } from '@ironbus/wire';
import type { BootAnswer } from '../core/boot.ts';
import type { Client } from '../core/client.ts';

export type Packet = { message: DhcpMessage; mac: Mac; client: Client; network: string | null; context: Context };

export const xidOf = (message: DhcpMessage): string => message.xid.toString(16).padStart(8, '0');

function dataOf({ message, mac, client, network }: Packet) {
  const relay = message.giaddr === '0.0.0.0' ? null : (parseIpv4(message.giaddr) ?? null);
  return { mac, network, xid: xidOf(message), client: client.kind, architecture: client.architecture, relay };
}

export class Observations {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  received(packet: Packet): void {
    const { message } = packet;
    const draft = { key: macToken(packet.mac), ...packet.context, data: dataOf(packet) };
    switch (messageType(message)) {
      case MessageType.discover: return this.#bus.observe(dhcpDiscover, draft);
      case MessageType.inform: return this.#bus.observe(dhcpInform, draft);
      case MessageType.request: {
        const address = parseIpv4(requestedAddress(message) ?? message.ciaddr) ?? null;
        return this.#bus.observe(dhcpRequest, { ...draft, data: { ...draft.data, address: address === '0.0.0.0' ? null : address } });
      }
      default: return undefined;
    }
  }

  ignored(packet: Packet, reason: string): void {
    this.#bus.observe(dhcpIgnored, { key: macToken(packet.mac), ...packet.context, data: { ...dataOf(packet), reason } });
  }

  nak(packet: Packet, reason: string): void {
    this.#bus.observe(dhcpNak, { key: macToken(packet.mac), ...packet.context, data: { ...dataOf(packet), reason } });
  }

  offered(packet: Packet, offer: { address: Ipv4; leaseSeconds: number; boot: BootAnswer }): void {
    const { address, leaseSeconds, boot } = offer;
    const data = {
      mac: packet.mac, address, network: packet.network ?? '', leaseSeconds, client: packet.client.kind, rule: boot.rule,
      ...(boot.file !== undefined && { bootFile: boot.file }),
    };
    this.#bus.observe(leaseOffered, { key: macToken(packet.mac), ...packet.context, data });
  }
}
