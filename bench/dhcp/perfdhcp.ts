/** One measurement with perfdhcp (Kea's load generator) as a relay of many clients, and its report as data. */
import { setTimeout as pause } from 'node:timers/promises';
import { addresses, hasEnded, type Place } from './place.ts';
import { cpuMs } from './processes.ts';

export type Exchange = { sent: number; received: number; dropPercent: number; averageMs: number; maxMs: number };
/** `achieved`: whole exchanges per second of load. `cpuMs`: perfdhcp's own. */
export type Report = { wanted: number; achieved: number; discover: Exchange; request: Exchange; cpuMs: number };

export const clients = 50_000;
/** Before the load, by clients of their own: a program that compiles while it runs has to have run, and a cache has to be warm. */
export const warmUp = { rate: 1_000, seconds: 3, clients: 3_000 };

export const perfdhcpFlags = (rate: number, seconds: number): string[] => flags({ rate, seconds, clients, firstMac: '02:00:00:00:00:00' });
const flags = (load: { rate: number; seconds: number; clients: number; firstMac: string }): string[] => [
  '-4', '-l', addresses.relay, '-b', `mac=${load.firstMac}`, '-r', String(load.rate), '-R', String(load.clients), '-p', String(load.seconds), '-W', '1500000', addresses.server,
];

/** Runs four-way exchanges at this rate for so many seconds. A report is made whatever was dropped. */
export const measure = (place: Place, rate: number, seconds: number): Promise<Report> => load(place, perfdhcpFlags(rate, seconds), { rate, seconds });

/** Again while nothing answers; throws when nothing ever does. */
export async function warm(place: Place, rate: number): Promise<void> {
  const gentle = { ...warmUp, rate: Math.min(warmUp.rate, Math.round(rate / 2)) };
  for (let tries = 0; tries < 4; tries += 1) {
    const { request } = await load(place, flags({ ...gentle, firstMac: '06:00:00:00:00:00' }), gentle);
    if (request.received > 0) return;
  }
  throw new Error('the server answers nothing');
}

async function load(place: Place, argv: readonly string[], of: { rate: number; seconds: number }): Promise<Report> {
  const started = await place.start('relay', ['perfdhcp', ...argv], { name: 'perfdhcp' });
  let spentMs = 0;
  for (const deadline = Date.now() + (of.seconds + 30) * 1_000; !hasEnded(started.child) && Date.now() < deadline; await pause(100)) spentMs = Math.max(spentMs, cpuMs(started.pid));
  await started.stop();
  const report = parseReport(started.output(), of);
  if (report === undefined) throw new Error(`perfdhcp said nothing to understand: ${started.output().slice(-1_500)}`);
  return { ...report, cpuMs: spentMs };
}

/** What perfdhcp prints at its end; undefined where it is not that. Its own rate is not used: it counts the time after the load too. Pure. */
export function parseReport(text: string, { rate, seconds }: { rate: number; seconds: number }): Omit<Report, 'cpuMs'> | undefined {
  const [discover, request] = ['DISCOVER-OFFER', 'REQUEST-ACK'].map((name) => parseExchange(text, name));
  return discover === undefined || request === undefined ? undefined : { wanted: rate, achieved: request.received / seconds, discover, request };
}

function parseExchange(text: string, name: string): Exchange | undefined {
  const from = text.indexOf(`***Statistics for: ${name}***`);
  if (from < 0) return undefined;
  const section = text.slice(from + 3).split('***Statistics for: ')[0] ?? '';
  const number = (label: string): number => Number(new RegExp(`^${label}: ([\\d.]+)`, 'm').exec(section)?.[1] ?? 0);
  return { sent: number('sent packets'), received: number('received packets'), dropPercent: number('drops ratio'), averageMs: number('avg delay'), maxMs: number('max delay') };
}

/** Under one percent lost, of both exchanges, and the load was there at all. */
export const passes = ({ discover, request, achieved, wanted }: Report): boolean =>
  discover.received > 0 && request.received > 0 && discover.dropPercent < 1 && request.dropPercent < 1 && achieved > wanted * 0.9;

/** Milliseconds a client waits for the server in one four-way exchange. */
export const averageDelay = ({ discover, request }: Report): number => discover.averageMs + request.averageMs;
export const maxDelay = ({ discover, request }: Report): number => Math.max(discover.maxMs, request.maxMs);
