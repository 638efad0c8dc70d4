/**
 * What a lab leaves on the machine, and how it is found again after a crash.
 *
 * Every process has a record `*.pid` under the lab's directory: `<pid> <start ticks> <boot id>`. A record whose three
 * values still agree with /proc is the very process that was started: pids are reused, (pid, start time) is not.
 * Invariant: nothing is ever killed without such an agreeing record.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from './lab.ts';

/** One recorded process; `startTicks` is field 22 of /proc/<pid>/stat (proc(5)), in clock ticks since boot. */
export type ProcessRecord = { pid: number; startTicks: string; bootId: string };

/** Reads one record; undefined when the text is not one. */
export function parseRecord(text: string): ProcessRecord | undefined {
  const match = /^(\d+) (\d+) ([0-9a-f-]{36})\s*$/.exec(text);
  if (match === null) return undefined;
  const [, pid = '', startTicks = '', bootId = ''] = match;
  return { pid: Number(pid), startTicks, bootId };
}

/** The start time in a line of /proc/<pid>/stat; the program's name may hold blanks and brackets, so count from the last ')'. */
export function startTicksOf(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** Writes the record of a process just started; a process already gone leaves none. */
export function recordProcess(lab: Lab, name: string, pid: number): void {
  mkdirSync(join(lab.dir, 'pids'), { recursive: true });
  writeRecord(join(lab.dir, 'pids', `${name}.pid`), pid);
}

/** Notes this process as the one that has the lab; it is never killed by its record. */
export function takeOwnership(lab: Lab): void {
  writeRecord(join(lab.dir, 'owner'), process.pid);
}

/** The pid of another living process that has the lab; a crashed one has it no more. */
export function otherOwner(lab: Lab): number | undefined {
  const record = parseRecord(readOrUndefined(join(lab.dir, 'owner')) ?? '');
  return record !== undefined && record.pid !== process.pid && isAlive(record) ? record.pid : undefined;
}

/** Gives the lab up. */
export function dropOwnership(lab: Lab): void {
  rmSync(join(lab.dir, 'owner'), { force: true });
}

function writeRecord(path: string, pid: number): void {
  const startTicks = currentStart(pid);
  if (startTicks !== undefined) writeFileSync(path, `${pid} ${startTicks} ${bootId()}\n`);
}

/** Whether the recorded process is still the one running under its pid. */
export function isAlive(record: ProcessRecord): boolean {
  return record.bootId === bootId() && currentStart(record.pid) === record.startTicks;
}

/** Every record under a lab's directory. */
export function readRecords(dir: string): ProcessRecord[] {
  const found = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.pid'));
  return found.map((path) => parseRecord(readFileSync(join(dir, path), 'utf8'))).filter((record) => record !== undefined);
}

/** Ends what is recorded under `dir` and still itself: SIGTERM, after 2 s SIGKILL. Returns how many there were. */
export async function killRecorded(dir: string): Promise<number> {
  const living = readRecords(dir).filter(isAlive);
  for (const record of living) signal(record, 'SIGTERM');
  for (let waited = 0; waited < 2000 && living.some(isAlive); waited += 20) await delay(20);
  const stubborn = living.filter(isAlive);
  for (const record of stubborn) signal(record, 'SIGKILL');
  for (let waited = 0; waited < 2000 && stubborn.some(isAlive); waited += 20) await delay(20);
  return living.length;
}

/** The same for a harness that must die now (a signal handler can't wait): SIGKILL at once. */
export function killRecordedNow(dir: string): void {
  for (const record of readRecords(dir).filter(isAlive)) signal(record, 'SIGKILL');
}

/** Makes the lab's directory, and forgets a former life's contents. */
export function freshDirectory(lab: Lab): void {
  rmSync(lab.dir, { recursive: true, force: true });
  mkdirSync(lab.dir, { recursive: true });
}

/** To the whole process group: every recorded process leads one (setsid), and its workers must not outlive it. */
function signal(record: ProcessRecord, name: NodeJS.Signals): void {
  try {
    process.kill(-record.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function currentStart(pid: number): string | undefined {
  const stat = readOrUndefined(`/proc/${pid}/stat`);
  const isZombie = stat !== undefined && stat.charAt(stat.lastIndexOf(')') + 2) === 'Z';
  return stat === undefined || isZombie ? undefined : startTicksOf(stat);
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
