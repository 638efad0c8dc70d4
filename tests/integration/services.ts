/** The six services in this process, or each in one of its own that can be killed, made from environment variables and started and stopped at will. */
import * as api from '@ironbus/api';
import * as bootfiles from '@ironbus/bootfiles';
import * as dhcp from '@ironbus/dhcp';
import * as lifecycle from '@ironbus/lifecycle';
import * as power from '@ironbus/power';
import * as tftp from '@ironbus/tftp';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createLogger, readConfig, type ConfigSpec, type Environment, type Logger, type Readiness, type Service } from '@ironbus/runtime';

export const names = ['api', 'lifecycle', 'dhcp', 'tftp', 'bootfiles', 'power'] as const;
export type Name = (typeof names)[number];

export type Controlled = {
  readonly name: Name;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** SIGKILL, where it has a process of its own. */
  kill(): Promise<void>;
  /** What /readyz says, and its status code. */
  readyz(): Promise<{ status: number; body: Readiness }>;
};
type Module = { configSpec: ConfigSpec<unknown>; create(config: unknown, kit: { log: Logger; printOnce?: (text: string) => void }): Service };
const modules = { api, lifecycle, dhcp, tftp, bootfiles, power } as unknown as Record<Name, Module>;

/** Everything that services said, as JSON lines, at the finest level. */
export type Logs = string[];

/** `env` is read at each start: a rack's keys come with its join. */
export function controlService(name: Name, { env, logs, healthPort }: { env: () => Environment; logs: Logs; healthPort: number }): Controlled {
  let service: Service | undefined;
  return {
    name, readyz: () => askReady(healthPort), kill: () => Promise.reject(new Error(`${name} is a part of the test's own process`)),
    async start() {
      const { configSpec, create } = modules[name];
      const read = readConfig(configSpec, env());
      if (!read.ok) throw new Error(`${name}: ${JSON.stringify(read.violations)}`);
      const sink = new Writable({ write: (chunk: Buffer, _encoding, done) => { logs.push(chunk.toString()); done(); } });
      service = create(read.config, { log: createLogger({ svc: name, level: 'trace', rack: 'rack1' }, sink), printOnce: () => undefined });
      await service.start();
    },
    async stop() {
      const stopping = service;
      service = undefined;
      await stopping?.stop();
    },
  };
}

async function askReady(healthPort: number): ReturnType<Controlled['readyz']> {
  const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
  return { status: response.status, body: await response.json() as Readiness };
}

type Made = Parameters<typeof controlService>[1];

/** The same as a process of its own, ready once `start` has resolved or soon after. */
export function controlProcess(name: Name, { env, logs, healthPort }: Made): Controlled {
  let child: ChildProcess | undefined;
  process.once('exit', () => child?.kill('SIGKILL'));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return {
    name, readyz: () => askReady(healthPort), stop: () => end('SIGTERM'), kill: () => end('SIGKILL'),
    async start() {
      child = spawn(process.execPath, [join(import.meta.dirname, `../../services/${name}/src/main.ts`)], { env: { PATH: process.env['PATH'], ...env() }, stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout?.on('data', (chunk: Buffer) => { logs.push(chunk.toString()); });
      await once(child, 'spawn');
    },
  };
}
