/**
 * 10 million packets, half of them valid ones with something wrong, through everything in dhcp that is pure: decode, every
 * getter, limits, network, client, boot decision, answer, bytes (`services/dhcp/src/testing/fuzz-way.ts`). There is no rival:
 * a row is what must stay so: nothing fails, the heap ends where it began, no packet takes long.
 * `npm run bench -- dhcp-fuzz [packets] [seed]`; the same seed makes the same packets.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FuzzResult, Slow } from '../services/dhcp/src/testing/fuzz-run.ts';
import { type Row, row, writeResult } from './result.ts';

const worker = join(import.meta.dirname, '../services/dhcp/src/testing/fuzz-worker.ts');
const say = (text: string): void => console.error(`bench dhcp-fuzz: ${text}`);

export async function run(): Promise<readonly Row[]> {
  const packets = Number(process.argv[3] ?? 10_000_000);
  const seed = Number(process.argv[4] ?? Date.now() % 2 ** 32);
  const threads = Math.min(4, availableParallelism());
  say(`${packets} packets in ${threads} threads, seed ${seed}`);
  const results = await Promise.all(Array.from({ length: threads }, (_, n) => inThread({ packets: Math.ceil(packets / threads), seed: (seed + n) >>> 0 })));
  const failures = results.flatMap((result, n) => result.failures.map((failure) => ({ seed: (seed + n) >>> 0, ...failure })));
  for (const { seed: of, number, why, packet } of failures) say(`packet ${number} of seed ${of}: ${why}\n${packet}`);
  const rows = rowsOf(results, failures.length);
  const outcomes = results.map((result) => result.outcomes);
  writeResult('dhcp-fuzz', rows, { seed, threads, outcomes, failures: failures.slice(0, 10) });
  return rows;
}

function rowsOf(results: readonly FuzzResult[], failures: number): Row[] {
  const total = results.reduce((sum, { packets }) => sum + packets, 0);
  const slowest = (of: 'answer' | 'read'): Slow => results.map((result) => result.slowest[of]).reduce((worst, each) => each.ms > worst.ms ? each : worst);
  return [
    row('packets', 'packets', 'more', total),
    row('failures', 'packets', 'less', failures),
    row('rate of all threads', 'packets/s', 'more', total / Math.max(...results.map(({ seconds }) => seconds))),
    row('heap of a thread after 20,000 packets', 'MB', 'less', Math.max(...results.map(({ heapStartMb }) => heapStartMb))),
    row('heap of a thread at the end', 'MB', 'less', Math.max(...results.map(({ heapEndMb }) => heapEndMb))),
    row(`slowest answer (${slowest('answer').bytes} bytes)`, 'ms', 'less', slowest('answer').ms),
    row(`slowest to read and explain whole (${slowest('read').bytes} bytes)`, 'ms', 'less', slowest('read').ms),
  ];
}

function inThread(workerData: { packets: number; seed: number }): Promise<FuzzResult> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(worker, { workerData });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => { if (code !== 0) reject(new Error(`the thread ended with ${code}`)); });
  });
}
