/** A bucket of tokens as one number: the time at which it will be full again (GCRA, ITU-T I.371 annex A). Pure. */
export type Rate = { perSecond: number; burst: number };

/** Takes a token; the bucket afterwards, or undefined where it is empty. A bucket never seen is full. */
export function takeToken(fullAtMs: number | undefined, { perSecond, burst }: Rate, nowMs: number): number | undefined {
  const tokenMs = 1000 / perSecond;
  const next = Math.max(fullAtMs ?? 0, nowMs) + tokenMs;
  return next - nowMs <= burst * tokenMs ? next : undefined;
}
