/** A clock that stands still until a test moves it. Fits runtime's `Clock`. */
export type SimulatedClock = {
  now(): Date;
  setTimeout(ms: number, fn: () => void): () => void;
  /** Moves time on, running what falls due in its order, also what that sets up; waits for promises after each. */
  advance(ms: number): Promise<void>;
  /** Timers that have not run. */
  pending(): number;
};

type Timer = { atMs: number; order: number; fn: () => void };

/** Starts at the given time, by default 2026-01-01T00:00:00Z. */
export function simulatedClock(start: Date = new Date('2026-01-01T00:00:00.000Z')): SimulatedClock {
  let nowMs = start.getTime();
  let made = 0;
  const timers = new Set<Timer>();
  const nextDue = (untilMs: number): Timer | undefined =>
    [...timers].filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  return {
    now: () => new Date(nowMs),
    setTimeout(ms, fn) {
      const timer = { atMs: nowMs + Math.max(0, ms), order: made, fn };
      made += 1;
      timers.add(timer);
      return () => { timers.delete(timer); };
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
        timers.delete(timer);
        nowMs = timer.atMs;
        timer.fn();
        await settle();
      }
      nowMs = untilMs;
    },
    pending: () => timers.size,
  };
}

/** Lets every promise that can go on do so. */
const settle = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
