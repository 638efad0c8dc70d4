/** An HTTP endpoint in prov that notes who called and when: the finishing line of a boot measurement, and phone_home's other end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { startDaemon, waitUntil } from './run.ts';

/** One POST or PUT; `atMs` is when its first byte was read (milliseconds since the epoch, this machine's clock). */
export type CheckIn = { atMs: number; from: string; method: string; path: string; body: string };

export type Sink = {
  /** Base URL as machines see it. */
  url: string;
  checkIns: () => CheckIn[];
  /** Waits for a call whose path matches; throws after `timeoutMs`. */
  waitFor: (path: RegExp, timeoutMs: number) => Promise<CheckIn>;
  stop: () => Promise<void>;
};

/** Starts a sink on prov's pxe address; returns when it listens. */
export async function startSink(lab: Lab, port = 8088): Promise<Sink> {
  const address = lab.addresses.prov;
  const argv = [process.execPath, join(import.meta.dirname, 'sink-main.ts'), address, String(port)];
  const daemon = await startDaemon(lab, { name: `sink-${port}`, where: 'prov', argv });
  const log = (): string => readFileSync(daemon.logPath, 'utf8');
  await waitUntil(`sink on ${address}:${port}`, () => log().includes('listening\n'), { timeoutMs: 10_000 });
  const checkIns = (): CheckIn[] => parseCheckIns(log());
  return {
    url: `http://${address}:${port}`,
    checkIns,
    waitFor: (path, timeoutMs) => waitUntil(`a call of ${path}`, () => checkIns().find((call) => path.test(call.path)), { timeoutMs }),
    stop: daemon.stop,
  };
}

/** The calls in a sink's log; a line still being written is left out. Pure. */
export function parseCheckIns(log: string): CheckIn[] {
  const whole = log.slice(0, log.lastIndexOf('\n') + 1);
  return whole.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as CheckIn);
}
