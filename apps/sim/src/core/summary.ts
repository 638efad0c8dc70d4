/** What became of many machines, as numbers and as the closing table. Pure. */

/** The stages of a boot whose times are told, in their order; `off` is the end of the agent's plan. */
export const stages = ['addressed', 'loader', 'leased', 'script', 'kernel', 'checked-in', 'off'] as const;
export type Stage = (typeof stages)[number];
/** One machine's storm: when it first came to each stage, in milliseconds since its first DISCOVER. */
export type Told = { name: string; reachedMs: Partial<Record<Stage, number>>; diary: readonly string[] };
export type Times = { p50: number; p99: number; most: number };
export type Summary = {
  machines: number; seed: number; reached: number; seconds: number;
  /** From the first DISCOVER to each stage that anybody reached. */
  times: Partial<Record<Stage, Times>>;
  /** By what was asked again: dhcp, tftp, script, check-in, … */
  retries: Record<string, number>;
  /** Machines that asked for anything twice. */
  hadToRetry: number;
  /** Boots that firmware or loader gave up, and those the dice ended. */
  lostBoots: number; powerCuts: number;
  /** Why they gave up. */
  whyLost: Record<string, number>;
  /** Diaries of the first few that did not reach their check-in, or crashed. */
  unfinished: string[];
};

const mostNamed = 5;
const endOfDiary = 12;

export function summarize(told: readonly Told[], { seed, seconds }: { seed: number; seconds: number }): Summary {
  const tally = (of: (line: string) => string[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const what of told.flatMap(({ diary }) => diary.flatMap(of))) counts[what] = (counts[what] ?? 0) + 1;
    return counts;
  };
  const whyLost = tally((line) => line.startsWith(lost) ? [line.slice(lost.length)] : []);
  const count = (pattern: RegExp): number => told.reduce((sum, { diary }) => sum + diary.filter((line) => pattern.test(line)).length, 0);
  const failed = told.filter(({ reachedMs, diary }) => reachedMs['checked-in'] === undefined || diary.some((line) => line.startsWith('crashed')));
  return {
    machines: told.length, seed, reached: told.length - failed.length, seconds,
    times: Object.fromEntries(stages.flatMap((stage) => {
      const values = told.flatMap(({ reachedMs }) => reachedMs[stage] ?? []);
      return values.length === 0 ? [] : [[stage, timesOf(values)]];
    })),
    retries: tally(retryIn), hadToRetry: told.filter(({ diary }) => diary.some((line) => line.startsWith('retry'))).length,
    lostBoots: Object.values(whyLost).reduce((sum, each) => sum + each, 0), whyLost, powerCuts: count(/^reset$/),
    unfinished: failed.slice(0, mostNamed).map(({ name, diary }) => `${name}: ${diary.slice(-endOfDiary).join(', ')}`),
  };
}

const lost = 'boot failed: ';
const retryIn = (line: string): string[] => line.startsWith('retry ') ? [line.split(' ')[1] ?? ''] : [];

/** Zeros where there are none. */
export function timesOf(values: readonly number[]): Times {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? 0 };
}

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

export function formatSummary(summary: Summary): string {
  const { machines, reached, seconds, times, retries, hadToRetry, lostBoots, whyLost, powerCuts } = summary;
  const list = (counts: Record<string, number>): string => Object.entries(counts).map(([what, times]) => `${what} ${times}`).join(', ');
  const [counted, why] = [list(retries), list(whyLost)];
  const timeRow = (stage: string, { p50, p99, most }: Times): [string, string] => [`DISCOVER to ${stage}`, `p50 ${inSeconds(p50)}, p99 ${inSeconds(p99)}, at most ${inSeconds(most)}`];
  const rows: [string, string][] = [
    ['machines', `${machines}, seed ${summary.seed}`], ['reached check-in', `${reached} of ${machines} in ${seconds.toFixed(1)} s`],
    ...Object.entries(times).map(([stage, each]) => timeRow(stage, each)),
    ['retries', counted === '' ? 'none' : `${counted}; by ${hadToRetry} machines`], ['boots lost', why === '' ? String(lostBoots) : `${lostBoots}: ${why}`], ['power cuts', String(powerCuts)],
  ];
  return [...rows.map(([what, value]) => `${what.padEnd(22)}${value}`), ...summary.unfinished].join('\n');
}
