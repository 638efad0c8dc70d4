/**
 * Files and rendered scripts over HTTP beside nginx, in turns and under the same wrk: MB/s and requests per second, the CPU that each took,
 * and our memory under 200 clients.
 *
 *   npm run bench -- bootfiles                     everything, some five minutes
 *   npm run bench -- bootfiles --only scripts      a minute of scripts (or files, memory), and no result file
 *   npm run bench -- bootfiles --profile agent     our CPU profile while it renders scripts (agent, disk) or sends a file (image)
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheDir } from '../tests/lab/stack.ts';
import { ensurePackages } from '../tests/lab/harness/packages.ts';
import { startNginx } from './bootfiles/nginx.ts';
import { machines, macOf, scriptPath, startOurs, type Place } from './bootfiles/ours.ts';
import type { Web } from './bootfiles/web.ts';
import { wrk, type Load } from './bootfiles/wrk.ts';
import { cpuMs, family, residentMegabytes } from './dhcp/processes.ts';
import { printProfile, readProfile, summarize } from './dhcp/profile.ts';
import { median, row, writeResult, type Row } from './result.ts';

const rounds = 5;
const seconds = 3;
const say = (text: string): void => console.error(`bench bootfiles: ${text}`);

/** `lasting`: memory is watched while 200 clients ask for it again and again. */
type Case = { name: string; path: string; connections: number; paths?: string; unit: 'MB/s' | 'requests/s'; lasting?: boolean };
type Sample = Load & { cpuMs: number; load: number };
type Measured = { name: string; unit: Case['unit']; ours: Sample[]; nginx: Sample[] };

const parts = ['files', 'scripts', 'memory'] as const;
type Part = typeof parts[number];

/** What stands behind `--only`; everything without it. */
function wantedParts(): readonly Part[] {
  const at = process.argv.indexOf('--only');
  const named = parts.filter((part) => part === process.argv[at + 1]);
  if (at >= 0 && named.length === 0) throw new Error(`--only takes one of ${parts.join(', ')}`);
  return at < 0 ? parts : named;
}

export async function run(): Promise<readonly Row[]> {
  ensurePackages(['wrk'], say);
  const root = mkdtempSync(join(cacheDir, 'bench-bootfiles-'));
  chmodSync(root, 0o755); // nginx reads it as another user
  try {
    const { place, cases } = prepare(root);
    const at = process.argv.indexOf('--profile');
    if (at >= 0) return await profile(place, cases, process.argv[at + 1] ?? 'agent');
    return await compare(place, cases, wantedParts());
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The same files for both: ours by hash, nginx's at the same path. */
function prepare(root: string): { place: Place; cases: Case[] } {
  const images = join(root, 'images');
  mkdirSync(images, { recursive: true });
  const image = (bytes: number): string => {
    const content = randomBytes(bytes);
    const sha256 = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(images, sha256), content);
    return `/images/${sha256}`;
  };
  const lua = (kind: 'agent' | 'disk', anew: boolean): string => {
    for (let n = 0; n < machines; n += 1) {
      const file = join(root, scriptPath(macOf(kind, n)));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, randomBytes(1024));
    }
    const script = join(root, `${kind}${anew ? '-anew' : ''}.lua`);
    const start = scriptPath(macOf(kind, 0)).replace('00/script.ipxe', '');
    const end = anew ? '"/script.ipxe?" .. n' : '"/script.ipxe"';
    writeFileSync(script, `local n = -1\nrequest = function() n = n + 1; return wrk.format("GET", "${start}" .. string.format("%02x", n % ${machines}) .. ${end}) end\n`);
    return script;
  };
  const [small, large] = [image(16 * 2 ** 20), image(200 * 2 ** 20)];
  const file = (name: string, path: string, connections: number): Case => ({ name, path, connections, unit: 'MB/s' });
  const script = (name: string, kind: 'agent' | 'disk'): Case => ({ name, path: '/', connections: 50, paths: lua(kind, false), unit: 'requests/s', lasting: true });
  // A request with a query is never answered from memory.
  const anew = (name: string, kind: 'agent' | 'disk'): Case => ({ name, path: '/', connections: 50, paths: lua(kind, true), unit: 'requests/s' });
  return {
    place: { images, state: root, assets: join(cacheDir, 'assets') },
    cases: [
      file('16 MiB, 10 clients', small, 10), file('200 MiB, 10 clients', large, 10), { ...file('16 MiB, 200 clients', small, 200), lasting: true }, file('200 MiB, 200 clients', large, 200),
      script('script that boots the disk', 'disk'), script('script that boots the agent, with a token kept in Redis', 'agent'),
      anew('script that boots the disk, rendered at each request', 'disk'), anew('script that boots the agent, rendered at each request', 'agent'),
    ],
  };
}

