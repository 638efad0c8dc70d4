/** The answer as a message: header fields and options of OFFER, ACK, NAK and BOOTREPLY (RFC 2131 table 3). */
import type { DhcpOption, Network } from '@ironbus/contracts';
import { encodeFqdn, MessageType, noProxyDhcp, OptionMap, parameterList, replyTo as emptyReply, type DhcpMessage } from '@ironbus/wire';
import type { BootAnswer } from './boot.ts';
import { fqdnReply, nameFor, type HostName } from './names.ts';
import { encodedOptions, networkOptions } from './options.ts';

export type Facts = {
  network: Network; serverId: string; boot: BootAnswer;
  /** What names.ts found: told by option 12 unless it is the client's own, and in answer to option 81. */
  name?: HostName | undefined;
  /** A name without its origin; `name` wins. */
  hostname?: string | undefined;
  /** The reservation's options; they win over the network's. */
  hostOptions?: readonly DhcpOption[] | undefined;
  /** A DNS service follows the leases and makes the records. */
  dnsFollows?: boolean | undefined;
};
export type Lease = { address: string; seconds: number };

const fileBytes = 128;
const forEver = 0xffffffff;

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

/** T1 is half, T2 seven eighths of the lease (RFC 2131 §4.4.5); a lease for ever is never renewed. */
function withLease(question: DhcpMessage, facts: Facts, { lease, type }: { lease: Lease; type: number }): DhcpMessage {
  const answer = begin(question, facts.serverId, type);
  answer.yiaddr = lease.address;
  if (type === MessageType.ack) answer.ciaddr = question.ciaddr;
  answer.options.setU32(51, lease.seconds);
  if (lease.seconds !== forEver) answer.options.setU32(58, Math.floor(lease.seconds / 2)).setU32(59, Math.floor(lease.seconds * 0.875));
  return finish(question, answer, facts);
}

/** An answer with its type and the server's name, nothing else. */
export function begin(question: DhcpMessage, serverId: string, type: number): DhcpMessage {
  const answer = emptyReply(question);
  answer.options.setU8(53, type).setAddress(54, serverId);
  return answer;
}

function finish(question: DhcpMessage, answer: DhcpMessage, facts: Facts): DhcpMessage {
  const wanted = parameterList(question);
  addNetwork(answer.options, facts, wanted);
  addName(question, answer.options, facts, wanted);
  addPersons(answer.options, facts, wanted);
  if (wanted !== undefined) answer.options = inOrder(answer.options, wanted);
  addBoot(answer, facts.boot);
  echo(question, answer.options);
  return answer;
}

/** A client without a list wants everything. */
const asks = (wanted: Uint8Array | undefined, code: number): boolean => wanted === undefined || wanted.includes(code);

function addNetwork(options: OptionMap, { network }: Facts, wanted: Uint8Array | undefined): void {
  const { own, routes } = networkOptions(network);
  for (const { code, value, always } of own) if (always || asks(wanted, code)) options.set(code, value);
  // Only when asked for by its number, and under Windows XP's number to those who know no other.
  if (routes !== undefined && wanted?.includes(121)) options.set(121, routes);
  if (routes !== undefined && wanted?.includes(249) && !wanted.includes(121)) options.set(249, routes);
}

/** Option 81 answers option 81 only (RFC 4702 §4). */
function addName(question: DhcpMessage, options: OptionMap, { network, hostname, name, dnsFollows = false }: Facts, wanted: Uint8Array | undefined): void {
  if (name === undefined && hostname === undefined && !question.options.has(81)) return;
  const known = name ?? nameFor({ message: question, network, reservation: { hostname } });
  if (known !== undefined && known.from !== 'client' && asks(wanted, 12)) options.setText(12, known.label);
  const reply = fqdnReply(question, known, dnsFollows);
  if (reply !== undefined) options.set(81, encodeFqdn(reply));
}

/** What persons set: to those who ask, to all where they said so, and in place of what is sent anyway. The host's come last and win. */
function addPersons(options: OptionMap, { network, hostOptions }: Facts, wanted: Uint8Array | undefined): void {
  for (const list of [networkOptions(network).persons, encodedOptions(hostOptions)]) {
    for (const { code, value, always } of list) {
      if (always || options.has(code) || asks(wanted, code)) options.set(code, value);
    }
  }
}

/** After the protocol's own, in the client's order (RFC 2132 §9.8): when something must go, the encoder decides by importance. */
function inOrder(options: OptionMap, wanted: Uint8Array): OptionMap {
  const ordered = new OptionMap();
  const take = (code: number): void => {
    const value = ordered.has(code) ? undefined : options.get(code);
    if (value !== undefined) ordered.set(code, value);
  };
  for (const code of [53, 54, 51, 58, 59]) take(code);
  for (const code of wanted) take(code);
  for (const code of options.codes()) take(code);
  return ordered;
}

/** Header and options both: ROMs read the one, EDK2 the other. A file too long for the header is in option 67 alone. */
export function addBoot(answer: DhcpMessage, boot: BootAnswer): void {
  const { options } = answer;
  if (boot.noProxyDhcp === true) options.setEncapsulated(175, [noProxyDhcp]);
  if (boot.vendorClass !== undefined) options.setText(60, boot.vendorClass);
  // PXE ends its sub-options with 255 (PXE 2.1 table 2-1), Apple's server does not (golden bsdp-list-ack).
  if (boot.vendorOptions !== undefined) options.setEncapsulated(43, boot.vendorOptions, boot.vendorClass !== 'AAPLBSDPC');
  if (boot.nextServer !== undefined) {
    answer.siaddr = boot.nextServer;
    options.setText(66, boot.nextServer);
  }
  if (boot.file === undefined) return;
  if (Buffer.byteLength(boot.file) < fileBytes) answer.file = boot.file;
  options.setText(67, boot.file);
}

/**
 * Option 61 as it came (RFC 6842 §3); option 97 to a PXE client (PXE 2.1, and dnsmasq's pxe_misc, have it in every answer); option 82 as it
 * came, last (RFC 3046 §2.2).
 */
export function echo(question: DhcpMessage, options: OptionMap): void {
  const again = (code: number): void => {
    const value = question.options.get(code);
    if (value !== undefined) options.set(code, value);
  };
  again(61);
  if (options.has(60) && question.options.text(60)?.startsWith('PXEClient') === true) again(97);
  if (question.giaddr !== '0.0.0.0') again(82);
}
