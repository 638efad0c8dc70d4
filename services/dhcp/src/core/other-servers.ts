/** The servers that were heard on each network, for a day, and when which one was told last. Pure: time comes in. */
import type { ForeignServer } from '@ironbus/contracts';
import { mergeSeen, mergeServers, serverKey, type SeenServer } from './foreign-server.ts';

const tellEveryMs = 10 * 60_000;
const keepMs = 24 * 3_600_000;
const mostServers = 64;
/** A client can name any server it likes in a REQUEST: what it invents is not told without end. */
const mostTold = 16;

/** Both by `serverKey`. */
type Known = { servers: Map<string, SeenServer>; toldAtMs: Map<string, number> };

export class OtherServers {
  readonly #byNetwork = new Map<string, Known>();

  hear(network: string, server: ForeignServer, nowMs: number): void {
    const { servers } = this.#of(network);
    const key = serverKey(server);
    const before = servers.get(key);
    servers.delete(key);
    servers.set(key, mergeServers(before, { ...server, seenAt: new Date(nowMs).toISOString() }));
    const [oldest] = servers.keys();
    if (servers.size > mostServers && oldest !== undefined) servers.delete(oldest);
  }

  /** Whether a server is to be told now: once in ten minutes, and no more than 16 of one network in them. */
  due(network: string, server: Pick<ForeignServer, 'serverId' | 'from'>, nowMs: number): boolean {
    const { toldAtMs } = this.#of(network);
    for (const [key, atMs] of toldAtMs) if (nowMs - atMs >= tellEveryMs) toldAtMs.delete(key);
    const key = serverKey(server);
    if (toldAtMs.has(key) || toldAtMs.size >= mostTold) return false;
    toldAtMs.set(key, nowMs);
    return true;
  }

  /** The newest first; those of the last day. */
  of(network: string, nowMs: number): SeenServer[] {
    return mergeSeen([...this.#byNetwork.get(network)?.servers.values() ?? []].filter(({ seenAt }) => nowMs - Date.parse(seenAt) < keepMs));
  }

  /** Drops what belongs to networks that are no more. */
  keepOnly(networks: ReadonlySet<string>): void {
    for (const network of this.#byNetwork.keys()) if (!networks.has(network)) this.#byNetwork.delete(network);
  }

  #of(network: string): Known {
    const known = this.#byNetwork.get(network) ?? { servers: new Map<string, SeenServer>(), toldAtMs: new Map<string, number>() };
    this.#byNetwork.set(network, known);
    return known;
  }
}
