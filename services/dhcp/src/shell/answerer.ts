/** Performs what core/ decided about one question: asks the lease store, sends the answer, tells what was done. */
import type { BootPolicy, Ipv4, Mac } from '@ironbus/contracts';
import type { Logger } from '@ironbus/runtime';
import { encodeReply, replyLimit, type DhcpMessage } from '@ironbus/wire';
import type { BootAnswer, BootQuestion } from '../core/boot.ts';
import type { Client } from '../core/client.ts';
import { decide, type IgnoreReason, type Move, type NakReason } from '../core/decide.ts';
import type { LoaderTries } from '../core/loader-tries.ts';
import type { Pool } from '../core/pool.ts';
import { ack, bootReply, informAck, nak, offer, type Facts } from '../core/reply.ts';
import { replyTo, type Ports, type Source } from '../core/reply-to.ts';
import type { Bindings } from './bindings.ts';
import { isStoreAway, type LeaseStore } from './lease-store.ts';
import type { Metrics } from './metrics.ts';
import { xidOf, type Observations, type Packet } from './observations.ts';
import type { Send, Way } from './send.ts';
import type { StoreWatch } from './store-watch.ts';

/** An answer as it was sent; `type` is option 53's. */
export type Said = { bytes: Uint8Array; way: Way; type: number | undefined };
/** One question, with everything that was found out about it. */
export type Question = {
  message: DhcpMessage; mac: Mac; device: string; client: Client; packet: Packet; nowMs: number; policy: BootPolicy | undefined;
  /** The port that it came to, and from where. */
  port: 67 | 4011; source: Source;
  /** This replica's address on the network, and all of its host. */
  serverAddress: string; own: ReadonlySet<string>;
  pool: Pool; boots: BootQuestion; boot: BootAnswer; facts: Facts;
  /** The other networks of the wire, for when this one has no address left. */
  others: readonly Pick<Question, 'pool' | 'serverAddress' | 'boots' | 'boot' | 'facts'>[];
  /** Holds the answer once there is one. */
  told: { said?: Said };
};
export type AnswererParts = {
  leases: LeaseStore; bindings: Bindings; observations: Observations; metrics: Metrics; log: Logger; ports: Ports; send: Send;
  tries: LoaderTries; store: StoreWatch; powerChangedAtMs: (mac: Mac) => number | undefined;
};

export class Answerer {
  readonly #parts: AnswererParts;

  constructor(parts: AnswererParts) {
    this.#parts = parts;
  }

  /** Rejects on defects only. */
  async answer(question: Question): Promise<void> {
    const move = decide(question);
    this.#noteBoot(question, move);
    this.#parts.observations.received(question.packet);
    try {
      await (isShadow(question) ? this.#shadow(question, move) : this.#perform(question, move));
    } catch (error) {
      if (!isStoreAway(error)) throw error;
      await (isShadow(question) ? this.ignore(question.packet, 'shadow: store-away') : this.#withoutStore(question, move));
    }
  }

  /** Counts and tells that a packet gets no answer. */
  ignore(packet: Packet, reason: IgnoreReason | `shadow: ${string}`): void {
    const { metrics, observations, log } = this.#parts;
    metrics.ignored(reason.startsWith('shadow: ') ? 'shadow' : reason);
    observations.ignored(packet, reason);
    log.debug({ mac: packet.mac, xid: xidOf(packet.message), network: packet.network, reason }, 'not answered');
  }

  /** A stranger's operating system that only asks begins no boot that anybody follows. */
  #noteBoot({ mac, client, nowMs, packet, policy }: Question, move: Move): void {
    const { bindings, powerChangedAtMs, log } = this.#parts;
    if (move.do !== 'offer' && move.do !== 'confirm') return;
    if (move.do === 'offer' && client.stage === 'os' && policy === undefined && !bindings.boots(mac)) return;
    const sign = { stage: client.stage, atMs: nowMs, powerChangedAtMs: powerChangedAtMs(mac), extending: move.do === 'confirm' && move.state === 'extending' };
    const { bootId, change } = bindings.note({ mac, ...sign });
    packet.context.bootid = bootId;
    if (change !== undefined) log.debug({ mac, cause: change }, 'a boot began');
  }

  async #perform(question: Question, move: Move): Promise<void> {
    const { leases, bindings, log } = this.#parts;
    const { mac, pool, nowMs, packet } = question;
    const who = { mac, pool, nowMs };
    switch (move.do) {
      case 'ignore': return this.ignore(packet, move.reason);
      case 'nak': return this.#nak(question, move.reason);
      case 'offer': return this.#offer(question, move);
      case 'confirm': return this.#confirm(question, move);
      case 'inform': return this.#send(question, informAck(question.message, question.facts));
      case 'release':
        if (!await leases.release(who, move.address, packet.context)) return this.ignore(packet, 'not-its-address');
        log.info({ mac, address: move.address, network: pool.network.id }, 'lease released');
        return bindings.drop(mac, move.address);
      case 'decline':
        if (!await leases.decline(who, move.address, packet.context)) return this.ignore(packet, 'not-its-address');
        log.warn({ mac, address: move.address, network: pool.network.id }, 'address declined: somebody else uses it');
        return bindings.drop(mac, move.address);
    }
  }

