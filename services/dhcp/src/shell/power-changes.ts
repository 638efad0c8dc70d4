/** When the power service last saw a machine change, by MAC: a live tail, for what was missed only makes a boot begin by another rule. */
import type { Mac } from '@ironbus/contracts';
import type { Bus } from '@ironbus/bus';
import type { PolicyIndex } from '../core/policy-index.ts';

export class PowerChanges {
  readonly #atMs = new Map<string, number>();
  readonly #policies: PolicyIndex;

  constructor(bus: Bus, policies: PolicyIndex) {
    this.#policies = policies;
    bus.tail(`power.changed.${bus.origin.rack}.*`, (event) => { this.#atMs.set(event.subject, Date.parse(event.time)); });
  }

  /** Of the node that this MAC belongs to; undefined for a machine nobody knows. */
  changedAtMs(mac: Mac): number | undefined {
    const node = this.#policies.policyOf(mac)?.node;
    return node === undefined ? undefined : this.#atMs.get(node);
  }
}
