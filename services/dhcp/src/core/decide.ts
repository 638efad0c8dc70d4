/**
 * What a message asks the lease store for, or why it gets no answer. First half of every answer: the shell does what the
 * move says, and reply.ts writes the answer from the outcome.
 * RFC 2131 §4.3, RFC 951 and 1534 for BOOTP, RFC 5107 for the relay's server id.
 */
import type { Ipv4, Mac } from '@ironbus/contracts';
import { parseIpv4 } from '@ironbus/contracts';
import { BootOp, messageType, MessageType, relayInfo, requestedAddress, serverId, type DhcpMessage } from '@ironbus/wire';
import type { BsdpIgnore } from './bsdp.ts';
import type { Pool } from './pool.ts';
import type { ProxyIgnore } from './proxy.ts';
import { decideRequest } from './request.ts';
import { holds } from './select-network.ts';

export type IgnoreReason =
  | 'not-a-request' | 'hardware-address' | 'message-type' | 'other-server' | 'no-record' | 'not-its-address' | 'no-address'
  | 'bootp-without-reservation' | 'pool-exhausted' | 'store-away' | 'no-network' | 'unknown-relay' | 'malformed' | 'overload' | 'limited'
  /** Another server answers there and nobody said to answer beside it, or it is still being looked for one. */
  | 'not-the-authority'
  /** Left to another replica of this rack. */
  | 'other-replica' | 'no-device' | ProxyIgnore | BsdpIgnore;
export type NakReason = 'wrong-network' | 'address-taken' | 'other-address' | 'address-not-available' | 'reserved-elsewhere';
/** The client states of RFC 2131 §4.3.2; renewing and rebinding look the same to a socket without destination addresses. */
export type RequestState = 'selecting' | 'init-reboot' | 'extending' | 'bootp';

export type Move =
  | { do: 'ignore'; reason: IgnoreReason }
  | { do: 'nak'; reason: NakReason }
  /** Find an address: reserved, held, previous, wanted, any free one (RFC 2131 §4.3.1). */
  | { do: 'offer'; wanted: Ipv4 | undefined }
  /** Grant or extend one address. `allowed`: the network lets this MAC have it. */
  | { do: 'confirm'; state: RequestState; address: Ipv4; allowed: boolean }
  | { do: 'release'; address: Ipv4 }
  | { do: 'decline'; address: Ipv4 }
  /** Options without an address (RFC 2131 §4.3.5). */
  | { do: 'inform'; address: Ipv4 | undefined };

/** `serverAddress` is this replica's on the network, `own` all addresses of its host: each identifies it (RFC 2131 §4.1). */
export type Situation = { message: DhcpMessage; mac: Mac; pool: Pool; serverAddress: string; own?: ReadonlySet<string> | undefined };

/** Never throws. The caller has chosen the network and read the hardware address. */
export function decide(situation: Situation): Move {
  const { message } = situation;
  if (message.op !== BootOp.request) return { do: 'ignore', reason: 'not-a-request' };
  switch (messageType(message)) {
    case MessageType.discover: return decideDiscover(situation);
    case MessageType.request: return decideRequest(situation);
    case MessageType.decline: return decideDecline(situation);
    case MessageType.release: return decideRelease(situation);
    case MessageType.inform: return { do: 'inform', address: addressOr(message.ciaddr) };
    case undefined: return message.options.has(53) ? { do: 'ignore', reason: 'message-type' } : decideBootp(situation);
    default: return { do: 'ignore', reason: 'message-type' };
  }
}

/** The requested address is a wish, followed where the network allows it. */
function decideDiscover({ message, mac, pool }: Situation): Move {
  const wanted = requestedAddress(message);
  return { do: 'offer', wanted: wanted !== undefined && pool.allows(mac, wanted) ? addressOr(wanted) : undefined };
}

function decideDecline(situation: Situation): Move {
  const { message } = situation;
  if (!namesUs(situation)) return { do: 'ignore', reason: 'other-server' };
  const address = addressOr(requestedAddress(message));
  if (address === undefined) return { do: 'ignore', reason: 'no-address' };
  return { do: 'decline', address };
}

function decideRelease(situation: Situation): Move {
  const { message } = situation;
  if (!namesUs(situation)) return { do: 'ignore', reason: 'other-server' };
  const address = addressOr(message.ciaddr);
  return address === undefined ? { do: 'ignore', reason: 'no-address' } : { do: 'release', address };
}

/** A BOOTP client keeps its address for ever, so it gets a reserved one or none (RFC 1534 §2). */
function decideBootp({ message, mac, pool }: Situation): Move {
  const address = pool.reservedFor(mac);
  if (address === undefined) return { do: 'ignore', reason: 'bootp-without-reservation' };
  const own = addressOr(message.ciaddr);
  if (own !== undefined && holds(pool.network, own) && own !== address) return { do: 'ignore', reason: 'not-its-address' };
  return { do: 'confirm', state: 'bootp', address, allowed: true };
}

/** The server id of every answer: this replica's, or what a relay wants there (RFC 5107 §4). */
export const serverIdFor = (message: DhcpMessage, serverAddress: string): string => sharedServerId(message) ?? serverAddress;

/** The server id that a relay puts in place of every replica's. */
export const sharedServerId = (message: DhcpMessage): string | undefined =>
  message.giaddr === '0.0.0.0' ? undefined : relayInfo(message)?.serverIdOverride;

/** Whether option 54 is ours or absent. */
export function namesUs({ message, serverAddress, own }: Pick<Situation, 'message' | 'serverAddress' | 'own'>): boolean {
  const named = serverId(message);
  return named === undefined || named === serverAddress || own?.has(named) === true || named === sharedServerId(message);
}

/** A branded address; undefined for none and for 0.0.0.0. */
export const addressOr = (text: string | undefined): Ipv4 | undefined => text === undefined || text === '0.0.0.0' ? undefined : parseIpv4(text);
