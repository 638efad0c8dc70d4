/** Takes many fuzzed packets through everything that is pure, in this thread, and tells what happened to them. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FuzzPackets } from './fuzz-packets.ts';
import { FuzzWay, type Outcome } from './fuzz-way.ts';

/** One packet and how long it takes: the best of several tries, so that no pause of the machine counts. */
export type Slow = { ms: number; bytes: number; packet: string };
export type FuzzResult = {
  packets: number; seconds: number; outcomes: Partial<Record<Outcome, number>>; heapStartMb: number; heapEndMb: number;
  /** Of the server's way, and of reading everything in any datagram. */
  slowest: { answer: Slow; read: Slow };
  /** At most ten, each with the packet. */
  failures: { number: number; why: string; packet: string }[];
};

const warmUp = 20_000;
const explainEvery = 10;
const mostFailures = 10;

/** The result is the same for the same seed, but for times and memory. */
export function fuzz({ packets, seed }: { packets: number; seed: number }): FuzzResult {
  const source = new FuzzPackets(seed);
  const way = new FuzzWay();
  const slow = { answer: new Slowest((bytes) => way.take(bytes, 0)), read: new Slowest((bytes) => { way.read(bytes); way.explain(bytes); }) };
  const outcomes: FuzzResult['outcomes'] = {};
  const failures: FuzzResult['failures'] = [];
  let heapStartMb = heapMb();
  const startedAt = performance.now();
  for (let number = 0; number < packets; number += 1) {
    const bytes = source.next();
    try {
      const beganAt = performance.now();
      const outcome = way.take(bytes, number);
      const answeredAt = performance.now();
      way.read(bytes);
      if (number % explainEvery === 0) way.explain(bytes);
      slow.answer.note(bytes, answeredAt - beganAt);
      slow.read.note(bytes, performance.now() - answeredAt);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } catch (error) {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (failures.length < mostFailures) failures.push({ number, why, packet: bytes.toString('hex') });
    }
    if (number === warmUp) heapStartMb = heapMb();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return { packets, seconds, outcomes, failures, slowest: { answer: slow.answer.result(), read: slow.read.result() }, heapStartMb, heapEndMb: heapMb() };
}

const candidates = 20;
const tries = 5;

/** Keeps the packets that took longest, and tries them again at the end. */
class Slowest {
  readonly #work: (bytes: Buffer) => void;
  #kept: { ms: number; bytes: Buffer }[] = [];

  constructor(work: (bytes: Buffer) => void) {
    this.#work = work;
  }

  note(bytes: Buffer, ms: number): void {
    if (this.#kept.length === candidates && ms <= (this.#kept.at(-1)?.ms ?? 0)) return;
    this.#kept.push({ ms, bytes });
    this.#kept.sort((a, b) => b.ms - a.ms);
    this.#kept.length = Math.min(this.#kept.length, candidates);
  }

  /** Forgets them. */
  result(): Slow {
    const [worst] = this.#kept.map(({ bytes }) => ({ bytes, ms: this.#best(bytes) })).sort((a, b) => b.ms - a.ms);
    this.#kept = [];
    return { ms: worst?.ms ?? 0, bytes: worst?.bytes.length ?? 0, packet: worst?.bytes.toString('hex') ?? '' };
  }

  #best(bytes: Buffer): number {
    const times = Array.from({ length: tries }, () => {
      const beganAt = performance.now();
      this.#work(bytes);
      return performance.now() - beganAt;
    });
    return Math.min(...times);
  }
}

let collect: (() => void) | undefined;

/** What the heap of this thread really holds: garbage is collected first. */
export function heapMb(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  // The memory of buffers is given back in the background of a collection: the second one finds it gone.
  collect();
  collect();
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  return (used + external) / 1e6;
}
