/** What goes wrong for one machine, from a seed: the same seed and machine throw the same numbers, whatever the others do. Pure. */

/** Each from 0 to 1. `lost` and `repeated`: of each datagram; `powerLost`: at each stage of a boot. */
export type Faults = { readonly lost: number; readonly repeated: number; readonly powerLost: number };
export const noFaults: Faults = { lost: 0, repeated: 0, powerLost: 0 };

/** Seeded numbers: the finalizer of MurmurHash3 over a Weyl sequence. */
export class Dice {
  readonly #faults: Faults;
  #state: number;

  constructor(seed: number, machine: number, faults: Faults = noFaults) {
    this.#faults = faults;
    this.#state = (Math.imul(seed, 0x85ebca6b) ^ Math.imul(machine + 1, 0xc2b2ae35)) >>> 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  }

  /** From 0 up to, not including, 1. */
  roll(): number {
    return this.u32() / 2 ** 32;
  }

  /** How often a datagram arrives: not at all, once, or twice. */
  copies(): 0 | 1 | 2 {
    const { lost, repeated } = this.#faults;
    if (lost === 0 && repeated === 0) return 1;
    const roll = this.roll();
    return roll < lost ? 0 : roll < lost + repeated ? 2 : 1;
  }

  losesPower(): boolean {
    return this.#faults.powerLost > 0 && this.roll() < this.#faults.powerLost;
  }
}
