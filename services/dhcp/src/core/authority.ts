/**
 * Whether a network set to authoritative may be answered: a person's mode is one thing, other servers on the wire are
 * another. Pure: outcomes of probes and the time go in, the new standing and what is to be said come out. The way is
 *
 *   probing ── nobody answered, or forced ──> authoritative        no-device: asked again every second
 *      └────── others answered ─────────────> refused ── gone ──> authoritative (asked again every minute)
 */
import type { DhcpServer, ForeignServer, Network } from '@ironbus/contracts';
import { nameServers, serverKey, type SeenServer } from './foreign-server.ts';

export type Standing = 'authoritative' | 'probing' | 'refused' | 'no-device';
export type Authority = {
  readonly state: Standing; readonly why: string | null; readonly others: readonly SeenServer[];
  /** When to look (again); undefined: not any more. */
  readonly probeAtMs: number | undefined;
};
export type Claim = { relayed: boolean; forced: boolean; servedLately: boolean };
/** `missing`: there is no wire to ask on now. Otherwise asking itself is impossible here. */
export type ProbeOutcome = { ok: true; servers: readonly ForeignServer[] } | { ok: false; missing: boolean; why: string };
/** What happened, for log and events; undefined: nothing new. */
export type Said = 'nobody-else' | 'others-gone' | 'refused' | 'forced-beside-others' | 'unprobed' | undefined;

const againMs = 60_000;
const missingAgainMs = 1_000;
const lateMs = 3_600_000;

export const remedy = 'switch them off, set the network to proxy, or force it';

/** The standing before anything was asked. A network behind a relay has no wire here to ask on. */
export function claim({ relayed, forced, servedLately }: Claim, nowMs: number): Authority {
  const granted = (why: string | null, probeAtMs: number | undefined): Authority => ({ state: 'authoritative', why, others: [], probeAtMs });
  if (relayed) return granted(null, undefined);
  if (forced) return granted('forced', nowMs);
  if (servedLately) return granted('this rack served it within the last hour; other servers are being looked for', nowMs);
  return { state: 'probing', why: 'other DHCP servers are being looked for', others: [], probeAtMs: nowMs };
}

export type Judged = { authority: Authority; said: Said };

export function afterProbe(before: Authority, outcome: ProbeOutcome, { forced, nowMs }: { forced: boolean; nowMs: number }): Judged {
  if (!outcome.ok) return outcome.missing ? notAskedNow(before, outcome.why, nowMs) : notAskable(before, outcome.why, nowMs);
  const others = outcome.servers.map((server) => ({ ...server, seenAt: new Date(nowMs).toISOString() }));
  if (others.length === 0) {
    const said: Said = before.state === 'refused' ? 'others-gone' : before.state === 'authoritative' ? undefined : 'nobody-else';
    return { authority: { state: 'authoritative', why: forced ? 'forced' : null, others, probeAtMs: undefined }, said };
  }
  if (forced) {
    const why = cut(`forced, beside ${nameServers(others)}`);
    return { authority: { state: 'authoritative', why, others, probeAtMs: undefined }, said: 'forced-beside-others' };
  }
  const why = cut(`other DHCP servers answer here: ${nameServers(others)}; ${remedy}`);
  return { authority: { state: 'refused', why, others, probeAtMs: nowMs + againMs }, said: keys(before.others) === keys(others) ? undefined : 'refused' };
}

/** A wire without a link tells nothing about its servers, and nobody hears us there meanwhile. */
function notAskedNow(before: Authority, why: string, nowMs: number): Judged {
  const probeAtMs = nowMs + missingAgainMs;
  if (before.state === 'authoritative') return { authority: { ...before, probeAtMs }, said: undefined };
  return { authority: { state: 'no-device', why: cut(why), others: before.others, probeAtMs }, said: undefined };
}

/** What can not be looked for may be there: only a person's `force`, or an hour's service before, answers then. */
function notAskable(before: Authority, why: string, nowMs: number): Judged {
  const probeAtMs = nowMs + againMs;
  if (before.state === 'authoritative') return { authority: { ...before, probeAtMs }, said: undefined };
  const reason = cut(`other DHCP servers can not be looked for: ${why}; force the network to answer without looking`);
  return { authority: { state: 'refused', why: reason, others: [], probeAtMs }, said: before.why === reason ? undefined : 'unprobed' };
}

/** Whether a replica of this rack was the network's authority within the last hour: a restart then stops no machine. */
export function servedLately(servers: Iterable<DhcpServer>, network: Pick<Network, 'id' | 'rack' | 'serverAddress'>, nowMs: number): boolean {
  for (const { rack, at, networks } of servers) {
    if (rack !== network.rack || nowMs - Date.parse(at) > lateMs) continue;
    const served = networks.find((each) => each.network === network.id);
    if (served?.state === 'authoritative' && served.serverAddress === network.serverAddress) return true;
  }
  return false;
}

const keys = (servers: readonly ForeignServer[]): string => servers.map(serverKey).join();
const cut = (text: string): string => text.slice(0, 500);
