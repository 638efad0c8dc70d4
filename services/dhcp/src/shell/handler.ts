/**
 * A packet's way: bytes → decode → network → decide → lease store → answer. Translates and performs; every decision is
 * in core/. Works on many packets at once; their order among each other is settled by the lease scripts.
 */
import { parseMac, type Context, type Mac, type Network } from '@ironbus/contracts';
import type { Logger } from '@ironbus/runtime';
import { decode, encodeReply, hardwareMac, replyLimit, type DhcpMessage } from '@ironbus/wire';
import { chooseBoot, type BootAnswer } from '../core/boot.ts';
import { classify, type Client } from '../core/client.ts';
import { decide, serverIdFor, type IgnoreReason, type Move, type NakReason } from '../core/decide.ts';
import { hostLabel } from '../core/names.ts';
import type { Pool } from '../core/pool.ts';
import { ack, bootReply, informAck, nak, offer, type Facts } from '../core/reply.ts';
import { replyTo, type Ports } from '../core/reply-to.ts';
import { selectNetwork } from '../core/select-network.ts';
import type { Bindings } from './bindings.ts';
import { isStoreAway, type LeaseStore } from './lease-store.ts';
import type { Metrics } from './metrics.ts';
import type { Networks } from './networks.ts';
import { xidOf, type Observations, type Packet } from './observations.ts';
import type { Received } from './socket.ts';

export type Send = (device: string, bytes: Uint8Array, to: { address: string; port: number }, network: Network) => void;
export type HandlerParts = {
  networks: Networks; leases: LeaseStore; bindings: Bindings; observations: Observations; metrics: Metrics; log: Logger;
  ports: Ports; send: Send; now: () => number; powerChangedAtMs: (mac: Mac) => number | undefined;
};
/** One question, with everything that was found out about it. */
type Question = {
  message: DhcpMessage; mac: Mac; device: string; client: Client; pool: Pool; boot: BootAnswer; packet: Packet; facts: Facts; nowMs: number; shadow: boolean;
};

/** Questions at once before new ones are dropped: clients ask again, a queue of stale answers helps nobody. */
const mostUnderWay = 4_096;

export class Handler {
  readonly #parts: HandlerParts;
  #underWay = 0;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Never rejects and never throws: what goes wrong is logged and counted. */
  async handle(received: Received): Promise<void> {
    const { metrics, log } = this.#parts;
    metrics.received();
    if (this.#underWay >= mostUnderWay) return metrics.ignored('overload');
    this.#underWay += 1;
    try {
      const question = this.#read(received);
      if (question !== undefined) await this.#answer(question);
    } catch (error) {
      metrics.failed();
      log.error({ err: error, device: received.device, packet: received.bytes.toString('hex') }, 'packet could not be handled');
    } finally {
      this.#underWay -= 1;
    }
  }

  #read({ bytes, device }: Received): Question | undefined {
    const { networks, metrics, log, now } = this.#parts;
    const decoded = decode(bytes);
    if (!decoded.ok) {
      metrics.ignored('malformed');
      log.debug({ device, reason: decoded.why, at: decoded.at }, 'malformed packet ignored');
      return undefined;
    }
    const { message } = decoded;
    const mac = parseMac(hardwareMac(message) ?? '');
    if (mac === undefined || isGroup(message)) {
      metrics.ignored('hardware-address');
      return undefined;
    }
    const client = classify(message);
    const choice = selectNetwork(message, device, networks.list());
    const policy = networks.policies.policyOf(mac);
    const network = choice.ok ? choice.network : undefined;
    const packet: Packet = { message, mac, client, network: network?.id ?? null, context: { nodeid: policy?.node } };
    if (network === undefined || network.mode === 'proxy') {
      this.#ignore(packet, choice.ok ? 'mode-proxy' : choice.reason);
      return undefined;
    }
    const pool = networks.pool(network);
    const boot = chooseBoot({ client, mac, network, policy, policiesHeard: networks.policiesHeard() });
    const facts: Facts = { network, serverId: serverIdFor(message, pool), boot, hostname: policy?.hostname };
    return { message, mac, device, client, pool, boot, packet, facts, nowMs: now(), shadow: network.mode === 'shadow' };
  }

