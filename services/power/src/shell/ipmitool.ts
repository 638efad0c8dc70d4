/** Runs ipmitool, one command at a time per BMC: BMCs hang when several sessions are opened at once. */
import { spawn } from 'node:child_process';
import { IronbusError } from '@ironbus/contracts';
import type { Command, Ran } from '../core/ipmi.ts';

const commandMs = 20_000;

export type RunIpmi = (address: string, command: Command) => Promise<Ran>;

/** Throws POWER_TOOL_MISSING; everything a BMC does wrong is in the answer. */
export function openIpmitool(program: string): RunIpmi {
  const queues = new Map<string, Promise<unknown>>();
  return (address, command) => {
    const turn = (queues.get(address) ?? Promise.resolve()).then(() => run(program, command));
    const settled = turn.catch(() => undefined).then(() => { if (queues.get(address) === settled) queues.delete(address); });
    queues.set(address, settled);
    return turn;
  };
}

/** A command that takes longer than its limit is killed, and its exit code is null. */
function run(program: string, { argv, env }: Command): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', ...env } });
    const limit = setTimeout(() => child.kill('SIGKILL'), commandMs); // spawn's own `timeout` goes on after a failed start
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => { output[name] = (output[name] + text).slice(-20_000); });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(limit);
      reject(new IronbusError('POWER_TOOL_MISSING', cause.code === 'ENOENT'
        ? `${program} is not installed on this rack: apt-get install ipmitool` : `${program} can not be run on this rack: ${cause.code ?? cause.message}`, { cause }));
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code, ...output });
    });
  });
}
