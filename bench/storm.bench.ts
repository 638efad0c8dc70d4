/**
 * A boot storm: 100, 1,000 and 5,000 simulated machines (apps/sim) are switched on at once on the wire of a fresh one-process stack,
 * all on this machine's cores. Each boots through DHCP, TFTP (the loader whole), DHCP and HTTP (its script; of kernel and initrd only
 * the head: 35 MB for each machine would measure memory) into the agent, and runs the plan that it is given. At last a hundred read kernel and
 * initrd whole. Each storm ends by itself within three minutes, whatever came of it. `STORM_SIZES=100,500` names other sizes (whose rows are not kept), `STORM_SEED=8` another seed, `STORM_PROFILE=1` profiles
 * the stack and the simulator.
 */
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Summary } from '@ironbus/sim';
import { cpuMs, family, peakMegabytes } from './dhcp/processes.ts';
import { printProfile, readProfile, summarize } from './dhcp/profile.ts';
import { row, writeResult, type Row } from './result.ts';
import { makeStormPlace, type Dropped, type Stack, type StormPlace } from './storm/place.ts';

const sizes = process.env['STORM_SIZES'];
const cases: readonly Case[] = sizes === undefined
  ? [...[100, 1_000, 5_000].map((machines) => ({ machines, files: 'head' as const })), { machines: 100, files: 'get' }]
  : sizes.split(',').map((each) => ({ machines: Number(each), files: 'head' }));
const isProfiled = process.env['STORM_PROFILE'] === '1';
const seed = Number(process.env['STORM_SEED'] ?? 7);
/** Beside it: 20 s for the start, 30 s for the region, 15 s for the end. */
const stormSeconds = 100;
const regionSeconds = 30;

/** What is done about kernel and initrd. */
type Case = { machines: number; files: 'head' | 'get' };
type Storm = Case & {
  summary: Summary;
  /** CPU time of the stack's processes and of the simulator, in seconds. */
  cpuSeconds: Record<string, number>;
  /** The most memory that each of the stack's processes had. */
  peakMegabytes: Record<string, number>;
  /** After the storm, until the api listed every machine that checked in, with its inventory; undefined where it did not within 30 s. */
  knownSeconds: number | undefined;
  /** Datagrams and connections that the kernel dropped before the stack took them, in all storms so far. */
  dropped: Dropped; loadBefore: number;
};

export async function run(): Promise<readonly Row[]> {
  const place = makeStormPlace();
  try {
    const storms: Storm[] = [];
    for (const each of cases) {
      const storm = await stormOf(place, each);
      console.log(describe(storm));
      storms.push(storm);
    }
    const rows = storms.flatMap(rowsOf);
    if (!isProfiled && sizes === undefined) writeResult('storm', rows, { seed, firmware: 'bios', storms });
    return rows;
  } finally {
    await place.close();
  }
}

async function stormOf(place: StormPlace, each: Case): Promise<Storm> {
  const folder = place.folder('profile');
  rmSync(folder, { recursive: true, force: true });
  const stack = await place.startStack(profiling(folder));
  try {
    return await measure(place, stack, each);
  } finally {
    await stack.stop();
    if (isProfiled) for (const each of [folder, place.folder('profile-sim')]) printProfile(summarize(readProfile(each, 'main'), 40));
  }
}

const profiling = (folder: string): string[] => isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'] : [];

async function measure(place: StormPlace, stack: Stack, { machines, files }: Case): Promise<Storm> {
  const loadBefore = Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
  const before = cpuOf(stack);
  const json = join(place.folder('logs'), 'storm.json');
  rmSync(json, { force: true });
  const args = ['--machines', String(machines), '--seed', String(seed), '--files', files, '--until', 'off', '--within', String(stormSeconds), '--json', json];
  const sim = await place.storm('sim', args, profiling(place.folder('profile-sim')));
  let simMs = 0;
  const watch = setInterval(() => { simMs = Math.max(simMs, cpuMs(sim.pid)); }, 100);
  const killer = setTimeout(() => sim.child.kill('SIGKILL'), (stormSeconds + 20) * 1_000);
  if (sim.child.exitCode === null && sim.child.signalCode === null) await once(sim.child, 'exit');
  clearTimeout(killer);
  clearInterval(watch);
  const summary = readSummary(json, sim.output());
  const knownSeconds = await untilKnown(stack, summary.reached);
  const peaks = Object.fromEntries(family(stack.pid).map((pid) => [nameOf(pid), peakMegabytes(pid)]));
  const cpuSeconds = Object.fromEntries([...cpuOf(stack)].map(([name, ms]) => [name, (ms - (before.get(name) ?? 0)) / 1_000]));
  return {
    machines, files, summary, cpuSeconds: { ...cpuSeconds, simulator: simMs / 1_000 }, knownSeconds, peakMegabytes: peaks,
    dropped: place.dropped(), loadBefore,
  };
}

