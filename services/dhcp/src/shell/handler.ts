/**
 * A packet's way: bytes → decode → client → limits → network → in turn → whose turn → repeated → decide → lease store → answer. This
 * half finds out what a packet asks and of whom; answerer.ts and boot-answerer.ts perform. Every decision is in core/. Works on many
 * packets at once; their order among each other is settled by the lease scripts.
 */
import type { Mac, Network } from '@ironbus/contracts';
import type { Logger } from '@ironbus/runtime';
import { BootOp, decode, messageType, MessageType, relayInfo, serverId, type DhcpMessage } from '@ironbus/wire';
import { chooseBoot } from '../core/boot.ts';
import { mayWait } from '../core/boot-queue.ts';
import { classify, type Client } from '../core/client.ts';
import { addressOr, serverIdFor, sharedServerId, type IgnoreReason } from '../core/decide.ts';
import { hardwareOf } from '../core/hardware.ts';
import { longestPacketBytes, type Arrival, type Limits } from '../core/limits.ts';
import type { LoaderTries } from '../core/loader-tries.ts';
import { nameFor } from '../core/names.ts';
import type { Pool } from '../core/pool.ts';
import { leaseTypes, Repeats } from '../core/repeats.ts';
import { askedBy } from '../core/replica-duty.ts';
import { selectNetwork } from '../core/select-network.ts';
import { takeTurn, type Unanswered } from '../core/unanswered.ts';
import type { Answerer, Question, Said } from './answerer.ts';
import type { BootAnswerer } from './boot-answerer.ts';
import type { BootPace } from './boot-pace.ts';
import type { FloodReport } from './flood-report.ts';
import type { Lan } from './lan.ts';
import type { LeaseStore } from './lease-store.ts';
import type { Metrics } from './metrics.ts';
import type { Networks } from './networks.ts';
import type { Packet } from './observations.ts';
import type { Send } from './send.ts';
import type { Received } from './socket.ts';
import type { StoreWatch } from './store-watch.ts';

export type HandlerParts = {
  networks: Networks; leases: LeaseStore; lan: Lan; store: StoreWatch; metrics: Metrics; log: Logger; now: () => number;
  limits: Limits; floods: FloodReport; tries: LoaderTries; unanswered: Unanswered; answerer: Answerer; bootAnswerer: BootAnswerer; pace: BootPace; send: Send;
};
/** What a packet is before its network is known. */
type Asked = { message: DhcpMessage; mac: Mac; client: Client; received: Received; nowMs: number };

/** Questions at once before new ones are dropped: clients ask again, a queue of stale answers helps nobody. */
const mostUnderWay = 4_096;