  /** From the first network of the wire that has an address for it. */
  async #offer(question: Question, move: Move & { do: 'offer' }): Promise<void> {
    const { leases, observations, log } = this.#parts;
    const { mac, nowMs, packet, message, policy } = question;
    for (const on of [question, ...question.others]) {
      const wanted = move.wanted !== undefined && on.pool.allows(mac, move.wanted) ? move.wanted : undefined;
      const offered = await leases.offer({ mac, pool: on.pool, nowMs }, { wanted, dry: false, known: policy !== undefined });
      if (!offered.ok) continue;
      const seconds = on.pool.network.leaseSeconds;
      packet.network = on.pool.network.id;
      // It asks for files with this address and no further word (the Raspberry Pi's boot ROM).
      if (question.client.offerOnly === true) await this.#bind({ ...question, ...on }, offered.address);
      this.#send({ ...question, ...on }, offer(message, on.facts, { address: offered.address, seconds }));
      return observations.offered(packet, { address: offered.address, leaseSeconds: seconds, boot: on.boot });
    }
    log.warn({ mac, network: question.pool.network.id, reason: 'pool-exhausted' }, 'no address to offer: widen a dynamic range of this network, or shorten its leases');
    this.ignore(packet, 'pool-exhausted');
  }

  async #confirm(question: Question, move: Move & { do: 'confirm' }): Promise<void> {
    const { leases, log } = this.#parts;
    const { mac, pool, nowMs, packet, client, boot, message } = question;
    const outcome = await leases.confirm({
      mac, pool, nowMs, address: move.address, state: move.state, allowed: move.allowed,
      client: client.kind, hostname: question.facts.name?.label, context: packet.context,
    });
    if (outcome.do === 'nak') return this.#nak(question, outcome.reason);
    if (outcome.do === 'ignore') return this.ignore(packet, outcome.reason);
    await this.#bind(question, move.address);
    this.#acknowledge(question, move, outcome.seconds);
    const fields = { mac, xid: xidOf(message), address: move.address, network: pool.network.id, client: client.kind, rule: boot.rule, node: packet.context.nodeid };
    log.info(fields, outcome.how === 'granted' ? 'lease granted' : 'lease renewed');
  }

  /** Before the answer for a machine that boots or is known: its next packet goes to a service that asks who it is. */
  async #bind({ mac, pool, client, policy }: Question, address: Ipv4): Promise<void> {
    const { bindings } = this.#parts;
    const held = { mac, address, network: pool.network.id, node: policy?.node ?? null };
    if (policy === undefined && client.stage === 'os' && !bindings.boots(mac)) bindings.tryLater(held);
    else await bindings.ensure(held);
  }

  #acknowledge(question: Question, move: Move & { do: 'confirm' }, seconds: number): void {
    const { message, facts } = question;
    const lease = { address: move.address, seconds };
    this.#parts.tries.acknowledged(question.mac, question.client.stage, { xid: message.xid, nowMs: question.nowMs, loader: question.boot.file !== undefined });
    this.#send(question, move.state === 'bootp' ? bootReply(message, facts, move.address) : ack(message, facts, lease));
  }

  /** Redis is away: what was seen durable is offered and extended from memory, nothing else. */
  async #withoutStore(question: Question, move: Move): Promise<void> {
    const { leases, log, store } = this.#parts;
    const { mac, pool, nowMs, packet, message, facts } = question;
    const known = leases.memory.extendable(pool.network.id, mac, { nowMs, leaseSeconds: pool.network.leaseSeconds });
    const fits = known !== undefined && pool.allows(mac, known.address) && (move.do === 'offer' || (move.do === 'confirm' && move.address === known.address));
    if (!fits) {
      store.noteRefused();
      return this.ignore(packet, 'store-away');
    }
    store.noteExtended();
    if (move.do === 'offer') return this.#send(question, offer(message, facts, known));
    await this.#bind(question, known.address);
    if (move.do === 'confirm') this.#acknowledge(question, move, known.seconds);
    log.warn({ mac, address: known.address, seconds: known.seconds }, 'lease extended from memory: redis is away');
  }

  /** Publishes what an authoritative server would have answered, and answers nothing. */
  async #shadow(question: Question, move: Move): Promise<void> {
    const { mac, pool, nowMs, packet, boot } = question;
    if (move.do !== 'offer') return this.ignore(packet, `shadow: ${move.do}${'reason' in move ? ` ${move.reason}` : ''}${'address' in move ? ` ${move.address}` : ''} (${boot.rule})`);
    const offered = await this.#parts.leases.offer({ mac, pool, nowMs }, { wanted: move.wanted, dry: true });
    this.ignore(packet, `shadow: ${offered.ok ? `offer ${offered.address}` : offered.reason} (${boot.rule})`);
  }

  #nak(question: Question, reason: NakReason): void {
    const { packet, message, facts, pool } = question;
    this.#send(question, nak(message, facts.serverId, reason));
    this.#parts.observations.nak(packet, reason);
    this.#parts.log.info({ mac: packet.mac, xid: xidOf(message), network: pool.network.id, reason }, 'nak sent');
  }

  #send({ message, device, port, told, pool: { network } }: Question, answer: DhcpMessage): void {
    const { ports, send, metrics, log } = this.#parts;
    const { bytes, dropped } = encodeReply(answer, { maxBytes: replyLimit(message) });
    if (dropped.length > 0) log.debug({ dropped, xid: xidOf(message) }, 'options left out of an answer');
    const said: Said = { bytes, way: { device, from: port, to: replyTo(message, answer, ports), network }, type: answer.options.u8(53) };
    told.said = said;
    metrics.answered(said.type);
    send(bytes, said.way);
  }
}

const isShadow = ({ pool }: Question): boolean => pool.network.mode === 'shadow';
