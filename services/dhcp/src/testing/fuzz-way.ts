/**
 * A packet's way through everything of the server that is pure: decode, limits, network, client, boot, decision, answer,
 * bytes; and separately every reader of a message, and what the command line prints of it. The lease store is left out: it
 * is taken to agree with what was asked. Throws on whatever must not happen.
 */
import assert from 'node:assert/strict';
import { parseIpv4, type Mac, type Network } from '@ironbus/contracts';
import * as wire from '@ironbus/wire';
import { BootOp, decode, encodeReply, explain, replyLimit, type DhcpMessage } from '@ironbus/wire';
import { chooseBoot, type BootQuestion } from '../core/boot.ts';
import { decideBsdp } from '../core/bsdp.ts';
import { classify } from '../core/client.ts';
import { decide, serverIdFor, type Move } from '../core/decide.ts';
import { hardwareOf } from '../core/hardware.ts';
import { defaultLimits, Limits, longestPacketBytes } from '../core/limits.ts';
import { nameFor } from '../core/names.ts';
import { PolicyIndex } from '../core/policy-index.ts';
import { makePool, type Pool } from '../core/pool.ts';
import { decideProxy } from '../core/proxy.ts';
import { ack, bootReply, informAck, nak, offer, type Facts } from '../core/reply.ts';
import { replyTo, type Destination } from '../core/reply-to.ts';
import { selectNetwork } from '../core/select-network.ts';
import { sampleMac, sampleNetwork, samplePolicy } from './samples.ts';

/** What became of a packet, for counting. */
export type Outcome = 'too-long' | 'malformed' | 'no-client' | 'no-network' | 'ignore' | 'release' | 'decline' | 'offer' | 'ack' | 'nak' | 'inform' | 'bootp';

const getters = [
  wire.autoConfigure, wire.bootFile, wire.clientId, wire.clientKey, wire.domainName, wire.domainSearch, wire.hardwareMac, wire.hostName, wire.leaseSeconds,
  wire.maxMessageSize, wire.messageType, wire.parameterList, wire.rapidCommit, wire.requestedAddress, wire.routes, wire.serverId, wire.subnetSelection,
  wire.tftpServerName, wire.tftpServers, wire.userClass, wire.vendorClass, wire.vendorOptions, wire.bsdpRequest, wire.isBsdpClient, wire.clientFqdn,
  wire.ipxeFeatures, wire.clientArch, wire.clientUuid, wire.clientUuidNetworkOrder, wire.isRaspberryPi, wire.networkInterface, wire.pxeVendorOptions,
  wire.relayInfo,
] as const;

const ports = { server: 67, client: 68 };
const source = { address: '10.77.0.9', port: 68 };
/** With everything a network may tell: a menu, options, routes, a reservation. */
const near = {
  reservations: [{ mac: '52:54:00:77:00:02', address: '10.77.0.12' }], searchDomains: ['lab.example'], mtu: 9_000, ntpServers: ['10.77.0.3'],
  staticRoutes: [{ destination: '10.8.0.0/16', gateway: '10.77.0.9' }], options: [{ code: 252, type: 'text', value: 'x', always: true }],
  bootMenu: { prompt: 'F8', timeoutSeconds: 5, entries: ['local-disk', 'ipxe', 'grub', 'pxelinux'].map((boots) => ({ text: `boot ${boots}`, boots })) },
};
const far = { id: 'far', cidr: '10.77.1.0/24', relayed: true, gateway: '10.77.1.1', dynamicRanges: [{ from: '10.77.1.50', to: '10.77.1.60' }] };

export class FuzzWay {
  readonly #networks: readonly Network[] = [sampleNetwork(near), sampleNetwork(far)];
  readonly #policies = new PolicyIndex();
  readonly #pools: ReadonlyMap<Network, Pool>;
  readonly #limits = new Limits({ ...defaultLimits, seed: 1 });

  constructor() {
    this.#policies.set(sampleMac, samplePolicy({ reservedAddress: '10.77.0.42' }));
    this.#pools = new Map(this.#networks.map((network) => [network, makePool(network, this.#policies)]));
  }

