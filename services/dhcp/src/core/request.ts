/** DHCPREQUEST in each client state (RFC 2131 §4.3.2, table 4). */
import { requestedAddress, serverId } from '@ironbus/wire';
import { addressOr, namesUs, type Move, type RequestState, type Situation } from './decide.ts';
import { holds } from './select-network.ts';

/**
 * Selecting: option 54 there. Init-reboot: no 54, address in option 50. Renewing and rebinding: address in ciaddr.
 * An address outside the network is NAKed (this server is the authority on it); one inside is the lease store's question.
 */
export function decideRequest(situation: Situation): Move {
  const { message, mac, pool } = situation;
  if (!namesUs(situation)) return { do: 'ignore', reason: 'other-server' };
  const wanted = addressOr(requestedAddress(message));
  const own = addressOr(message.ciaddr);
  const state: RequestState = serverId(message) !== undefined ? 'selecting' : own !== undefined ? 'extending' : 'init-reboot';
  // Some clients leave option 50 out and repeat the offer in ciaddr, or the other way round; both name one address.
  const address = state === 'extending' ? own : wanted ?? own;
  if (address === undefined) return { do: 'ignore', reason: 'no-address' };
  if (!holds(pool.network, address)) return { do: 'nak', reason: 'wrong-network' };
  return { do: 'confirm', state, address, allowed: pool.allows(mac, address) };
}
