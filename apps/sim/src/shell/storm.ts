/** Many machines at once in one process, switched on together, until each is where it should be or time is over. */
import { setTimeout as pause } from 'node:timers/promises';
import { Dice, type Faults } from '../core/dice.ts';
import { specOf, type Firmware } from '../core/spec.ts';
import { stages, summarize, type Stage, type Summary, type Told } from '../core/summary.ts';
import { createButton } from './bmc.ts';
import type { DhcpWire } from './dhcp-wire.ts';
import { createMachine, type Machine } from './machine.ts';
import type { Place } from './place.ts';

export type StormOptions = {
  machines: number; seed: number;
  firmware: Firmware | 'mixed';
  /** The machines are switched on evenly over this time. */
  spreadMs: number;
  /** When it ends, whatever became of them. */
  withinMs: number;
  /** `check-in`, or `off`: the agent's plan was run to its end. */
  until: 'check-in' | 'off';
  faults: Faults; wire: DhcpWire;
  place: Omit<Place, 'wire' | 'dice'>;
  /** Called now and then with how many are where they should be. */
  onProgress?: (reached: number) => void;
};

type Running = { machine: Machine; told: Told; done: Promise<void> };
const progressMs = 1_000;

export async function runStorm(options: StormOptions): Promise<Summary> {
  const { machines, seed, withinMs, onProgress } = options;
  const startedAt = performance.now();
  const over = new AbortController();
  const all: Running[] = [];
  let reached = 0;
  const ticker = setInterval(() => onProgress?.(reached), progressMs);
  const storm = (async () => {
    for (let n = 0; n < machines && !over.signal.aborted; n += 1) {
      const one = start(options, n);
      all.push(one);
      void one.done.then(() => { reached += 1; });
      const dueMs = options.spreadMs * (n + 1) / machines - (performance.now() - startedAt);
      if (dueMs > 1) await pause(dueMs);
    }
    await Promise.all(all.map(({ done }) => done));
  })();
  await Promise.race([storm, pause(withinMs, undefined, { signal: over.signal }).catch(() => undefined)]);
  const seconds = (performance.now() - startedAt) / 1_000;
  over.abort();
  clearInterval(ticker);
  const summary = summarize(all.map(({ told }) => told), { seed, seconds });
  await Promise.all(all.map(({ machine }) => machine.stop()));
  return summary;
}

function start({ seed, firmware, faults, wire, place, until }: StormOptions, n: number): Running {
  const spec = specOf(seed, n, firmware === 'mixed' ? (n % 2 === 0 ? 'bios' : 'uefi') : firmware);
  const button = createButton();
  const machine = createMachine(spec, { ...place, wire, dice: new Dice(seed, n, faults) }, button);
  const told: Told = { name: spec.name, reachedMs: {}, diary: machine.diary };
  const ended = Promise.withResolvers<void>();
  const startedAt = performance.now();
  const onStage = (stage: string): void => {
    if (isStage(stage)) told.reachedMs[stage] ??= performance.now() - startedAt;
    if (stage === (until === 'off' ? 'off' : 'checked-in')) ended.resolve();
  };
  machine.gate = onStage;
  button.onPower((event) => onStage(event));
  button.press('on');
  return { machine, told, done: ended.promise };
}

const isStage = (word: string): word is Stage => (stages as readonly string[]).includes(word);
