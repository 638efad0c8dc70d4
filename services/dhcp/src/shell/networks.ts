/** What this rack serves, from the buckets `networks` and `boot-policies`: a change counts from the next packet on. */
import { bootPoliciesBucket, networksBucket, parseMac, type BootPolicy, type Mac, type Network } from '@ironbus/contracts';
import type { Bus, View } from '@ironbus/bus';
import type { Logger } from '@ironbus/runtime';
import { PolicyIndex } from '../core/policy-index.ts';
import { makePool, type Pool } from '../core/pool.ts';

export type NetworksOptions = { bus: Bus; log: Logger; onNetworks: () => void };

export class Networks {
  readonly policies = new PolicyIndex();
  readonly #rack: string;
  readonly #log: Logger;
  readonly #pools = new Map<string, Pool>();
  readonly #networks: View<typeof networksBucket>;
  readonly #policyView: View<typeof bootPoliciesBucket>;
  #list: readonly Network[] = [];

  constructor({ bus, log, onNetworks }: NetworksOptions) {
    this.#rack = bus.origin.rack;
    this.#log = log;
    this.#policyView = bus.watch(bootPoliciesBucket, { onChange: (key, policy) => this.#onPolicy(key, policy) });
    this.#networks = bus.watch(networksBucket, {
      onChange: (key, network) => {
        this.#onNetwork(key, network);
        onNetworks();
      },
    });
  }

  /** The networks of this rack, in the order of their ids. */
  list(): readonly Network[] {
    return this.#list;
  }

  pool(network: Network): Pool {
    const pool = this.#pools.get(network.id);
    return pool?.network === network ? pool : makePool(network, this.policies);
  }

  /** Devices that a socket is wanted on. */
  devices(): ReadonlySet<string> {
    return this.#devicesOf((network) => network.mode !== 'off');
  }

  /** Devices on which port 4011 is wanted: boot menus, and boot answers beside a foreign server. */
  bootServerDevices(): ReadonlySet<string> {
    return this.#devicesOf(({ mode, bootMenu }) => mode === 'proxy' || (mode === 'authoritative' && bootMenu !== undefined && bootMenu !== null));
  }

  /** Devices on which free addresses are probed. */
  probedDevices(): ReadonlySet<string> {
    return this.#devicesOf(({ mode, probeAddresses }) => mode === 'authoritative' && probeAddresses !== false);
  }

  /** Devices on whose link this rack is the authority, without those that only relays reach. */
  answeredLinks(answers: (network: Network) => boolean): ReadonlySet<string> {
    return this.#devicesOf((network) => network.mode === 'authoritative' && !network.relayed && answers(network));
  }

  #devicesOf(chosen: (network: Network) => boolean): ReadonlySet<string> {
    return new Set(this.#list.filter(chosen).map((network) => network.interface));
  }

  /** Whether a whole snapshot of the policies was heard since start. */
  policiesHeard(): boolean {
    return this.#policyView.synced();
  }

  heard(): boolean {
    return this.#networks.synced() && this.#policyView.synced();
  }

  whenHeard(): Promise<void> {
    return this.#networks.whenSynced();
  }

  #onNetwork(key: string, network: Network | undefined): void {
    this.#pools.delete(key);
    const rest = this.#list.filter((known) => known.id !== key);
    const ours = network !== undefined && network.rack === this.#rack;
    this.#list = ours ? [...rest, network].sort((a, b) => (a.id < b.id ? -1 : 1)) : rest;
    if (ours) this.#pools.set(key, makePool(network, this.policies));
    this.#log.info({ network: key, mode: ours ? network.mode : 'none' }, 'network changed');
  }

  #onPolicy(key: string, policy: BootPolicy | undefined): void {
    const mac: Mac | undefined = policy?.mac ?? parseMac(key);
    if (mac !== undefined) this.policies.set(mac, policy);
  }
}