export class Handler {
  readonly #parts: HandlerParts;
  readonly #repeats = new Repeats<Said>();
  #underWay = 0;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Never rejects and never throws: what goes wrong is logged and counted. */
  async handle(received: Received): Promise<void> {
    const { metrics } = this.#parts;
    metrics.received();
    if (this.#underWay >= mostUnderWay) return metrics.ignored('overload');
    await this.#guard(received, async () => {
      const asked = this.#read(received);
      if (asked !== undefined) await this.#route(asked);
    });
  }

  async #guard({ bytes, device }: Received, work: () => Promise<void>): Promise<void> {
    const { metrics, log } = this.#parts;
    this.#underWay += 1;
    try {
      await work();
    } catch (error) {
      metrics.failed();
      log.error({ err: error, device, packet: bytes.toString('hex') }, 'packet could not be handled');
    } finally {
      this.#underWay -= 1;
    }
  }

  /** What is not worth a word to anybody ends here, counted. */
  #read(received: Received): Asked | undefined {
    const { metrics, log, now } = this.#parts;
    if (received.bytes.length > longestPacketBytes) return void metrics.ignored('malformed');
    const decoded = decode(received.bytes);
    if (!decoded.ok) {
      metrics.ignored('malformed');
      log.debug({ device: received.device, reason: decoded.why, at: decoded.at }, 'malformed packet ignored');
      return undefined;
    }
    const { message } = decoded;
    if (message.op !== BootOp.request) return void metrics.ignored('not-a-request');
    const mac = hardwareOf(message);
    if (mac === undefined) return void metrics.ignored('hardware-address');
    return { message, mac, client: classify(message), received, nowMs: now() };
  }

  async #route(asked: Asked): Promise<void> {
    const { networks, answerer, pace } = this.#parts;
    const { message, mac, client, received } = asked;
    const choice = selectNetwork(message, received.device, networks.list());
    const context = { nodeid: networks.policies.policyOf(mac)?.node };
    if (!choice.ok) return this.#isLimited(asked, undefined) ? undefined : answerer.ignore({ message, mac, client, network: null, context }, choice.reason);
    const pools = this.#inOrder(mac, choice.networks);
    if (this.#isLimited(asked, pools[0])) return;
    if (this.#mayWait(asked, pools[0].network) && !pace.begins({ mac, known: this.#isKnown(mac, pools[0]) }, () => this.#later(asked))) return;
    return this.#answer(asked, pools);
  }

  #mayWait({ message, client }: Asked, { id, mode }: Network): boolean {
    return mayWait({ type: messageType(message), client, mode, siblings: this.#parts.lan.siblings.of(id).length });
  }

  /** Its turn has come: with the networks and the policy of now. */
  #later(asked: Asked): void {
    const { networks, now } = this.#parts;
    const choice = selectNetwork(asked.message, asked.received.device, networks.list());
    if (choice.ok) void this.#guard(asked.received, () => this.#answer({ ...asked, nowMs: now() }, this.#inOrder(asked.mac, choice.networks)));
  }

  async #answer(asked: Asked, pools: readonly [Pool, ...Pool[]]): Promise<void> {
    const { networks, answerer, bootAnswerer, lan } = this.#parts;
    const { message, mac, client } = asked;
    const { network } = pools[0];
    const packet: Packet = { message, mac, client, network: network.id, context: { nodeid: networks.policies.policyOf(mac)?.node } };
    const serverAddress = lan.serverAddress(network);
    const why = serverAddress === undefined ? 'no-device' : this.#whyNot(asked, network, serverAddress);
    if (why !== undefined || serverAddress === undefined) return answerer.ignore(packet, why ?? 'no-device');
    const question = this.#question(asked, { pools, packet, serverAddress });
    return isBootAnswer(question) ? bootAnswerer.answer(question) : this.#answerOnce(question, asked.received);
  }

  async #answerOnce(question: Question, received: Received): Promise<void> {
    const { answerer, metrics, now, send } = this.#parts;
    const type = messageType(question.message) ?? 0;
    if (!leaseTypes.includes(type)) {
      this.#repeats.forget(question.mac);
      return answerer.answer(question);
    }
    const { bytes, device, port } = received;
    const asking = { mac: question.mac, type, bytes, device, port };
    const repeated = this.#repeats.begin(asking, question.nowMs);
    if (repeated.is === 'under-way') return metrics.ignored('repeated');
    if (repeated.is === 'answered') {
      metrics.answered(repeated.answer.type);
      return send(repeated.answer.bytes, repeated.answer.way);
    }
    try {
      await answerer.answer(question);
    } finally {
      this.#repeats.end(asking, question.told.said, now());
    }
  }

  #isLimited({ message, mac, received: { device, bytes }, nowMs }: Asked, pool: Pool | undefined): boolean {
    const { limits, floods, metrics } = this.#parts;
    const known = this.#isKnown(mac, pool);
    const relay = message.giaddr === '0.0.0.0' ? undefined : relayInfo(message);
    const port = relay === undefined ? undefined : [relay.circuitId, relay.remoteId].map((id) => id === undefined ? '' : Buffer.from(id).toString('hex')).join('/');
    const arrival: Arrival = { device, mac, known, giaddr: message.giaddr, circuit: port === '/' ? undefined : port, bytes: bytes.length, load: this.#underWay / mostUnderWay };
    const verdict = limits.admit(arrival, nowMs);
    if (verdict === 'ok') return false;
    floods.dropped(arrival, verdict);
    metrics.ignored('limited');
    return true;
  }

  #isKnown(mac: Mac, pool: Pool | undefined): boolean {
    const { networks, leases } = this.#parts;
    return networks.policies.policyOf(mac) !== undefined || (pool !== undefined && (leases.memory.get(pool.network.id, mac) !== undefined || pool.reservedFor(mac) !== undefined));
  }

  /** Why this replica leaves the packet alone, whatever it asks. */
  #whyNot({ message, mac, client, nowMs }: Asked, network: Network, serverAddress: string): IgnoreReason | undefined {
    const { lan, store, unanswered } = this.#parts;
    const named = addressOr(serverId(message));
    if (named !== undefined && messageType(message) === MessageType.request) lan.rogues.sawRequestFor(network, named, mac);
    if (network.mode === 'shadow') return undefined;
    if (!lan.gate.answers(network)) return 'not-the-authority';
    const asked = askedBy(message);
    const siblings = lan.siblings.of(network.id);
    if (asked === undefined || siblings.length === 0) return undefined;
    const self = { serverAddress: serverAddress as Network['serverAddress'], state: network.mode, storeReady: store.isThere() };
    const duty = takeTurn(unanswered, {
      asked, mac, secs: message.secs, ipxe: client.kind === 'ipxe', named, own: lan.own(), shared: sharedServerId(message), unicast: undefined, self, siblings,
      xid: message.xid, atMs: nowMs,
    });
    // A foreign server's name in a REQUEST beside us is the business of decide.ts and proxy.ts.
    return duty === 'answer' || duty.wait === 'other-server' ? undefined : 'other-replica';
  }

  /** Where the machine has a lease or a reservation comes first: it may have got that while another network was full. */
  #inOrder(mac: Mac, found: readonly [Network, ...Network[]]): readonly [Pool, ...Pool[]] {
    const { networks, leases } = this.#parts;
    const [first, ...others] = found.map((network) => networks.pool(network)) as [Pool, ...Pool[]];
    if (others.length === 0) return [first];
    const isHome = (pool: Pool): boolean => pool.reservedFor(mac) !== undefined || leases.memory.get(pool.network.id, mac) !== undefined;
    const home = isHome(first) ? undefined : others.find(isHome);
    return home === undefined ? [first, ...others] : [home, first, ...others.filter((pool) => pool !== home)];
  }

  #question(asked: Asked, { pools: [pool, ...others], packet, serverAddress }: { pools: readonly [Pool, ...Pool[]]; packet: Packet; serverAddress: string }): Question {
    const { networks, lan } = this.#parts;
    const { message, mac, client, received, nowMs } = asked;
    return {
      message, mac, client, packet, nowMs, told: {}, device: received.device, port: received.port, source: received.from, own: lan.own(),
      policy: networks.policies.policyOf(mac), ...this.#on(asked, pool, serverAddress),
      others: others.filter(({ network }) => network.mode === pool.network.mode).map((other) => this.#on(asked, other, serverAddress)),
    };
  }

  /** What the answer would be on one network of the wire. */
  #on({ message, mac, client, nowMs }: Asked, pool: Pool, serverAddress: string): Pick<Question, 'pool' | 'serverAddress' | 'boots' | 'boot' | 'facts'> {
    const { networks, tries } = this.#parts;
    const { network } = pool;
    const policy = networks.policies.policyOf(mac);
    const reservation = pool.reservationOf(mac);
    const boots = {
      client, mac, network, policy, policiesHeard: networks.policiesHeard(), loader: reservation?.loader,
      loaderFailures: client.stage === 'firmware' ? tries.failures(mac, { xid: message.xid, nowMs }) : 0,
    };
    const boot = chooseBoot(boots);
    const name = nameFor({ message, network, reservation, policy });
    return { pool, serverAddress, boots, boot, facts: { network, serverId: serverIdFor(message, serverAddress), boot, name, hostOptions: reservation?.options } };
  }
}

/** Answers without an address: beside a foreign server, as a boot server on port 4011, to a Mac's BSDP. */
const isBootAnswer = ({ pool: { network: { mode } }, port, client, message }: Question): boolean =>
  mode !== 'shadow' && (mode === 'proxy' || port === 4011 || (client.kind === 'bsdp' && messageType(message) === MessageType.inform));
