/**
 * What TFTP servers move: 1 to 1,000 clients, blksize 512 and 1432, windowsize 1, 8 and 16, each fetching an 8 MiB file again and again
 * over a veth pair; our tftp service beside dnsmasq, tftpd-hpa and atftpd, the load the same for all (bench/tftp/load-main.ts). A server
 * that knows no windowsize (RFC 7440) answers without it, as with real firmware.
 *
 *   npm run bench -- tftp                          everything, three rounds, some ten minutes; `--rounds 1` a third of it
 *   npm run bench -- tftp --quick                  four cases, one round, under a minute; no result file
 *   npm run bench -- tftp --case 50,1432,8         clients, blksize, windowsize: this alone, for `--seconds 3`; no result file
 *   npm run bench -- tftp --only ironbus,atftpd    these servers alone; no result file
 *   npm run bench -- tftp --profile 50,1432,8      our service's CPU profile under this case: that of the thread that sends
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cacheDir } from '../scripts/setup.ts';
import { run as runProgram } from '../tests/lab/harness/run.ts';
import { addresses, makePlace, type Place } from './dhcp/place.ts';
import { family } from './dhcp/processes.ts';
import { printProfile, readProfile, summarize } from './dhcp/profile.ts';
import { row, writeResult, type Row } from './result.ts';
import type { LoadOptions, LoadReport } from './tftp/load.ts';
import { atftpd, dnsmasq, ours, tftpdHpa, type Server } from './tftp/servers.ts';

const prefix = process.env['BENCH_PREFIX'] ?? 'ibtftp';
const file = 'bench.img';
const idleTries = Number(process.env['BENCH_IDLE_TRIES'] ?? 10);
const fileBytes = 8 * 2 ** 20 + 5;
const say = (text: string): void => console.error(`bench tftp: ${text}`);

type Case = { clients: number; blockBytes: number; windowBlocks: number };
type Samples = { server: Server; samples: Map<string, LoadReport[]> };
const nameOf = ({ clients, blockBytes, windowBlocks }: Case): string => `${clients} ${clients === 1 ? 'client' : 'clients'}, blksize ${blockBytes}, windowsize ${windowBlocks}`;
const cross = (clients: readonly number[], blocks: readonly number[], windows: readonly number[]): Case[] =>
  clients.flatMap((n) => blocks.flatMap((blockBytes) => windows.map((windowBlocks) => ({ clients: n, blockBytes, windowBlocks }))));

export async function run(): Promise<readonly Row[]> {
  const quick = process.argv.includes('--quick');
  const [only, profiled, wanted, rounds] = [option('--only')?.split(','), option('--profile'), option('--case'), Number(option('--rounds') ?? (quick ? 1 : 3))];
  const cases = wanted !== undefined ? [caseOf(wanted)] : quick ? cross([1, 50], [1432], [1, 8]) : cross([1, 50, 200, 1000], [512, 1432], [1, 8, 16]);
  const place = makePlace(prefix, join(cacheDir, 'bench-tftp'));
  try {
    const folder = writeFiles(place);
    if (profiled !== undefined) return await profile(place, folder, caseOf(profiled));
    const servers = [ours(), dnsmasq(say), await tftpdHpa(cacheDir, say), await atftpd(cacheDir, say)].filter(({ name }) => only === undefined || only.includes(name));
    const all = servers.map((server): Samples => ({ server, samples: new Map() }));
    for (const each of cases) for (let round = 0; round < rounds; round++) for (const samples of all) await measureOnce(place, folder, { samples, each });
    const rows = rowsOf(all, cases);
    if (only === undefined && !quick && wanted === undefined) writeResult('tftp', rows, { fileBytes, flags: Object.fromEntries(all.map(({ server }) => [server.name, server.flags])), samples: Object.fromEntries(all.map(({ server, samples }) => [server.name, Object.fromEntries(samples)])) });
    return rows;
  } finally {
    await place.close();
  }
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1] ?? '';
}

function caseOf(text: string): Case {
  const [clients = 1, blockBytes = 512, windowBlocks = 1] = text.split(',').map(Number);
  return { clients, blockBytes, windowBlocks };
}

/** The file where the others look for it, and beside it the assets' manifest with the same file as a loader. */
function writeFiles(place: Place): string {
  const folder = place.folder('files');
  const content = Buffer.alloc(fileBytes);
  for (let at = 0; at + 4 <= fileBytes; at += 4) content.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
  mkdirSync(join(folder, 'loaders'), { recursive: true });
  for (const path of [file, `loaders/${file}`]) writeFileSync(join(folder, path), content, { mode: 0o644 });
  const sha256 = createHash('sha256').update(content).digest('hex');
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ files: [{ path: `loaders/${file}`, sha256, sizeBytes: fileBytes }] }));
  return folder;
}