async function compare(place: Place, cases: readonly Case[], wanted: readonly Part[]): Promise<readonly Row[]> {
  const [ours, nginx] = [await startOurs(place), await startNginx(place.state, join(place.state, 'nginx'), { cacheDir, say })];
  try {
    await warm(ours, cases);
    const scriptBytes = (await (await fetch(`${ours.url}${scriptPath(macOf('agent', 0))}`)).text()).length;
    const resident: Record<string, number> = { 'before': residentMegabytes(ours.pid) };
    const all: Measured[] = [];
    for (const each of cases.filter((one) => wanted.includes(one.unit === 'MB/s' ? 'files' : 'scripts'))) {
      all.push(await inTurns(each, ours, nginx));
      resident[each.name] = residentMegabytes(ours.pid);
      say(`${each.name}: ${resident[each.name]} MB resident`);
    }
    const growth = wanted.includes('memory') ? await memoryGrowth(ours, cases) : [];
    const rows = [...all.flatMap(rowsOf), ...growth.map(({ what, megabytes }) => row(`memory after ten loads of ${what} by 200 clients`, 'MB', 'less', megabytes.at(-1) ?? 0, { 'after the first': megabytes[0] ?? 0 }))];
    if (wanted === parts) writeResult('bootfiles', rows, {
      seconds, rounds, wrk: '1 thread', versions: [ours.version, nginx.version], scriptBytes, residentMegabytes: resident, growth,
      samples: Object.fromEntries(all.map(({ name, ours: mine, nginx: theirs }) => [name, { ours: mine, nginx: theirs }])),
    });
    return rows;
  } finally {
    await Promise.all([ours.stop(), nginx.stop()]);
  }
}

/** Files are in the page cache and code is compiled before anything counts. */
async function warm(ours: Web, cases: readonly Case[]): Promise<void> {
  for (const each of cases) await wrk(`${ours.url}${each.path}`, { ...each, connections: 4, seconds: 1 });
}

async function inTurns(each: Case, ours: Web, nginx: Web): Promise<Measured> {
  const measured: Measured = { name: each.name, unit: each.unit, ours: [], nginx: [] };
  for (let round = 0; round < rounds; round += 1) {
    measured.ours.push(await sample(each, ours));
    measured.nginx.push(await sample(each, nginx));
  }
  const errors = [...measured.ours, ...measured.nginx].reduce((sum, { errors: some }) => sum + some, 0);
  if (errors > 0) throw new Error(`${each.name}: ${errors} requests were not answered, so nothing was measured`);
  return measured;
}

async function sample(each: Case, web: Web): Promise<Sample> {
  const load = Number((loadavg()[0] ?? 0).toFixed(2));
  const cpu = (): number => family(web.pid).reduce((sum, pid) => sum + cpuMs(pid), 0);
  const before = cpu();
  const result = await wrk(`${web.url}${each.path}`, { ...each, seconds });
  return { ...result, cpuMs: cpu() - before, load };
}

function rowsOf({ name, unit, ours, nginx }: Measured): Row[] {
  const rate = (samples: readonly Sample[]): number => median(samples.map((each) => unit === 'MB/s' ? each.megabytesPerSecond : each.requestsPerSecond));
  const cpu = (samples: readonly Sample[]): number => median(samples.map((each) => unit === 'MB/s' ? each.cpuMs / (each.bytes / 1e9) : each.cpuMs * 1000 / each.requests));
  return [
    row(name, unit, 'more', rate(ours), { nginx: rate(nginx) }),
    row(`${name}: CPU of the server`, unit === 'MB/s' ? 'ms/GB' : 'us/request', 'less', cpu(ours), { nginx: cpu(nginx) }),
  ];
}

type Growth = { what: string; megabytes: number[] };

/** Resident memory after each of ten loads by 200 clients. */
async function memoryGrowth(ours: Web, cases: readonly Case[]): Promise<Growth[]> {
  const growth: Growth[] = [];
  for (const each of cases.filter(({ lasting }) => lasting)) {
    const megabytes: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      await wrk(`${ours.url}${each.path}`, { ...each, connections: 200, seconds: 2 });
      megabytes.push(Number(residentMegabytes(ours.pid).toFixed(1)));
    }
    say(`${each.name} by 200 clients, ten times: ${megabytes.join(' ')} MB resident`);
    growth.push({ what: each.name, megabytes });
  }
  return growth;
}

async function profile(place: Place, cases: readonly Case[], what: string): Promise<readonly Row[]> {
  const folder = join(place.state, 'profile');
  const ours = await startOurs(place, ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  const each = cases.find((one) => one.name.includes(what)) ?? cases[0] as Case;
  const load = await wrk(`${ours.url}${each.path}`, { ...each, seconds: 8 });
  await ours.stop();
  console.log(`${each.name}: ${load.requestsPerSecond.toFixed(0)} requests/s, ${load.megabytesPerSecond.toFixed(0)} MB/s, ${load.errors} errors`);
  printProfile(summarize(readProfile(folder), 45));
  return [];
}
