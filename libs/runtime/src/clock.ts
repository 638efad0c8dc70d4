/** Time as a dependency: code that waits takes a Clock, so that tests move time by hand (`simulatedClock` in testkit). */
export type Cancel = () => void;
export type Clock = {
  now(): Date;
  /** Calls `fn` once after `ms` milliseconds; the returned function cancels it, also after it ran. */
  setTimeout(ms: number, fn: () => void): Cancel;
};

export const systemClock: Clock = {
  now: () => new Date(),
  setTimeout(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};

/** What `promise` gives; rejects with the signal's reason as soon as that aborts. The promise goes on, its later failure is not an unhandled one. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as that aborts. */
export function wait(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const onAbort = (): void => { cancel(); reject(signal?.reason); };
    const cancel = clock.setTimeout(ms, () => { signal?.removeEventListener('abort', onAbort); resolve(); });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