  async #answer(question: Question): Promise<void> {
    const move = decide(question);
    if (move.do === 'ignore' && move.reason === 'not-a-request') return this.#parts.metrics.ignored(move.reason);
    this.#noteBoot(question, move);
    this.#parts.observations.received(question.packet);
    try {
      await (question.shadow ? this.#shadow(question, move) : this.#perform(question, move));
    } catch (error) {
      if (!isStoreAway(error)) throw error;
      await (question.shadow ? this.#ignore(question.packet, 'shadow: store-away') : this.#withoutStore(question, move));
    }
  }

  #noteBoot({ mac, client, nowMs, packet }: Question, move: Move): void {
    if (move.do !== 'offer' && move.do !== 'confirm') return;
    const sign = { stage: client.stage, atMs: nowMs, powerChangedAtMs: this.#parts.powerChangedAtMs(mac), extending: move.do === 'confirm' && move.state === 'extending' };
    const { bootId, change } = this.#parts.bindings.note({ mac, ...sign });
    packet.context.bootid = bootId;
    if (change !== undefined) this.#parts.log.debug({ mac, cause: change }, 'a boot began');
  }

  async #perform(question: Question, move: Move): Promise<void> {
    const { leases, bindings, log } = this.#parts;
    const { mac, pool, nowMs, packet } = question;
    const who = { mac, pool, nowMs };
    switch (move.do) {
      case 'ignore': return this.#ignore(packet, move.reason);
      case 'nak': return this.#nak(question, move.reason);
      case 'offer': return this.#offer(question, move);
      case 'confirm': return this.#confirm(question, move);
      case 'inform': return this.#send(question, informAck(question.message, question.facts));
      case 'release':
        if (!await leases.release(who, move.address, packet.context)) return this.#ignore(packet, 'not-its-address');
        log.info({ mac, address: move.address, network: pool.network.id }, 'lease released');
        return bindings.drop(mac, move.address);
      case 'decline':
        if (!await leases.decline(who, move.address, packet.context)) return this.#ignore(packet, 'not-its-address');
        log.warn({ mac, address: move.address, network: pool.network.id }, 'address declined: somebody else uses it');
        return bindings.drop(mac, move.address);
    }
  }

