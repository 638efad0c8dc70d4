/**
 * The highest rate of four-way exchanges with under 1 % lost, by perfdhcp as a relay of 50,000 clients: our dhcp service with its leases in
 * Redis (everysec) and its facts in JetStream (synced), beside Kea with memfile, ISC dhcpd and dnsmasq. Each step starts without leases.
 *
 *   npm run bench -- dhcp                       everything, some ten minutes
 *   npm run bench -- dhcp --only ironbus,kea    these alone, and no result file
 *   npm run bench -- dhcp --profile 4000        our service's CPU profile at this rate
 */
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { cacheDir } from '../tests/lab/stack.ts';
import { ours } from './dhcp/ours.ts';
import { averageDelay, clients, maxDelay, measure, passes, perfdhcpFlags, warm, warmUp, type Report } from './dhcp/perfdhcp.ts';
import { makePlace, type Place } from './dhcp/place.ts';
import { cpuMs } from './dhcp/processes.ts';
import { printProfile, readProfile, summarize } from './dhcp/profile.ts';
import { dnsmasq, iscDhcpd, keas } from './dhcp/rivals.ts';
import { highestRate } from './dhcp/search.ts';
import type { Aftermath, Server } from './dhcp/server.ts';
import { row, writeResult, type Row } from './result.ts';

const stepSeconds = 8;
const prefix = process.env['BENCH_PREFIX'] ?? 'ibbench';
const say = (text: string): void => console.error(`bench dhcp: ${text}`);

/** One step: what perfdhcp saw, what each process cost, and what was durable afterwards. */
type Step = { report: Report; cpuMicrosecondsPerExchange: Record<string, number>; after: Aftermath; loadBefore: number };
type Measured = { server: Server; best: Step | undefined; steps: readonly Step[] };

export async function run(): Promise<readonly Row[]> {
  const only = option('--only')?.split(',');
  const place = makePlace(prefix, join(cacheDir, 'bench-dhcp'));
  try {
    const profileRate = option('--profile');
    if (profileRate !== undefined) return await profile(place, Number(profileRate));
    return await compare(place, only);
  } finally {
    await place.close();
  }
}

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1] ?? '';
};

async function compare(place: Place, only: readonly string[] | undefined): Promise<readonly Row[]> {
  const contenders: { server: Server; start: number; most: number }[] = [
    { server: ours(), start: 4_000, most: 6 },
    ...(await keas(cacheDir, say)).map((server) => ({ server, start: 4_000, most: 6 })),
    { server: await iscDhcpd(cacheDir, say), start: 600, most: 5 },
    { server: dnsmasq(say), start: 300, most: 4 },
  ].filter(({ server }) => only === undefined || only.some((name) => server.name.startsWith(name)));
  const all: Measured[] = [];
  for (const { server, start, most } of contenders) all.push(await search(place, server, { start, most }));
  const common = await atKeasBest(place, all);
  const rows = rowsOf(all, common);
  const result = { seconds: stepSeconds, warmUp, perfdhcp: `perfdhcp ${perfdhcpFlags(0, stepSeconds).join(' ')}`, flags: Object.fromEntries(all.map(({ server }) => [server.name, server.flags])), steps: Object.fromEntries(all.map(({ server, steps }) => [server.name, steps])), common };
  if (only === undefined) writeResult('dhcp', rows, result);
  else say(JSON.stringify(result));
  return rows;
}

async function search(place: Place, server: Server, { start, most }: { start: number; most: number }): Promise<Measured> {
  const found = await highestRate({ start, most, precision: 0.06 }, async (rate) => {
    const result = await step(place, server, rate);
    return { passed: passes(result.report), result };
  });
  return { server, best: found.best?.result, steps: found.trials.map((trial) => trial.result) };
}

async function step(place: Place, server: Server, rate: number): Promise<Step> {
  const loadBefore = Number((loadavg()[0] ?? 0).toFixed(2));
  const running = await server.start(place);
  try {
    await warm(place, rate);
    const warmed = await running.finish();
    const before = Object.entries(running.processes).map(([name, pid]) => ({ name, pid, ms: cpuMs(pid) }));
    const report = await measure(place, rate, stepSeconds);
    const perExchange = (ms: number): number => Math.round(ms * 1_000 / Math.max(1, report.request.received));
    const cost = [...before.map(({ name, pid, ms }) => [name, perExchange(cpuMs(pid) - ms)]), ['perfdhcp', perExchange(report.cpuMs)]];
    const done = { report, cpuMicrosecondsPerExchange: Object.fromEntries(cost) as Record<string, number>, after: since(await running.finish(), warmed), loadBefore };
    say(`${server.name} at ${rate}/s: ${describe(done)}`);
    return done;
  } finally {
    await running.stop();
  }
}

