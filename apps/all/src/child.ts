/** A server of our own as a child process: started again when it ends, ended with us, even when we are killed. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { IronbusError } from '@ironbus/contracts';
import type { Logger, Part } from '@ironbus/runtime';

export type Program = { name: string; command: string; args: readonly string[]; port: number; logFile: string };

const readyMs = 20_000;
const stopMs = 8_000;

/** `setpriv --pdeathsig` (util-linux) has the kernel end the child when its parent is gone, however that happened. */
const endsWithUs = spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0;

export function supervise(program: Program, log: Logger): Part {
  let child: ChildProcess | undefined;
  let stopping = false;

  /** Detached, so that Ctrl-C in a terminal reaches us alone and the children end after the services. */
  function launch(): void {
    const output = openSync(program.logFile, 'a');
    const [command, ...args] = endsWithUs ? ['setpriv', '--pdeathsig', 'TERM', '--', program.command, ...program.args] : [program.command, ...program.args];
    child = spawn(command!, args, { stdio: ['ignore', output, output], detached: true });
    closeSync(output);
    child.on('error', (error) => log.error({ child: program.name, err: error }, 'child could not be started'));
    child.on('exit', (code, signal) => { if (!stopping) void again(code, signal); });
  }

  async function again(code: number | null, signal: string | null): Promise<void> {
    log.error({ child: program.name, code, signal, logFile: program.logFile }, 'child ended, starting it again');
    await pause(1000);
    if (!stopping) launch();
  }

  return {
    name: program.name,
    async start() {
      if (await answers(program.port)) throw new IronbusError('PORT_UNAVAILABLE', `port ${program.port} on loopback is taken: something else, perhaps another Ironbus, uses it; set another port for ${program.name}`);
      if (stopping) return;
      launch();
      const end = Date.now() + readyMs;
      while (!await answers(program.port)) {
        if (stopping) return;
        if (Date.now() > end) throw new IronbusError('INTERNAL', `${program.name} did not answer on port ${program.port} within ${readyMs / 1000} s: see ${program.logFile}`);
        await pause(50);
      }
      log.info({ child: program.name, pid: child?.pid, port: program.port }, 'child started');
    },
    async stop() {
      stopping = true;
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const killer = setTimeout(() => child?.kill('SIGKILL'), stopMs);
      await exited;
      clearTimeout(killer);
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}