  async #offer(question: Question, move: Move & { do: 'offer' }): Promise<void> {
    const { mac, pool, nowMs, packet, boot, facts } = question;
    const offered = await this.#parts.leases.offer({ mac, pool, nowMs }, { wanted: move.wanted, dry: false });
    if (!offered.ok) {
      this.#parts.log.warn({ mac, network: pool.network.id, reason: offered.reason }, 'no address to offer');
      return this.#ignore(packet, offered.reason);
    }
    const seconds = pool.network.leaseSeconds;
    this.#send(question, offer(question.message, facts, { address: offered.address, seconds }));
    this.#parts.observations.offered(packet, { address: offered.address, leaseSeconds: seconds, boot });
  }

  async #confirm(question: Question, move: Move & { do: 'confirm' }): Promise<void> {
    const { leases, bindings, log, networks } = this.#parts;
    const { mac, pool, nowMs, packet, client, boot } = question;
    const outcome = await leases.confirm({
      mac, pool, nowMs, address: move.address, state: move.state, allowed: move.allowed,
      client: client.kind, hostname: hostLabel(question.message) ?? networks.policies.policyOf(mac)?.hostname, context: packet.context,
    });
    if (outcome.do === 'nak') return this.#nak(question, outcome.reason);
    if (outcome.do === 'ignore') return this.#ignore(packet, outcome.reason);
    await bindings.ensure({ mac, address: move.address, network: pool.network.id, node: networks.policies.policyOf(mac)?.node ?? null });
    this.#acknowledge(question, move, outcome.seconds);
    const fields = { mac, xid: xidOf(question.message), address: move.address, network: pool.network.id, client: client.kind, rule: boot.rule, node: packet.context.nodeid };
    log.info(fields, outcome.how === 'granted' ? 'lease granted' : 'lease renewed');
  }

  #acknowledge(question: Question, move: Move & { do: 'confirm' }, seconds: number): void {
    const { message, facts } = question;
    const lease = { address: move.address, seconds };
    this.#send(question, move.state === 'bootp' ? bootReply(message, facts, move.address) : ack(message, facts, lease));
  }

  /** Redis is away: what was seen durable is offered and extended from memory, nothing else. */
  async #withoutStore(question: Question, move: Move): Promise<void> {
    const { leases, bindings, log, networks } = this.#parts;
    const { mac, pool, nowMs, packet, message, facts } = question;
    const known = leases.memory.extendable(pool.network.id, mac, { nowMs, leaseSeconds: pool.network.leaseSeconds });
    if (known === undefined || !pool.allows(mac, known.address)) return this.#ignore(packet, 'store-away');
    if (move.do === 'offer') return this.#send(question, offer(message, facts, known));
    if (move.do !== 'confirm' || move.address !== known.address) return this.#ignore(packet, 'store-away');
    await bindings.ensure({ mac, address: known.address, network: pool.network.id, node: networks.policies.policyOf(mac)?.node ?? null });
    this.#acknowledge(question, move, known.seconds);
    log.warn({ mac, address: known.address, seconds: known.seconds }, 'lease extended from memory: redis is away');
  }

  /** Publishes what an authoritative server would have answered, and answers nothing. */
  async #shadow(question: Question, move: Move): Promise<void> {
    const { mac, pool, nowMs, packet, boot } = question;
    if (move.do !== 'offer') return this.#ignore(packet, `shadow: ${move.do}${'reason' in move ? ` ${move.reason}` : ''}${'address' in move ? ` ${move.address}` : ''} (${boot.rule})`);
    const offered = await this.#parts.leases.offer({ mac, pool, nowMs }, { wanted: move.wanted, dry: true });
    this.#ignore(packet, `shadow: ${offered.ok ? `offer ${offered.address}` : offered.reason} (${boot.rule})`);
  }

  #ignore(packet: Packet, reason: IgnoreReason | `shadow: ${string}`): void {
    const { metrics, observations, log } = this.#parts;
    metrics.ignored(reason.startsWith('shadow: ') ? 'shadow' : reason);
    observations.ignored(packet, reason);
    log.debug({ mac: packet.mac, xid: xidOf(packet.message), network: packet.network, reason }, 'not answered');
  }

  #nak(question: Question, reason: NakReason): void {
    const { packet, message, facts, pool } = question;
    this.#send(question, nak(message, facts.serverId, reason));
    this.#parts.observations.nak(packet, reason);
    this.#parts.log.info({ mac: packet.mac, xid: xidOf(message), network: pool.network.id, reason }, 'nak sent');
  }

  #send({ message, device, pool }: Question, answer: DhcpMessage): void {
    const { ports, send, metrics, log } = this.#parts;
    const { bytes, dropped } = encodeReply(answer, { maxBytes: replyLimit(message) });
    if (dropped.length > 0) log.debug({ dropped, xid: xidOf(message) }, 'options left out of an answer');
    metrics.answered(answer.options.u8(53));
    send(device, bytes, replyTo(message, answer, ports), pool.network);
  }
}

/** A multicast address, broadcast or all zeros can not be a client's. */
const isGroup = ({ chaddr }: DhcpMessage): boolean => ((chaddr[0] ?? 0) & 1) === 1 || chaddr.every((byte) => byte === 0);
