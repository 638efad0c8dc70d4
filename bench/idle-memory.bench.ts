/**
 * Memory of the one-process stack doing nothing: the sum of the proportional set sizes (PSS) of the Node process, nats-server and
 * redis-server, 30 s after the start, with a network served. There is no rival here: MAAS's documentation asks for 2 to 4.5 GB.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { defineLab } from '../tests/lab/harness/lab.ts';
import { cleanUp, cleanUpAtExit, up } from '../tests/lab/harness/network.ts';
import { cacheDir, startStack } from '../tests/lab/stack.ts';
import { row, writeResult, type Row } from './result.ts';

const settleMs = 30_000;

export async function run(): Promise<readonly Row[]> {
  const lab = defineLab({ prefix: 'ironbus-idle', base: '10.79', stateRoot: join(cacheDir, 'lab') });
  await up(lab);
  cleanUpAtExit(lab);
  const stack = await startStack(lab);
  await pause(settleMs);
  const processes = family(stack.pid).map((pid) => ({ pid, name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), megabytes: pssMegabytes(pid) }));
  await stack.stop();
  await cleanUp(lab);
  const total = processes.reduce((sum, each) => sum + each.megabytes, 0);
  const rows = [row('all processes', 'MB PSS', 'less', total), ...processes.map((each) => row(each.name, 'MB PSS', 'less', each.megabytes))];
  writeResult('idle-memory', rows, { targetMegabytes: 200 });
  return rows;
}

/** A process and everything below it. */
function family(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number));
  return [pid, ...children.flatMap(family)];
}

const pssMegabytes = (pid: number): number => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1000;
