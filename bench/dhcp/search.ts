/** Looking for the highest rate that a server stands, in few measurements. Pure but for what it is given. */
export type Trial<T> = { rate: number; passed: boolean; result: T };
export type Found<T> = { best: Trial<T> | undefined; trials: readonly Trial<T>[] };

/**
 * Starts at `start`, goes up (or down) by half until it has a passed and a failed rate, then halves the gap until it is within `precision`.
 * At most `most` trials. A rate that fails once counts as failed.
 */
export async function highestRate<T>(options: { start: number; most: number; precision: number }, trial: (rate: number) => Promise<{ passed: boolean; result: T }>): Promise<Found<T>> {
  const trials: Trial<T>[] = [];
  let [passed, failed] = [0, Number.POSITIVE_INFINITY];
  let next = options.start;
  const isWide = (): boolean => failed === Number.POSITIVE_INFINITY || failed - passed > options.precision * failed;
  while (trials.length < options.most && isWide() && next >= 10) {
    const outcome = await trial(next);
    trials.push({ rate: next, ...outcome });
    if (outcome.passed) passed = Math.max(passed, next);
    else failed = Math.min(failed, next);
    next = nextRate(passed, failed);
  }
  return { best: trials.filter((each) => each.passed).sort((a, b) => b.rate - a.rate)[0], trials };
}

/** Pure: up by half, down by half, or the middle of what is between. */
export function nextRate(passed: number, failed: number): number {
  if (failed === Number.POSITIVE_INFINITY) return Math.round(passed * 1.5);
  if (passed === 0) return Math.round(failed / 2);
  return Math.round((passed + failed) / 2);
}
