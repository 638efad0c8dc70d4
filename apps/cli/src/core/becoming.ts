/** Whether a network became what its mode says, from one look at its status to the next. */
import { othersOf, serverText, type NetworkStatus } from './network.ts';

export type Outcome = { settled: false } | { settled: true; ok: boolean };

/**
 * Reads a status over and over. A refusal that was there before the change may be older than it: it counts once the replica
 * has renewed it twice since.
 */
export function createVerdict(before: NetworkStatus | undefined): (now: NetworkStatus) => Outcome {
  const seen = new Map<string, Set<string>>();
  const renewedTwice = (status: NetworkStatus): boolean => status.servers.some(({ instance, state, at }) => {
    const ats = seen.get(instance) ?? new Set(before?.servers.filter((replica) => replica.instance === instance).map((replica) => replica.at));
    seen.set(instance, ats.add(at));
    return state === status.state && ats.size > 2;
  });
  return (now) => {
    const renewed = renewedTwice(now);
    if (now.state === 'authoritative') return { settled: true, ok: true };
    if (now.state !== 'refused' && now.state !== 'no-device') return { settled: false };
    return before?.state === now.state && !renewed ? { settled: false } : { settled: true, ok: false };
  };
}

/** Why a network that was set to authoritative is not, and the ways out; undefined where it may still become so. */
export function refusalOf(status: NetworkStatus): string | undefined {
  const { network, state, why } = status;
  if (state === 'no-device') return `${network} is saved, but its rack has no such device: ${why ?? 'look at "ironbus networks status"'}`;
  if (state !== 'refused') return undefined;
  const others = othersOf(status);
  const names = others.length === 0 ? why ?? 'other servers answer there' : `other DHCP servers answer there: ${others.map(serverText).join(', ')}`;
  const them = others.length > 1 ? 'them' : 'it';
  return `${network} is saved, but nothing on it is answered, because ${names}. Switch ${them} off and run this again; `
    + `or set "mode": "proxy" to boot machines beside ${them}; or add "force": true to answer all the same`;
}