/** Without what the warming up left. */
const since = (after: Aftermath, warmed: Aftermath): Aftermath => after.leases === undefined ? after : {
  ...after, leases: after.leases - (warmed.leases ?? 0), factsAtEnd: (after.factsAtEnd ?? 0) - (warmed.factsDrained ?? 0), factsDrained: (after.factsDrained ?? 0) - (warmed.factsDrained ?? 0),
};

function describe({ report, cpuMicrosecondsPerExchange, after, loadBefore }: Step): string {
  const { discover, request, achieved } = report;
  const lost = `lost ${discover.dropPercent.toFixed(2)} % and ${request.dropPercent.toFixed(2)} %`;
  const delays = `${discover.averageMs.toFixed(2)} + ${request.averageMs.toFixed(2)} ms, at most ${maxDelay(report).toFixed(1)} ms`;
  return `${passes(report) ? 'stands it' : 'does not'}; ${lost}, ${Math.round(achieved)} ACKs/s, ${delays}, CPU us ${JSON.stringify(cpuMicrosecondsPerExchange)} ${JSON.stringify(after)}, load before ${loadBefore}`;
}

/** Delays can be compared at one rate only: the highest that the best Kea stood, or what we stand where that is less. */
async function atKeasBest(place: Place, all: readonly Measured[]): Promise<{ rate: number; steps: Record<string, Step> } | undefined> {
  const [us, best] = [all.find(isOurs), bestOf(all.filter(isKea))];
  if (us?.best === undefined || best?.best === undefined) return undefined;
  const rate = Math.min(us.best.report.wanted, best.best.report.wanted);
  return { rate, steps: { [us.server.name]: await step(place, us.server, rate), kea: await step(place, best.server, rate) } };
}

function rowsOf(all: readonly Measured[], common: { rate: number; steps: Record<string, Step> } | undefined): Row[] {
  const us = all.find(isOurs);
  if (us?.best === undefined) return all.map(({ server, best }) => row(`${server.name}: highest rate under 1 % lost`, 'exchanges/s', 'more', best?.report.achieved ?? 0));
  const { report, after, cpuMicrosecondsPerExchange } = us.best;
  const rates = Object.fromEntries(all.filter((each) => !isOurs(each)).map(({ server, best }) => [server.name, best?.report.achieved ?? 0]));
  const [here, there] = [common?.steps['ironbus']?.report, common?.steps['kea']?.report];
  return [
    row('highest rate under 1 % lost', 'exchanges/s', 'more', report.achieved, rates),
    ...(here === undefined || there === undefined || common === undefined ? [] : [
      row(`average delay of an exchange at ${common.rate}/s`, 'ms', 'less', averageDelay(here), { kea: averageDelay(there) }),
      row(`longest delay of an answer at ${common.rate}/s`, 'ms', 'less', maxDelay(here), { kea: maxDelay(there) }),
    ]),
    row('average delay at our highest rate', 'ms', 'less', averageDelay(report)),
    row('clients with a lease in Redis, of those acknowledged', '%', 'more', (after.leases ?? 0) / Math.min(report.request.received, clients) * 100),
    row('facts in JetStream when the load ended', '%', 'more', (after.factsAtEnd ?? 0) / report.request.received * 100),
    row('until the outbox was empty after it', 's', 'less', after.drainSeconds ?? 0),
    ...Object.entries(cpuMicrosecondsPerExchange).map(([name, value]) => row(`CPU of ${name}`, 'us/exchange', 'less', value)),
  ];
}

const isOurs = ({ server }: Measured): boolean => server.name === 'ironbus';
const isKea = ({ server }: Measured): boolean => server.name.startsWith('kea');
const bestOf = (all: readonly Measured[]): Measured | undefined => [...all].sort((a, b) => (b.best?.report.achieved ?? 0) - (a.best?.report.achieved ?? 0))[0];

async function profile(place: Place, rate: number): Promise<readonly Row[]> {
  const folder = place.folder('profile');
  rmSync(folder, { recursive: true, force: true });
  const { report, cpuMicrosecondsPerExchange } = await step(place, ours(['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500']), rate);
  printProfile(summarize(readProfile(folder), 40));
  return [row(`ACKs at ${rate}/s, profiled`, 'exchanges/s', 'more', report.achieved), ...Object.entries(cpuMicrosecondsPerExchange).map(([name, value]) => row(`CPU of ${name}`, 'us/exchange', 'less', value))];
}
