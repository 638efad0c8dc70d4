/** Boot policies by MAC and by the address they keep, updated one change at a time. */
import type { BootPolicy, Mac } from '@ironbus/contracts';
import type { PolicyReservations } from './pool.ts';

export class PolicyIndex implements PolicyReservations {
  readonly #byMac = new Map<Mac, BootPolicy>();
  readonly #byAddress = new Map<string, Mac>();
  readonly #byNode = new Map<string, Set<Mac>>();

  #version = 0;

  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#byMac.size;
  }

  policyOf(mac: Mac): BootPolicy | undefined {
    return this.#byMac.get(mac);
  }

  macOf(address: string): Mac | undefined {
    return this.#byAddress.get(address);
  }

  addresses(): Iterable<string> {
    return this.#byAddress.keys();
  }

  macsOf(node: string): Iterable<Mac> {
    return this.#byNode.get(node) ?? [];
  }

  /** `undefined` removes. The newest policy that keeps an address has it. */
  set(mac: Mac, policy: BootPolicy | undefined): void {
    this.#version += 1;
    this.#forget(mac);
    if (policy === undefined) return;
    this.#byMac.set(mac, policy);
    if (policy.reservedAddress !== null) this.#byAddress.set(policy.reservedAddress, mac);
    const macs = this.#byNode.get(policy.node) ?? new Set();
    this.#byNode.set(policy.node, macs.add(mac));
  }

  #forget(mac: Mac): void {
    const old = this.#byMac.get(mac);
    if (old === undefined) return;
    this.#byMac.delete(mac);
    if (old.reservedAddress !== null && this.#byAddress.get(old.reservedAddress) === mac) this.#byAddress.delete(old.reservedAddress);
    const macs = this.#byNode.get(old.node);
    macs?.delete(mac);
    if (macs?.size === 0) this.#byNode.delete(old.node);
  }
}