  take(bytes: Buffer, nowMs: number): Outcome {
    if (bytes.length > longestPacketBytes) return 'too-long';
    const decoded = decode(bytes);
    if (!decoded.ok) {
      assert.ok(decoded.at <= bytes.length, `offset ${decoded.at} is outside`);
      return 'malformed';
    }
    const { message } = decoded;
    const mac = hardwareOf(message);
    if (mac === undefined) return 'no-client';
    const relay = wire.relayInfo(message);
    const circuit = relay?.circuitId === undefined ? undefined : Buffer.from(relay.circuitId).toString('hex');
    this.#limits.admit({ device: 'eth0', mac, known: mac === sampleMac, giaddr: message.giaddr, circuit, bytes: bytes.length }, nowMs);
    const choice = selectNetwork(message, 'eth0', this.#networks);
    if (!choice.ok) return 'no-network';
    const pool = this.#pools.get(choice.networks[0]);
    assert.ok(pool !== undefined);
    return this.#answer(message, mac, pool);
  }

  /** Every getter, whatever the length. */
  read(bytes: Buffer): void {
    const decoded = decode(bytes);
    if (decoded.ok) for (const get of getters) get(decoded.message);
  }

  explain(bytes: Buffer): void {
    assert.equal(typeof explain(bytes), 'string');
  }

  #answer(message: DhcpMessage, mac: Mac, pool: Pool): Outcome {
    const { network } = pool;
    const policy = this.#policies.policyOf(mac);
    const question: BootQuestion = { client: classify(message), mac, network, policy, policiesHeard: true };
    besideAnother(message, question);
    const serverId = serverIdFor(message, network.serverAddress);
    const facts: Facts = { network, serverId, boot: chooseBoot(question), name: nameFor({ message, network, policy }), dnsFollows: message.xid % 2 === 0 };
    const move = decide({ message, mac, pool, serverAddress: network.serverAddress });
    const answer = answerTo(message, move, facts);
    if (answer === undefined) return move.do === 'release' || move.do === 'decline' ? move.do : 'ignore';
    check(message, answer, replyTo(message, answer, ports));
    return move.do === 'confirm' ? (move.state === 'bootp' ? 'bootp' : 'ack') : (move.do as Outcome);
  }
}

/** What a network in mode proxy would answer, at both ports, and what a Mac would get. */
function besideAnother(message: DhcpMessage, question: BootQuestion): void {
  const asked = { ...question, message, ports, source };
  for (const move of [decideProxy({ ...asked, port: 67 }), decideProxy({ ...asked, port: 4011 }), decideBsdp(asked)]) {
    if (move.do === 'answer') check(message, move.answer, move.to);
  }
}

function answerTo(message: DhcpMessage, move: Move, facts: Facts): DhcpMessage | undefined {
  const seconds = facts.network.leaseSeconds;
  switch (move.do) {
    case 'offer': return offer(message, facts, { address: move.wanted ?? '10.77.0.100', seconds });
    case 'confirm': return move.state === 'bootp' ? bootReply(message, facts, move.address) : ack(message, facts, { address: move.address, seconds });
    case 'nak': return nak(message, facts.serverId, move.reason);
    case 'inform': return informAck(message, facts);
    default: return undefined;
  }
}

/** An answer is one that its client takes: readable, its own, not too long, and the relay's option 82 is last and as it was. */
function check(question: DhcpMessage, answer: DhcpMessage, to: Destination): void {
  const limit = replyLimit(question);
  const { bytes } = encodeReply(answer, { maxBytes: limit });
  const decoded = decode(bytes);
  assert.ok(decoded.ok, 'the answer does not decode');
  const { message } = decoded;
  assert.ok(bytes.length <= limit && bytes.length >= Math.min(300, limit), `the answer has ${bytes.length} bytes, the client takes ${limit}`);
  assert.deepEqual([message.op, message.xid, message.htype, message.hlen, message.giaddr, message.broadcast],
    [BootOp.reply, question.xid, question.htype, question.hlen, question.giaddr, answer.broadcast]);
  assert.ok(Buffer.compare(Buffer.from(message.chaddr), Buffer.from(question.chaddr)) === 0);
  const relayed = message.options.get(82);
  if (relayed !== undefined) {
    assert.deepEqual(Buffer.from(relayed), Buffer.from(question.options.get(82) ?? []));
    // Options in the fields file and sname are read after those of the options field, where a relay looks.
    if (!message.options.has(52)) assert.equal([...message.options.codes()].at(-1), 82);
  }
  assert.ok(parseIpv4(to.address) !== undefined && to.port > 0 && to.port < 65_536);
}
