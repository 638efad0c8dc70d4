/** One thread of bench/dhcp-fuzz.bench.ts: fuzzes its share and posts the result. */
import { parentPort, workerData } from 'node:worker_threads';
import { fuzz } from './fuzz-run.ts';

parentPort?.postMessage(fuzz(workerData as { packets: number; seed: number }));
