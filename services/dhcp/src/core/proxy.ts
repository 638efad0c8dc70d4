/**
 * Boot answers beside somebody else's DHCP server (PXE 2.1, ProxyDHCP), and what port 4011 answers in any mode: the
 * second half of a proxy's answer and the items of a boot menu (PXE 2.1, boot server discovery). Never an address, never an answer to a client that
 * does not boot, never one to a REQUEST at port 67: that speaks to the other server.
 *
 * Witnesses: EDK2 PxeBcDhcp4.c and HttpBootDhcp4.c, iPXE dhcp.c, dnsmasq rfc2131.c, tinkerbell smee, pixiecore. A shim that
 * came by ProxyDHCP asks the wrong TFTP server for its GRUB (rhboot/shim#165).
 */
import { messageType, MessageType, pxeVendorOptions, PxeSubOption, type DhcpMessage } from '@ironbus/wire';
import { chooseBoot, menuAnswer, type BootAnswer, type BootQuestion } from './boot.ts';
import { decideBsdp, type BsdpIgnore } from './bsdp.ts';
import { menuItems } from './menu.ts';
import { addBoot, begin, echo } from './reply.ts';
import { bootServerReplyTo, replyTo, type Destination, type Ports, type Source } from './reply-to.ts';

export type ProxyPort = 67 | 4011;
export type ProxyQuestion = BootQuestion & {
  message: DhcpMessage;
  /** The port it came to, in the protocol's numbers whatever the configuration makes of them; the answer leaves from the same. */
  port: ProxyPort;
  source: Source; ports: Ports;
  /** Option 54; left out: the network's server address. */
  serverId?: string | undefined;
};
export type ProxyIgnore =
  | 'not-a-request' | 'message-type' | 'not-a-boot-client' | 'request-to-other-server' | 'no-address' | 'menu-item' | 'menu-security' | BsdpIgnore;
export type ProxyMove =
  | { do: 'answer'; rule: string; answer: DhcpMessage; to: Destination; from: ProxyPort }
  /** `rule` is the row of the boot table that gives nothing. */
  | { do: 'ignore'; reason: ProxyIgnore; rule?: string };

/** Decides on one message. Never throws. */
export function decideProxy(question: ProxyQuestion): ProxyMove {
  const { message, client, port } = question;
  if (message.op !== 1) return { do: 'ignore', reason: 'not-a-request' };
  if (client.stage === 'os') return { do: 'ignore', reason: 'not-a-boot-client' };
  const type = messageType(message);
  if (port === 4011) return type === MessageType.request || type === MessageType.inform ? atBootServer(question) : { do: 'ignore', reason: 'message-type' };
  if (type === MessageType.request) return { do: 'ignore', reason: 'request-to-other-server' };
  if (client.kind === 'bsdp') return type === MessageType.inform ? bsdp(question) : { do: 'ignore', reason: 'message-type' };
  return type === MessageType.discover ? offer(question) : { do: 'ignore', reason: 'message-type' };
}

/** BSDP was made to run beside another server; its DISCOVER is that server's alone. */
function bsdp(question: ProxyQuestion): ProxyMove {
  const move = decideBsdp(question);
  return move.do === 'ignore' ? move : { ...move, from: 67 };
}

/** OFFER with yiaddr 0, by broadcast or the relay. */
function offer(question: ProxyQuestion): ProxyMove {
  const { message, network, ports } = question;
  const boot = chooseBoot(question);
  if (givesNothing(boot)) return { do: 'ignore', reason: 'no-boot', rule: boot.rule };
  const answer = begin(message, serverId(question), MessageType.offer);
  answer.broadcast = true;
  addBoot(answer, isUefiPxe(question) ? { rule: boot.rule, vendorClass: 'PXEClient', nextServer: network.serverAddress } : asProxy(boot));
  echo(message, answer.options);
  return { do: 'answer', rule: boot.rule, answer, to: replyTo(message, answer, ports), from: 67 };
}

/**
 * EDK2 and many vendors' UEFI throw away an OFFER of a proxy that has option 43 (PxeBcCacheDhcp4Offer never keeps the first
 * ProxyPxe10; pixiecore saw the same), and look for file and menu at port 4011 of a server that says only PXEClient.
 */
const isUefiPxe = ({ client }: BootQuestion): boolean => client.kind.startsWith('pxe-uefi-');

/** The whole boot answer, to a client that has its address already: ciaddr stays, yiaddr is 0. */
function atBootServer(question: ProxyQuestion): ProxyMove {
  const { message, source } = question;
  const to = bootServerReplyTo(message, source);
  if (to === undefined) return { do: 'ignore', reason: 'no-address' };
  const boot = chooseBoot(question);
  if (givesNothing(boot)) return { do: 'ignore', reason: 'no-boot', rule: boot.rule };
  const item = pxeVendorOptions(message)?.bootItem;
  const chosen = item === undefined ? boot : itemAnswer(question, item);
  if (typeof chosen === 'string') return { do: 'ignore', reason: chosen };
  const answer = begin(message, serverId(question), MessageType.ack);
  answer.ciaddr = message.ciaddr;
  addBoot(answer, asProxy(chosen));
  echo(message, answer.options);
  return { do: 'answer', rule: chosen.rule, answer, to, from: 4011 };
}

/** The loader of the item that was picked, with sub-option 71 as it came: iPXE and ROMs compare it (iPXE dhcp_pxebs_rx). */
function itemAnswer(question: ProxyQuestion, { type, layer }: { type: number; layer: number }): BootAnswer | 'menu-item' | 'menu-security' {
  // Layer bit 15 asks for signed credentials (BIS), which nobody has any more; dnsmasq refuses the same.
  if ((layer & 0x8000) !== 0) return 'menu-security';
  const item = menuItems(question).find((candidate) => candidate.type === type);
  if (item === undefined || item.boots === 'local-disk') return 'menu-item';
  const echoed = { code: PxeSubOption.bootItem, value: Uint8Array.of(type >>> 8, type, layer >>> 8, layer) };
  return { ...menuAnswer(question, item.boots), vendorOptions: [echoed] };
}

/** Who answers beside a server must say what it is (PXE 2.1). Option 175.176 is the DHCP server's to send. */
function asProxy({ noProxyDhcp: _, ...boot }: BootAnswer): BootAnswer {
  return { ...boot, vendorClass: boot.vendorClass ?? 'PXEClient' };
}

const givesNothing = (boot: BootAnswer): boolean => boot.file === undefined && boot.vendorOptions === undefined;
const serverId = ({ serverId: own, network }: ProxyQuestion): string => own ?? network.serverAddress;
