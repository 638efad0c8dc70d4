/** The answer as a message: header fields and options of OFFER, ACK, NAK and BOOTREPLY (RFC 2131 table 3). */
import type { Network } from '@ironbus/contracts';
import {
  broadcastOf, formatIpv4, maskOf, MessageType, noProxyDhcp, parameterList, parseCidr, replyTo as emptyReply, type DhcpMessage, type OptionMap,
} from '@ironbus/wire';
import type { BootAnswer } from './boot.ts';

export type Facts = {
  network: Network; serverId: string; boot: BootAnswer;
  /** Empty where the machine has no name from us. */
  hostname?: string | undefined;
};
export type Lease = { address: string; seconds: number };

const fileBytes = 128;

export const offer = (question: DhcpMessage, facts: Facts, lease: Lease): DhcpMessage => withLease(question, facts, { lease, type: MessageType.offer });
export const ack = (question: DhcpMessage, facts: Facts, lease: Lease): DhcpMessage => withLease(question, facts, { lease, type: MessageType.ack });

/** The answer to DHCPINFORM: no address and no lease times (RFC 2131 §4.3.5). */
export function informAck(question: DhcpMessage, facts: Facts): DhcpMessage {
  const answer = begin(question, facts.serverId, MessageType.ack);
  answer.ciaddr = question.ciaddr;
  return finish(question, answer, facts);
}

/** A NAK says as little as possible; by a relay it asks for a broadcast (RFC 2131 §4.3.2). */
export function nak(question: DhcpMessage, serverId: string, reason: string): DhcpMessage {
  const answer = begin(question, serverId, MessageType.nak);
  answer.options.setText(56, reason);
  echo(question, answer.options);
  if (question.giaddr !== '0.0.0.0') answer.broadcast = true;
  return answer;
}

/** BOOTREPLY: an address and vendor information, no DHCP options (RFC 1534 §2). */
export function bootReply(question: DhcpMessage, facts: Facts, address: string): DhcpMessage {
  const answer = emptyReply(question);
  answer.yiaddr = address;
  answer.ciaddr = question.ciaddr;
  return question.cookie ? finish(question, answer, facts) : answer;
}

/** T1 is half, T2 seven eighths of the lease (RFC 2131 §4.4.5). */
function withLease(question: DhcpMessage, facts: Facts, { lease, type }: { lease: Lease; type: number }): DhcpMessage {
  const answer = begin(question, facts.serverId, type);
  answer.yiaddr = lease.address;
  if (type === MessageType.ack) answer.ciaddr = question.ciaddr;
  answer.options.setU32(51, lease.seconds).setU32(58, Math.floor(lease.seconds / 2)).setU32(59, Math.floor(lease.seconds * 0.875));
  return finish(question, answer, facts);
}

function begin(question: DhcpMessage, serverId: string, type: number): DhcpMessage {
  const answer = emptyReply(question);
  answer.options.setU8(53, type).setAddress(54, serverId);
  return answer;
}

function finish(question: DhcpMessage, answer: DhcpMessage, facts: Facts): DhcpMessage {
  addNetwork(question, answer.options, facts);
  addBoot(answer, facts.boot);
  echo(question, answer.options);
  return answer;
}

/** Mask, router and name servers always (debian-installer 12 stops for ever without option 6, lab §8); the rest to those who ask. */
function addNetwork(question: DhcpMessage, options: OptionMap, { network, hostname }: Facts): void {
  const wanted = parameterList(question);
  const asked = (code: number): boolean => wanted === undefined || wanted.includes(code);
  const prefix = parseCidr(network.cidr);
  if (prefix !== undefined) options.setU32(1, maskOf(prefix.prefix));
  if (network.gateway !== null) options.setAddress(3, network.gateway);
  options.setAddresses(6, network.dnsServers);
  if (hostname !== undefined && asked(12)) options.setText(12, hostname);
  if (network.domain !== null) options.setText(15, network.domain);
  if (network.mtu !== null && asked(26)) options.setU16(26, network.mtu);
  if (prefix !== undefined && asked(28)) options.setAddress(28, formatIpv4(broadcastOf(prefix)));
  if (asked(42)) options.setAddresses(42, network.ntpServers);
}

/** Header and options both: ROMs read the one, EDK2 the other. A file too long for the header is in option 67 alone. */
function addBoot(answer: DhcpMessage, boot: BootAnswer): void {
  if (boot.noProxyDhcp === true) answer.options.setEncapsulated(175, [noProxyDhcp]);
  if (boot.file === undefined) return;
  if (boot.vendorClass !== undefined) answer.options.setText(60, boot.vendorClass);
  if (boot.nextServer !== undefined) {
    answer.siaddr = boot.nextServer;
    answer.options.setText(66, boot.nextServer);
  }
  if (Buffer.byteLength(boot.file) < fileBytes) answer.file = boot.file;
  answer.options.setText(67, boot.file);
}

/** Option 61 as it came (RFC 6842 §3); option 82 as it came, which the encoder puts last (RFC 3046 §2.2). */
function echo(question: DhcpMessage, options: OptionMap): void {
  for (const code of [61, 82]) {
    const value = code === 82 && question.giaddr === '0.0.0.0' ? undefined : question.options.get(code);
    if (value !== undefined) options.set(code, value);
  }
}
