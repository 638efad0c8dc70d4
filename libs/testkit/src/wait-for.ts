/** Tests wait for a condition, never for a time. */
type Options = { timeoutMs?: number; what?: string; everyMs?: number };

/**
 * Resolves with the first value of `condition` that is neither false, null nor undefined. Throws after `timeoutMs`
 * (10 s) with `what`, and with the last error of a condition that threw.
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: Options = {}): Promise<NonNullable<Exclude<T, false>>> {
  const { timeoutMs = 10_000, what = condition.toString(), everyMs = 10 } = options;
  const endAt = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined) return value as NonNullable<Exclude<T, false>>;
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= endAt) throw new Error(`waited ${timeoutMs} ms for: ${what}`, { cause: failure });
    await new Promise((resolve) => { setTimeout(resolve, everyMs); });
  }
}
