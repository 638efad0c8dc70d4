/** Runs programs to their end, and starts long-lived ones whose pid is on record (see `state.ts`). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from './lab.ts';
import { recordProcess } from './state.ts';

/** How a program ended; `code` is 128 + signal number when a signal ended it, as in a shell. */
export type Ran = { code: number; stdout: string; stderr: string; ms: number };
export type RunOptions = { env?: NodeJS.ProcessEnv; cwd?: string; input?: string; timeoutMs?: number };

/** Which of a lab's namespaces; `host` is the one the harness runs in. */
export type Where = 'host' | keyof Lab['namespaces'];

/** Runs a program to its end; rejects only when it can't be started or overruns `timeoutMs` (default 60 s). */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [file, ...args] = argv;
  if (file === undefined) throw new RangeError('run: empty argv');
  const started = performance.now();
  const timeoutMs = options.timeoutMs ?? 60_000;
  const child = spawn(file, args, { env: options.env ?? process.env, cwd: options.cwd, timeout: timeoutMs, killSignal: 'SIGKILL' });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => stdout.push(part));
  child.stderr.on('data', (part: Buffer) => stderr.push(part));
  child.stdin.on('error', () => child.stdin.destroy()); // EPIPE of a program that reads nothing
  child.stdin.end(options.input ?? '');
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const ms = performance.now() - started;
  if (signal === 'SIGKILL' && ms >= timeoutMs) throw new Error(`${argv.join(' ')}: no end after ${timeoutMs} ms`);
  return { code: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15), stdout: text(stdout), stderr: text(stderr), ms };
}

/** Like `run`, and throws with the program's own words when it fails; returns what it printed. */
export async function mustRun(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const ran = await run(argv, options);
  if (ran.code === 0) return ran.stdout;
  const words = (ran.stderr.trim() || ran.stdout.trim()).slice(-2000);
  throw new Error(`${argv.slice(0, 12).join(' ')}: exit ${ran.code}${words === '' ? '' : `: ${words}`}`);
}

/** The same argv, to be run in a namespace of the lab; `ip netns exec` execs, so the pid stays the same. */
export function inNamespace(lab: Lab, where: Where, argv: readonly string[]): string[] {
  return where === 'host' ? [...argv] : ['ip', 'netns', 'exec', lab.namespaces[where], ...argv];
}

/** A running child of the lab. */
export type Daemon = { name: string; pid: number; logPath: string; stop: () => Promise<void> };
export type DaemonOptions = { env?: NodeJS.ProcessEnv; cwd?: string };

/**
 * Starts a long-lived program in a namespace: detached, its output in `<lab>/logs/<name>.log`, its pid on record.
 * It outlives a crash of the harness; `cleanUp` finds it by its record.
 */
export async function startDaemon(
  lab: Lab,
  what: { name: string; where: Where; argv: readonly string[] } & DaemonOptions,
): Promise<Daemon> {
  const logPath = join(lab.dir, 'logs', `${what.name}.log`);
  mkdirSync(dirname(logPath), { recursive: true });
  const log = openSync(logPath, 'a');
  const [file = '', ...args] = inNamespace(lab, what.where, what.argv);
  const child = spawn(file, args, {
    detached: true, stdio: ['ignore', log, log], cwd: what.cwd ?? lab.dir, env: what.env ?? process.env,
  });
  closeSync(log);
  await once(child, 'spawn');
  child.unref();
  const pid = child.pid ?? 0;
  recordProcess(lab, what.name, pid);
  return { name: what.name, pid, logPath, stop: () => stopChild(child) };
}

/** Polls until `condition` gives something other than undefined or false; throws naming `what` after `timeoutMs`. */
export async function waitUntil<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  options: { timeoutMs: number; everyMs?: number },
): Promise<T> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value as T;
    if (performance.now() > end) throw new Error(`${what}: not within ${options.timeoutMs} ms`);
    await delay(options.everyMs ?? 50);
  }
}

async function stopChild(child: ReturnType<typeof spawn>): Promise<void> {
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  if (ended()) return;
  child.kill('SIGTERM');
  for (let waited = 0; waited < 3000 && !ended(); waited += 20) await delay(20);
  if (!ended()) child.kill('SIGKILL');
}

function text(parts: readonly Buffer[]): string {
  return Buffer.concat(parts).toString('utf8');
}
