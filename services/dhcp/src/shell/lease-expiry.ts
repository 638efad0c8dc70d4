/** Ends what is due: offers nobody took, leases past their grace, quarantines. Any replica may do it, also all at once. */
import { parseMac, type Ipv4, type Mac, type NodeId, type Origin } from '@ironbus/contracts';
import type { Script, Store } from '@ironbus/store';
import { expiredRow } from './lease-events.ts';
import { dueLua, expireLua } from './lease-ends-lua.ts';
import { leaseKeys } from './lease-lua.ts';
import type { LeaseStore } from './lease-store.ts';

export type Ended = { mac: Mac; address: Ipv4 };
export type ExpiryQuestion = { network: string; leaseSeconds: number; nowMs: number; nodeOf: (mac: Mac) => NodeId | undefined };

const batch = 256;

export class LeaseExpiry {
  readonly #store: Store;
  readonly #leases: LeaseStore;
  readonly #origin: Origin;
  readonly #due: Script;
  readonly #expire: Script;

  constructor(store: Store, leases: LeaseStore, origin: Origin) {
    this.#store = store;
    this.#leases = leases;
    this.#origin = origin;
    this.#due = store.defineScript({ name: 'lease-due', numberOfKeys: leaseKeys.length, lua: dueLua });
    this.#expire = store.defineScript({ name: 'lease-expire', numberOfKeys: leaseKeys.length, lua: expireLua });
  }

  /** Frees every due address of one network; returns the leases that ended. Rejects STORE_UNREACHABLE. */
  async run(question: ExpiryQuestion): Promise<Ended[]> {
    const ended: Ended[] = [];
    for (;;) {
      const due = await this.#due(this.#leases.keys(question.network), [question.nowMs, batch]) as (string | number)[];
      const freed = await Promise.all(triples(due).map(async (item) => (await this.#end(question, item)) ? item : undefined));
      for (const item of freed) if (item?.lease !== undefined) ended.push(item.lease);
      if (ended.length > 0) this.#store.rowsAdded();
      if (due.length < batch * 3 || freed.every((item) => item === undefined)) return ended;
    }
  }

  async #end({ network, leaseSeconds, nowMs, nodeOf }: ExpiryQuestion, { address, holder, lease }: Due): Promise<boolean> {
    const row = lease === undefined ? ['', ''] : expiredRow(this.#origin, { mac: lease.mac, address, network, leaseSeconds, nodeid: nodeOf(lease.mac) });
    const freed = Number(await this.#expire(this.#leases.keys(network), [nowMs, address, holder, ...row])) === 1;
    if (freed && lease !== undefined) this.#leases.memory.delete(network, lease.mac);
    return freed;
  }
}

type Due = { address: Ipv4; holder: string; lease: { mac: Mac; address: Ipv4 } | undefined };

function triples(flat: readonly (string | number)[]): Due[] {
  const due: Due[] = [];
  for (let i = 0; i + 2 < flat.length; i += 3) {
    const address = String(flat[i]) as Ipv4;
    const mac = parseMac(String(flat[i + 1]));
    due.push({ address, holder: String(flat[i + 1]), lease: flat[i + 2] === 1 && mac !== undefined ? { mac, address } : undefined });
  }
  return due;
}