function readSummary(json: string, output: string): Summary {
  try {
    return JSON.parse(readFileSync(json, 'utf8')) as Summary;
  } catch (cause) {
    throw new Error(`the simulator left no numbers: ${output.slice(-2_000)}`, { cause });
  }
}

function cpuOf({ pid }: Stack): Map<string, number> {
  return new Map(family(pid).map((each) => [nameOf(each), cpuMs(each)]));
}

const nameOf = (pid: number): string => {
  const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  return ['node', 'MainThread'].includes(name) ? 'ironbus' : name;
};

/** Seconds from now. */
async function untilKnown(stack: Stack, wanted: number): Promise<number | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < regionSeconds * 1_000) {
    const known = (await stack.machines()).filter(({ hardware }) => hardware !== null).length;
    if (known >= wanted) return (performance.now() - startedAt) / 1_000;
    await pause(500);
  }
  return undefined;
}

const inSeconds = (ms = 0): number => ms / 1_000;

const total = (values: Readonly<Record<string, number>>): number => Object.values(values).reduce((sum, each) => sum + each, 0);
const stackPrograms = ['ironbus', 'nats-server', 'redis-server'];

function rowsOf({ machines, files, summary, cpuSeconds, knownSeconds: known, peakMegabytes: peaks }: Storm): Row[] {
  const of = (what: string): string => `${nameOfCase({ machines, files })}: ${what}`;
  const { script, 'checked-in': checkedIn, off } = summary.times;
  const stackSeconds = stackPrograms.reduce((sum, name) => sum + (cpuSeconds[name] ?? 0), 0);
  return [
    row(of('reached check-in'), 'machines', 'more', summary.reached), row(of('boots lost (given up by firmware or loader)'), 'boots', 'less', summary.lostBoots),
    row(of('DISCOVER to script, p50'), 's', 'less', inSeconds(script?.p50)), row(of('DISCOVER to script, p99'), 's', 'less', inSeconds(script?.p99)),
    row(of('DISCOVER to check-in, p50'), 's', 'less', inSeconds(checkedIn?.p50)), row(of('DISCOVER to check-in, p99'), 's', 'less', inSeconds(checkedIn?.p99)),
    row(of('DISCOVER to the end of its plan, p99'), 's', 'less', inSeconds(off?.p99)),
    row(of('asked again, by the clock of its firmware'), 'times', 'less', total(summary.retries)),
    ...Object.entries(summary.retries).map(([what, times]) => row(of(`asked again: ${what}`), 'times', 'less', times)),
    row(of(`then until the region knew all (waited for ${regionSeconds} s)`), 's', 'less', known ?? regionSeconds),
    row(of('CPU of the stack'), 's', 'less', stackSeconds), row(of('CPU of the stack'), 'ms/boot', 'less', stackSeconds * 1_000 / machines),
    row(of('memory of the stack at its peak'), 'MB', 'less', total(peaks)),
  ];
}

const nameOfCase = ({ machines, files }: Case): string => `${machines} machines${files === 'get' ? ' that read kernel and initrd whole' : ''}`;

function describe({ machines, files, summary, cpuSeconds, knownSeconds: known, peakMegabytes: peaks, dropped, loadBefore }: Storm): string {
  const cpu = Object.entries(cpuSeconds).map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`).join(', ');
  const seen = Object.entries(summary.times).map(([stage, { p50, p99 }]) => `${stage} ${inSeconds(p50).toFixed(2)}/${inSeconds(p99).toFixed(2)}`).join(', ');
  return `${nameOfCase({ machines, files })}: ${summary.reached} checked in, ${summary.lostBoots} boots lost, p50/p99 s ${seen}; asked again ${JSON.stringify(summary.retries)}; CPU s ${cpu}; ` +
    `region after ${known?.toFixed(1) ?? `more than ${regionSeconds}`} s, dropped ${JSON.stringify(dropped)}, peak MB ${JSON.stringify(peaks)}, load before ${loadBefore}${summary.unfinished.map((line) => `\n  ${line}`).join('')}`;
}