async function measureOnce(place: Place, folder: string, { samples: { server, samples }, each }: { samples: Samples; each: Case }): Promise<void> {
  const report = await measure(place, folder, { server, each, seconds: Number(option('--seconds') ?? 1) });
  samples.set(nameOf(each), [...samples.get(nameOf(each)) ?? [], report]);
  say(`${server.name}, ${nameOf(each)}: ${report.megabytesPerSecond.toFixed(1)} MB/s, ${Math.round(report.packetsPerSecond)} packets/s, window ${report.window}, ${report.serverMicroseconds.toFixed(1)} us each, load ${report.loadCpuPercent.toFixed(0)} %, started ${report.started}, fetched ${report.fetched}, repeated ${report.repeated}, refused ${report.refused}, idle before ${report.idlePercent} %`);
}

/**
 * The middle of the rounds: other work on the machine takes away, but may also add, since in lock-step with one client a processor that is
 * kept awake by somebody else answers three times as fast.
 */
function middle(samples: readonly LoadReport[] = []): LoadReport | undefined {
  return samples.toSorted((a, b) => a.packetsPerSecond - b.packetsPerSecond)[Math.floor(samples.length / 2)];
}

/** A server of its own for each case: what one leaves behind is not the next one's. */
async function measure(place: Place, folder: string, { server, each, seconds }: { server: Server; each: Case; seconds: number }): Promise<LoadReport & { idlePercent: number }> {
  const started = await server.start(place, folder);
  try {
    const idlePercent = await untilIdle();
    const options: LoadOptions = { server: addresses.server, port: 69, serverPid: started.pid, file, ...each, startMs: 5_000, seconds };
    const { code, stdout, stderr } = await runProgram(['ip', 'netns', 'exec', place.relay, process.execPath, new URL('tftp/load-main.ts', import.meta.url).pathname, JSON.stringify(options)], { timeoutMs: 60_000 });
    if (code !== 0) throw new Error(`the load failed: ${stderr}`);
    return { ...JSON.parse(stdout) as LoadReport, idlePercent };
  } finally {
    const forked = server.name === 'ironbus' ? [] : family(started.pid).slice(1);
    await started.stop();
    forked.forEach(kill); // tftpd-hpa's do not end with it
  }
}

/** A machine with other work measures that: so wait a moment for it to be idle, and say how idle it was. */
async function untilIdle(): Promise<number> {
  for (let times = 1; ; times++) {
    const before = cpuTicks();
    await pause(300);
    const after = cpuTicks();
    const percent = Math.round((after.idle - before.idle) / Math.max(1, after.all - before.all) * 100);
    if (percent > 90 || times === idleTries) return percent;
  }
}

/** proc(5), stat: user, nice, system, idle, iowait, … of all processors. */
function cpuTicks(): { idle: number; all: number } {
  const ticks = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(' ').filter(Boolean).slice(1).map(Number);
  return { idle: (ticks[3] ?? 0) + (ticks[4] ?? 0), all: ticks.reduce((sum, each) => sum + each, 0) };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function rowsOf(all: readonly Samples[], cases: readonly Case[]): Row[] {
  const [us, others] = [all.find(({ server }) => server.name === 'ironbus') ?? all[0], all.filter(({ server }) => server.name !== 'ironbus')];
  return cases.flatMap((each) => {
    const name = nameOf(each);
    const value = (key: 'megabytesPerSecond' | 'packetsPerSecond' | 'serverMicroseconds', unit: string, better: 'more' | 'less'): Row =>
      row(name, unit, better, middle(us?.samples.get(name))?.[key] ?? 0, Object.fromEntries(others.map(({ server, samples }) => [server.name, middle(samples.get(name))?.[key] ?? 0]).filter(([, value]) => better === 'more' || Number(value) >= 1)));
    // a process that ended with its transfer takes its CPU time with it (tftpd-hpa's): less than 1 us is no figure
    return [value('megabytesPerSecond', 'MB/s', 'more'), value('packetsPerSecond', 'packets/s', 'more'), value('serverMicroseconds', 'us of CPU/packet', 'less')];
  });
}

async function profile(place: Place, folder: string, each: Case): Promise<readonly Row[]> {
  const out = place.folder('profile');
  rmSync(out, { recursive: true, force: true });
  const measured = await measure(place, folder, { server: ours(['--cpu-prof', `--cpu-prof-dir=${out}`, '--cpu-prof-interval=500']), each, seconds: 3 });
  printProfile(summarize(readProfile(out), 40));
  return [row(nameOf(each), 'MB/s', 'more', measured.megabytesPerSecond)];
}
