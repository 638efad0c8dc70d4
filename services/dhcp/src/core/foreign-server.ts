/** DHCP servers that are not ours: the questions that make them speak, and what their answers tell about them. Pure. */
import { parseIpv4, type ForeignServer, type Ipv4, type Mac, type ServedNetwork } from '@ironbus/contracts';
import { bootFile, BootOp, ClientArch, compareIpv4, decode, makeMessage, MessageType, messageType, serverId, type DhcpMessage } from '@ironbus/wire';
import type { UdpFrame } from './udp-frame.ts';

export type SeenServer = ServedNetwork['others'][number];
export type ServerAnswer = { message: DhcpMessage; from: Ipv4; mac: Mac };

/** A server speaks to clients and relays: BOOTREPLY (RFC 951 §3). Undefined for anything else; never throws. */
export function readServerAnswer(frame: UdpFrame | undefined): ServerAnswer | undefined {
  if (frame === undefined) return undefined;
  const decoded = decode(frame.payload);
  if (!decoded.ok || decoded.message.op !== BootOp.reply) return undefined;
  return { message: decoded.message, from: frame.source, mac: frame.mac };
}

/** What an answer tells about its server. A proxyDHCP server offers no address (PXE 2.1 §2.2.3). */
export function describeServer({ message, from, mac }: ServerAnswer): ForeignServer {
  const offered = parseIpv4(message.yiaddr);
  return {
    serverId: parseIpv4(serverId(message) ?? '') ?? null, from, mac,
    offered: offered === undefined || offered === '0.0.0.0' ? null : offered,
    bootFile: bootFile(message)?.slice(0, 1024) ?? null,
  };
}

/** Servers are told apart by option 54; a BOOTP server has none. */
export const serverKey = ({ serverId, from }: Pick<ForeignServer, 'serverId' | 'from'>): Ipv4 => serverId ?? from;

/** What is known of one server from several answers: the newer word, and of the older what the newer does not say. */
export function mergeServers<T extends ForeignServer>(older: ForeignServer | undefined, newer: T): T {
  if (older === undefined) return newer;
  return { ...newer, mac: newer.mac ?? older.mac, offered: newer.offered ?? older.offered, bootFile: newer.bootFile ?? older.bootFile };
}

/** Two lists of one network as one, the newest word of each server first; at most 64, as the contract has it. */
export function mergeSeen(...lists: readonly (readonly SeenServer[])[]): SeenServer[] {
  const byKey = new Map<string, SeenServer>();
  for (const server of lists.flat().sort((a, b) => (a.seenAt < b.seenAt ? -1 : 1))) {
    const key = serverKey(server);
    const merged = mergeServers(byKey.get(key), server);
    byKey.delete(key);
    byKey.set(key, merged);
  }
  return [...byKey.values()].reverse().slice(0, 64);
}

/** `10.0.0.1 (52:54:00:00:00:01)`, with the boot file where it gives one: for logs and for people. */
export function nameServer(server: ForeignServer): string {
  const file = server.bootFile === null ? null : `boot file ${server.bootFile.slice(0, 80)}`;
  const facts = [server.mac, file].filter((fact) => fact !== null);
  return `${serverKey(server)}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

const mostNamed = 4;

/** The first few by name, the rest by number. */
export function nameServers(servers: readonly ForeignServer[]): string {
  const named = servers.slice(0, mostNamed).map(nameServer).join(', ');
  return servers.length > mostNamed ? `${named} and ${servers.length - mostNamed} more` : named;
}

export type Question = { chaddr: Uint8Array; xid: number; secs: number; uuid: Uint8Array };

/** A client that wants an address. `secs` grows by the round: some servers leave the first seconds to others (RFC 2131 §4.1). */
export function plainDiscover({ chaddr, xid, secs }: Question): DhcpMessage {
  const message = makeMessage({ chaddr, xid, secs, broadcast: true });
  message.options.setU8(53, MessageType.discover).setU16(57, 1_472).set(55, Uint8Array.of(1, 3, 6, 15, 51, 54, 66, 67));
  return message;
}

/** A boot ROM (RFC 4578; PXE 2.1 §2.2.1), which proxyDHCP servers answer too; some know BIOS alone, some UEFI alone. */
export function pxeDiscover(question: Question, firmware: 'bios' | 'uefi'): DhcpMessage {
  const message = plainDiscover(question);
  const arch = firmware === 'bios' ? ClientArch.biosX86 : ClientArch.efiX64;
  message.options.setText(60, `PXEClient:Arch:${String(arch).padStart(5, '0')}:UNDI:003016`).setU16(93, arch)
    .set(94, Uint8Array.of(1, 3, 16)).set(97, Uint8Array.of(0, ...question.uuid)).set(55, Uint8Array.of(1, 3, 6, 15, 43, 51, 54, 60, 66, 67));
  return message;
}

/** Servers that answered one probe: offers to its own questions, one entry for each server. */
export class Answers {
  readonly #xids: ReadonlySet<number>;
  readonly #servers = new Map<string, ForeignServer>();

  constructor(xids: readonly number[]) {
    this.#xids = new Set(xids);
  }

  /** Takes an OFFER, and the BOOTREPLY of a server that knows no DHCP. */
  hear(answer: ServerAnswer): void {
    const type = messageType(answer.message);
    if (!this.#xids.has(answer.message.xid) || (type !== MessageType.offer && type !== undefined)) return;
    const server = describeServer(answer);
    const key = serverKey(server);
    this.#servers.set(key, mergeServers(this.#servers.get(key), server));
  }

  /** Without our own; by address, so that the same servers make the same list. */
  list(own: ReadonlySet<string>): ForeignServer[] {
    return [...this.#servers.values()].filter((server) => !own.has(serverKey(server))).sort((a, b) => compareIpv4(serverKey(a), serverKey(b))).slice(0, 64);
  }
}
