/** Performs the boot answers that give no address: ProxyDHCP, boot servers on port 4011, BSDP. What they say is core/proxy.ts' and core/bsdp.ts'. */
import { encodeReply, messageType, MessageType, replyLimit, requestedAddress, serverId } from '@ironbus/wire';
import { decideBsdp } from '../core/bsdp.ts';
import { addressOr } from '../core/decide.ts';
import { decideProxy, type ProxyMove } from '../core/proxy.ts';
import type { AnswererParts, Question } from './answerer.ts';
import { xidOf } from './observations.ts';

export type BootAnswererParts = Pick<AnswererParts, 'bindings' | 'observations' | 'metrics' | 'log' | 'ports' | 'send' | 'powerChangedAtMs' | 'tries'> & {
  ignore: (packet: Question['packet'], reason: (ProxyMove & { do: 'ignore' })['reason']) => void;
};

export class BootAnswerer {
  readonly #parts: BootAnswererParts;

  constructor(parts: BootAnswererParts) {
    this.#parts = parts;
  }

  async answer(question: Question): Promise<void> {
    const { observations, ports, ignore } = this.#parts;
    const { message, boots, serverAddress, port, source, pool: { network } } = question;
    await this.#bind(question);
    observations.received(question.packet);
    const move = network.mode === 'authoritative' && port === 67
      ? fromPort67(decideBsdp({ ...boots, message, ports })) : decideProxy({ ...boots, message, port, source, ports, serverId: serverAddress });
    if (move.do === 'ignore') return ignore(question.packet, move.reason);
    this.#send(question, move);
  }

  #send({ message, mac, client, device, packet, pool: { network }, nowMs }: Question, { answer, to, from, rule }: ProxyMove & { do: 'answer' }): void {
    const { send, metrics, observations, log, tries } = this.#parts;
    const { bytes, dropped } = encodeReply(answer, { maxBytes: replyLimit(message) });
    if (dropped.length > 0) log.debug({ dropped, xid: xidOf(message) }, 'options left out of an answer');
    metrics.answered(answer.options.u8(53));
    send(bytes, { device, from, to, network });
    const file = answer.file !== '' ? answer.file : answer.options.text(67);
    tries.acknowledged(mac, client.stage, { xid: message.xid, nowMs, loader: file !== undefined });
    observations.bootAnswered(packet, { rule, port: from, file });
    log.info({ mac, xid: xidOf(message), network: network.id, client: client.kind, rule, port: from, node: packet.context.nodeid }, 'boot answer sent');
  }

  /** Beside a foreign server its clients' REQUESTs and their own addresses say who has what: the services that boot them ask for it. */
  async #bind({ message, mac, client, nowMs, packet, policy, pool: { network } }: Question): Promise<void> {
    const { bindings, powerChangedAtMs } = this.#parts;
    if (network.mode !== 'proxy' || (client.stage === 'os' && policy === undefined && !bindings.boots(mac))) return;
    const { bootId } = bindings.note({ mac, stage: client.stage, atMs: nowMs, powerChangedAtMs: powerChangedAtMs(mac), extending: false });
    packet.context.bootid = bootId;
    const chosen = messageType(message) === MessageType.request && serverId(message) !== undefined ? requestedAddress(message) : undefined;
    const address = addressOr(message.ciaddr !== '0.0.0.0' ? message.ciaddr : chosen);
    if (address !== undefined) await bindings.ensure({ mac, address, network: network.id, node: policy?.node ?? null, how: 'observed' });
  }
}

const fromPort67 = (move: ReturnType<typeof decideBsdp>): ProxyMove => move.do === 'ignore' ? move : { ...move, from: 67 };
