/**
 * The last addresses of a pool are kept for machines that are known: whoever asks with a new MAC for each packet gets all
 * the others (RFC 2131 §7 "resource exhaustion"), and a machine with a boot policy still finds one.
 */

export type PoolReserve = {
  /** Most addresses kept; 0 is off. */
  most: number;
};
/** A person's tests and small pools are left alone: below this nothing is kept. */
const smallestPool = 32;
/** One address of this many is kept. */
const share = 16;

export type Taking = {
  /** The MAC has or had a lease, has a reservation or a boot policy. */
  known: boolean;
  /** The address as a number. */
  address: number;
  /** The dynamic ranges, from and to as numbers, both included. */
  ranges: readonly (readonly [number, number])[];
  reserve: PoolReserve;
};

/** How many addresses at the end of these ranges, in their order, only known machines may take: a sixteenth, from 32 addresses on. */
export function keptForKnown(ranges: Taking['ranges'], { most }: PoolReserve): number {
  const size = ranges.reduce((sum, [from, to]) => sum + Math.max(0, to - from + 1), 0);
  return size < smallestPool ? 0 : Math.min(most, Math.floor(size / share));
}

/**
 * Whether this client may take this free address. It is the place of an address that counts, not how many are left: nothing
 * has to be counted, and asking for such an address by option 50 gains nothing. An address outside the ranges is not kept.
 */
export function mayTakeLast({ known, address, ranges, reserve }: Taking): boolean {
  if (known) return true;
  const at = ranges.findIndex(([from, to]) => address >= from && address <= to);
  if (at < 0) return true;
  const after = ranges.slice(at).reduce((sum, [from, to], i) => sum + to - (i === 0 ? address : from - 1), 0);
  return after >= keptForKnown(ranges, reserve);
}
