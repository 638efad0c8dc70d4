/** What goes to OBSERVATIONS about packets: what came, what was refused, what was offered. Never blocks and never fails. */
import {
  dhcpBootAnswered, dhcpDiscover, dhcpIgnored, dhcpInform, dhcpNak, dhcpRequest, leaseOffered, macToken, parseIpv4, type Context, type Ipv4, type Mac,
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

/** Observations of strangers' packets a second, and at once: a flood of them must not push out what is told of booting machines. */
const strangersPerSecond = 500;
const strangersAtOnce = 1_000;

export class Observations {
  readonly #bus: Bus;
  readonly #now: () => number;
  readonly #onShed: () => void;
  #allowance = strangersAtOnce;
  #filledAtMs = 0;

  /** `onShed` counts what is not told. */
  constructor(bus: Bus, { now, onShed }: { now: () => number; onShed: () => void }) {
    this.#bus = bus;
    this.#now = now;
    this.#onShed = onShed;
  }

  received(packet: Packet): void {
    if (!this.#mayTell(packet)) return;
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
    if (!this.#mayTell(packet)) return;
    this.#bus.observe(dhcpIgnored, { key: macToken(packet.mac), ...packet.context, data: { ...dataOf(packet), reason } });
  }

  nak(packet: Packet, reason: string): void {
    if (!this.#mayTell(packet)) return;
    this.#bus.observe(dhcpNak, { key: macToken(packet.mac), ...packet.context, data: { ...dataOf(packet), reason } });
  }

  bootAnswered(packet: Packet, { rule, port, file }: { rule: string; port: number; file: string | undefined }): void {
    const data = { ...dataOf(packet), rule, port, ...(file !== undefined && { bootFile: file }) };
    this.#bus.observe(dhcpBootAnswered, { key: macToken(packet.mac), ...packet.context, data });
  }

  offered(packet: Packet, offer: { address: Ipv4; leaseSeconds: number; boot: BootAnswer }): void {
    if (!this.#mayTell(packet)) return;
    const { address, leaseSeconds, boot } = offer;
    const data = {
      mac: packet.mac, address, network: packet.network ?? '', leaseSeconds, client: packet.client.kind, rule: boot.rule,
      ...(boot.file !== undefined && { bootFile: boot.file }),
    };
    this.#bus.observe(leaseOffered, { key: macToken(packet.mac), ...packet.context, data });
  }

  /** A machine that boots or is known always; a stranger with an operating system while the allowance lasts. */
  #mayTell({ client, context }: Packet): boolean {
    if (client.stage !== 'os' || context.nodeid !== undefined) return true;
    const nowMs = this.#now();
    this.#allowance = Math.min(strangersAtOnce, this.#allowance + (nowMs - this.#filledAtMs) * strangersPerSecond / 1_000);
    this.#filledAtMs = nowMs;
    if (this.#allowance < 1) {
      this.#onShed();
      return false;
    }
    this.#allowance -= 1;
    return true;
  }
}
