/**
 * Which of several replicas answers a packet that all of them see. Not about addresses: whoever answers, the lease scripts
 * give an address to one MAC only, so a mistake here costs a second answer or a client's retry, never a second holder.
 *
 * Rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998): each replica is
 * weighed with the MAC, the heaviest answers at once. No table and no agreement: whoever knows the same replicas comes to
 * the same order, and one that comes or goes moves only its own share of the clients. The n-th in the order answers the
 * n-th retry, or after 4 s × n of the client's own count (`secs`, RFC 2131 §2): a dead one needs no detection first.
 */
import type { Ipv4, Mac, ServedNetwork } from '@ironbus/contracts';
import { BootOp, messageType, MessageType, serverId, type DhcpMessage } from '@ironbus/wire';

export type Asked = 'discover' | 'select' | 'reboot' | 'extend' | 'decline' | 'release' | 'inform' | 'bootp';
/** One replica on one network; its address there is its server id, and its name in the hash: no two share one. */
export type Replica = { serverAddress: Ipv4; state: ServedNetwork['state']; storeReady: boolean };
/** `live` false: known, and not heard for 15 s or stopped. */
export type SiblingReplica = Replica & { live: boolean };
export type DutyQuestion = {
  asked: Asked; mac: Mac; secs: number;
  /** It is iPXE, which writes something else into `secs`. */
  ipxe: boolean;
  /** How often this client asked the same before and was left to a sibling (unanswered.ts). */
  unanswered: number;
  /** Option 54. */
  named: string | undefined;
  /** All addresses of this host: a server answers to each of them (RFC 2131 §4.1). */
  own?: ReadonlySet<string> | undefined;
  /** The id that every replica answers to here: what a relay puts in place of theirs (RFC 5107 §4). */
  shared?: string | undefined;
  /**
   * The client sent it to this replica alone: to its address, not by broadcast. What a relay brought it brought to all:
   * false. Undefined: the socket can not tell.
   */
  unicast: boolean | undefined;
  self: Replica; siblings: readonly SiblingReplica[];
};
export type Duty = 'answer' | { wait: 'other-replica' | 'other-server' };

const patienceSeconds = 4;
const leave: Duty = { wait: 'other-replica' };

/** What a message asks, by the table of RFC 2131 §4.3.2; undefined for what no server answers. */
export function askedBy(message: DhcpMessage): Asked | undefined {
  if (message.op !== BootOp.request) return undefined;
  switch (messageType(message)) {
    case MessageType.discover: return 'discover';
    case MessageType.request: return serverId(message) !== undefined ? 'select' : message.ciaddr === '0.0.0.0' ? 'reboot' : 'extend';
    case MessageType.decline: return 'decline';
    case MessageType.release: return 'release';
    case MessageType.inform: return 'inform';
    case undefined: return message.options.has(53) ? undefined : 'bootp';
    default: return undefined;
  }
}

/** Never throws. The caller answers on this network at all: its mode is authoritative or proxy. */
export function duty(question: DutyQuestion): Duty {
  const { asked, named, shared, unicast, self, own } = question;
  const namesUs = named === self.serverAddress || (named !== undefined && own?.has(named) === true);
  if (named !== undefined && !namesUs && named !== shared) return onNamingAnother(question, named);
  if (namesUs || unicast === true) return 'answer';
  // Nothing is sent back, and the second script to come finds nothing left to do.
  if (asked === 'decline' || asked === 'release') return 'answer';
  // A renewal goes to one server alone (RFC 2131 §4.3.2), so leaving it to one that never saw it would be worse than two
  // equal answers to the rare broadcast of a rebinding client.
  if (asked === 'extend' && unicast === undefined) return 'answer';
  return inTurn(question);
}

/** Left to whom it names, dead or alive: the offer was theirs and clients take the ACK from nobody else. Never NAKed. */
function onNamingAnother({ asked, siblings }: DutyQuestion, named: string): Duty {
  const sibling = siblings.find(({ serverAddress }) => serverAddress === named);
  if (sibling === undefined) return { wait: 'other-server' };
  // No answer is due, and what a dead sibling was told is as true for us.
  return !sibling.live && (asked === 'decline' || asked === 'release') ? 'answer' : leave;
}

function inTurn(question: DutyQuestion): Duty {
  return patience(question) >= turnOf(question) ? 'answer' : leave;
}

/** How many replicas come before this one: 0 for the one that answers at once. */
export function turnOf({ mac, self, siblings }: Pick<DutyQuestion, 'mac' | 'self' | 'siblings'>): number {
  const others = siblings.filter((sibling) => sibling.live && sibling.serverAddress !== self.serverAddress && sibling.state === self.state);
  const able = others.filter(({ storeReady }) => storeReady);
  // A proxy gives no addresses. Where nobody has a store, leases are extended from memory, by the same order.
  const storeCounts = self.state === 'authoritative' && (self.storeReady || able.length > 0);
  if (!storeCounts) return before(mac, self, others);
  return self.storeReady ? before(mac, self, able) : able.length;
}

const before = (mac: Mac, self: Replica, others: readonly Replica[]): number => others.filter((other) => comesBefore(mac, other, self)).length;

function comesBefore(mac: Mac, one: Replica, other: Replica): boolean {
  const [a, b] = [weight(mac, one.serverAddress), weight(mac, other.serverAddress)];
  return a === b ? one.serverAddress < other.serverAddress : a > b;
}

/** FNV-1a of both names with murmur3's last mixing: replicas differ in one digit, which must turn half of the bits. */
function weight(mac: string, address: string): number {
  let hash = 0x811c9dc5;
  for (const text of [mac, '/', address]) for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** How many replicas this client has waited for in vain: by what was seen here, or by what it says itself. */
function patience({ asked, secs, ipxe, unanswered }: DutyQuestion): number {
  if (!ipxe) return Math.max(unanswered, Math.floor(inNetworkOrder(secs) / patienceSeconds));
  if (asked !== 'discover') return unanswered;
  const { packet, offered } = ipxeSecs(secs);
  return offered ? 0 : Math.max(unanswered, packet - 1);
}

/**
 * iPXE writes the number of its packet above two bits, "has an offer" and "has a proxy's offer" (net/udp/dhcp.c, dhcp_tx):
 * its first DISCOVER says 4, its first REQUEST 10. Seen with SeaBIOS' ROM, undionly.kpxe and snponly.efi.
 */
const ipxeSecs = (secs: number): { packet: number; offered: boolean } => ({ packet: Math.max(1, secs >> 2), offered: (secs & 2) !== 0 });

/** Some clients, Windows among them, write `secs` in their own byte order (dhcpd.conf(5), check-secs-byte-order; Kea does the same). */
const inNetworkOrder = (secs: number): number => secs > 0xff && (secs & 0xff) === 0 ? secs >> 8 : secs;
